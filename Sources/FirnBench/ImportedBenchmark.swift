import FirnGraph
import FirnNN
import FirnNotation
import FirnONNX
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation

/// Training steps of a ResNet-18 that was read from ONNX beside those of the one written by hand, in turns.
enum ImportedBenchmark {
  /// Steps of each row, and how often the turns come round.
  private static let (steps, rounds) = (2, 9)

  /// One of the two, compiled.
  private struct Contestant {
    var session: Session
    var program: Program
    var feeds: Feeds

    init(
      _ graph: Graph, _ images: Tensor, _ logits: Tensor, classes: Int, batch: Int, freezing: Selection?,
      threads: Int
    ) throws {
      let labels = graph.placeholder("labels", shape: [logits.shape[0]], dtype: .i32)
      let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
      session = try Session(graph, threads: threads)
      session.onWarning = { _ in }
      program = try session.compile(
        minimizing: loss, with: SGD(learningRate: 0.01), freezing: freezing)
      let extents = images.shape.dimensions.map { $0.value ?? batch }
      feeds = Feeds([
        (images.name, try Initializer.uniform(-1, 1).values(shape: extents)),
        (labels.name, NDArray((0..<batch).map { Int32($0 * 7 % classes) })),
      ])
    }

    func run() throws { for _ in 0..<ImportedBenchmark.steps { try session.run(program, feeding: feeds) } }

    /// Of images, in what is run.
    var transposes: Int {
      program.graph.nodes.count { $0.mnemonic == "transpose" && $0.types[0].shape.rank == 4 }
    }
  }

  static func run(_ arguments: BenchArguments) throws {
    let file = try arguments.onnx ?? written()
    defer { if arguments.onnx == nil { try? FileManager.default.removeItem(atPath: file) } }
    print("ResNet-18   ms a step   of hand-written   processor time's   transposes of images")
    for freezing in [nil, NetworksBenchmark.freezing] {
      for threads in arguments.threads { try compare(file, freezing: freezing, threads: threads) }
    }
  }

  private static func compare(_ file: String, freezing: Selection?, threads: Int) throws {
    let batch = 8
    let model = try ONNXModel(contentsOfFile: file)
    guard let input = model.inputs.first?.tensor, let logits = model.outputs.first?.tensor, input.rank == 4,
      input.shape[1] == 3, let size = input.shape[2].value, input.shape[3] == Dim(size)
    else { throw BenchmarkFailure(description: "\(file) has no input of [batch,3,size,size]") }
    // Labels are made of the number of classes.
    guard logits.rank == 2, let classes = logits.shape[1].value, classes > 0 else {
      throw BenchmarkFailure(description: "\(file) has no output of [batch,classes], but \(logits.type)")
    }
    let graph = Graph()
    let images = graph.placeholder("images", shape: ["batch", Dim(size), Dim(size), 3])
    let own = ResNet(.resNet18, classes: classes)(images)
    let all = [
      try Contestant(
        graph, images, own, classes: classes, batch: batch, freezing: freezing, threads: threads),
      try Contestant(
        model.graph, input, logits, classes: classes, batch: batch, freezing: freezing, threads: threads),
    ]
    var (times, processor) = ([[Double]](repeating: [], count: 2), [[Double]](repeating: [], count: 2))
    for contestant in all { try contestant.run() }
    for _ in 0..<rounds {
      for (number, contestant) in all.enumerated() {
        let begin = ProcessorTime.seconds
        times[number].append(try milliseconds(runs: 1) { try contestant.run() } / Double(steps))
        processor[number].append(ProcessorTime.seconds - begin)
      }
    }
    let medians = times.map { $0.sorted()[rounds / 2] }
    let used = processor.map { $0.sorted()[rounds / 2] }
    let row = "\(freezing.map { "`\($0)` frozen" } ?? "nothing frozen"), \(threads) threads"
    print(row)
    print(
      "  by hand ", column(medians[0]), column(1), column(1), column(Double(all[0].transposes), digits: 0))
    print(
      "  imported", column(medians[1]), column(medians[1] / medians[0], digits: 3),
      column(used[1] / used[0], digits: 3), column(Double(all[1].transposes), digits: 0))
  }

  /// The hand-written one as Firn writes it, with channels first as every model of ONNX has them.
  private static func written() throws -> String {
    let graph = Graph()
    let images = graph.placeholder("images", shape: ["batch", 3, 64, 64])
    let logits = ResNet(.resNet18)(images.transposed([0, 2, 3, 1]))
    let session = try Session(graph)
    session.onWarning = { _ in }
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "firn-\(UUID().uuidString).onnx"
    ).path
    try session.writeONNX([logits], to: path)
    return path
  }
}
