import FirnGraph
import FirnRuntime
import FirnTraining
import FirnWorlds
import Testing

@testable import FirnParallelMember

/// What the members of a world train on is the same for all of them, or nobody trains.
@Suite(.serialized) struct WorldExamplesTests {
  /// Other rows, another order of them, other batches or another seed on one member would train some examples twice.
  @Test(arguments: ["rows", "batch", "seed", "count", "validation", "judged by"])
  func membersTrainOnTheSameExamples(what: String) throws {
    let errors = try World.runInThreads(2) { world -> FirnError? in
      let isOther = world.rank == 1
      let lesson = Lesson()
      let session = try lesson.session(world)
      var trainer = Trainer(try lesson.program(in: session), in: session)
      var data = try lesson.data
      var judging = data
      if isOther {
        let all = Array(0..<data.count)
        switch what {
        case "rows": data = try data.rows(all.reversed())
        case "count": data = try data.rows(Array(all.dropLast()))
        case "judged by": judging = try data.rows(all.reversed())
        default: break
        }
      }
      if !(isOther && what == "validation") { trainer.validation = Validation(judging.inBatches(of: 3)) }
      let source = data.inBatches(
        of: Lesson.batchSize + (isOther && what == "batch" ? 1 : 0),
        seed: Lesson.seed + (isOther && what == "seed" ? 1 : 0))
      let before = try Lesson.lines(of: session)
      do throws(FirnError) {
        try trainer.train(on: source, epochs: 1)
      } catch {
        #expect(try Lesson.lines(of: session) == before)
        return error
      }
      return nil
    }
    let words = [
      "rows": "of the examples to train on", "batch": "the size of batches to train on",
      "seed": "the seed of the order of examples to train on", "count": "the number of examples to train on",
      "validation": "the number of examples to judge by", "judged by": "of the examples to judge by",
    ]
    for error in errors {
      #expect(error?.code == .world)
      #expect(
        error?.message.contains((words[what] ?? "?") + " is not the same on all members: rank 0: ") == true)
    }
  }
}
