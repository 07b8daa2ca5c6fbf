import Firn
import FirnDigits

/// The small CNN with a head for the digits 0 to 4 and another for 5 to 9.
struct Learner {
  let session: Session
  private let images: Tensor
  private let labels: Tensor
  private let tasks: [Task]
  private let digits: DigitsData

  private struct Task {
    let first: UInt8
    let loss: Tensor
    let correct: Tensor
  }

  init(_ digits: DigitsData, seed: UInt64) throws {
    let graph = Graph()
    let x = graph.placeholder("images", shape: ["batch", 8, 8, 1])
    let y = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    let code = DigitsCNN().features(x)
    tasks = [("head_0_4", UInt8(0)), ("head_5_9", 5)].map { head, first in
      let logits = Dense(5, name: head)(code)
      return Task(
        first: first, loss: sparseSoftmaxCrossEntropy(logits: logits, labels: y).mean(),
        correct: Firn.accuracy(logits: logits, labels: y))
    }
    (images, labels) = (x, y)
    self.digits = digits
    session = try Session(graph, seed: seed)
  }

  private func data(_ task: Task, _ indices: [Int]) throws -> DataSet {
    try DataSet([images: digits.pixels(indices), labels: digits.classes(indices, from: task.first)])
  }

  /// - Parameter task: 0 or 1.
  @discardableResult
  func train(
    _ task: Int, on indices: [Int], steps: Int, freezing: Selection? = nil, seed: UInt64
  ) throws -> Program {
    let program = try session.compile(
      minimizing: tasks[task].loss, with: Adam(learningRate: 0.003), freezing: freezing)
    try Trainer(program, in: session).fit(
      data(tasks[task], indices), epochs: .max, batchSize: 50, seed: seed, upTo: steps)
    return program
  }

  func accuracy(_ task: Int, on indices: [Int]) throws -> Double {
    let ask = try session.compile(fetching: [tasks[task].correct])
    return try session.run(ask, feeding: data(tasks[task], indices).feeds).scalar(tasks[task].correct)
  }
}
