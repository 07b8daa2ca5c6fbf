import FirnCompiler
import FirnGraph
import FirnOps
import FirnRuntime
import FirnTraining
import FirnWorlds

@testable import FirnParallelMember

/// The lesson by a session alone, which sums the gradients of as many parts of a batch in the order of ranks.
enum OneProcess {
  static func run(parts: Int) throws -> [String] {
    let lesson = Lesson()
    let session = try lesson.session(.alone)
    let count = lesson.graph.extent("batch", dtype: .f64)
    let program = try session.compile(
      updates: [
        .minimize(
          lesson.loss, with: Adam(learningRate: 0.01), clipping: .globalNorm(0.05),
          accumulating: Accumulation(parts, weightedBy: count))
      ], freezing: Lesson.freezing, fetching: [lesson.accuracy])
    let data = try lesson.data
    for epoch in 0..<Lesson.epochs {
      let shards = (0..<parts).map {
        data.batches(of: Lesson.batchSize, epoch: epoch, seed: Lesson.seed, rank: $0, of: parts)
      }
      for batch in shards[0].indices {
        for shard in shards { _ = try session.run(program, feeding: data.feeds(shard[batch])) }
      }
    }
    return try Lesson.lines(of: session).filter { !$0.contains("accumulated") }
  }
}
