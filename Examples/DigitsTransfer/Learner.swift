import Firn
import FirnDigits

/// The small CNN with a head for the digits 0 to 4 and another for 5 to 9.
struct Learner {
  let session: Session
  private let (images, labels): (Tensor, Tensor)
  private let tasks: [(first: UInt8, logits: Tensor, loss: Tensor)]
  private let digits: DigitsData

  /// - Parameter pretrained: whose weights it begins with; random ones by default.
  init(_ digits: DigitsData, seed: UInt64, from pretrained: Learner? = nil) throws {
    let graph = Graph()
    let images = graph.placeholder("images", shape: ["batch", 8, 8, 1])
    let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    let code = DigitsCNN().features(images)
    let heads: [(String, UInt8)] = [("head_0_4", 0), ("head_5_9", 5)]
    tasks = heads.map { head, first in
      let logits = Dense(5, name: head)(code)
      return (first, logits, sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean())
    }
    (self.images, self.labels, self.digits) = (images, labels, digits)
    session = try Session(graph, seed: seed)
    if let pretrained { try session.load(pretrained.session.weights()) }
  }

  private func data(_ task: Int, _ indices: [Int]) throws -> DataSet {
    try DataSet([
      images: digits.pixels(indices), labels: digits.classes(indices, from: tasks[task].first),
    ])
  }

  /// - Parameter task: 0 or 1.
  @discardableResult
  func train(_ task: Int, on indices: [Int], steps: Int, freezing: Selection? = nil) throws -> Program {
    let program = try session.compile(
      minimizing: tasks[task].loss, with: Adam(learningRate: 0.003), freezing: freezing)
    let source = try data(task, indices).inBatches(of: 50, seed: session.seed)
    try Trainer(program, in: session).train(on: source, epochs: .max, upTo: steps)
    return program
  }

  func accuracy(_ task: Int, on indices: [Int]) throws -> Double {
    let judge = try Evaluator([.accuracy(tasks[task].logits, labels: labels)], in: session)
    return try judge.evaluate(data(task, indices).inBatches(of: 1000)).values[0].value
  }
}
