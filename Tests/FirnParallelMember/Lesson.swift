import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import FirnWorlds

/// A small training run that has every kind of gradient that is exchanged.
///
/// Rows of a table, a loop's kernels, blocks, a head; with ragged batches, a partial freeze, clipping and Adam. The same
/// in processes, in threads, and alone.
struct Lesson {
  /// In batches of 8, the last of 7; of two or four members some have one example less.
  static let count = 23
  static let batchSize = 8
  static let epochs = 3
  static let seed: UInt64 = 5

  let graph = Graph()
  let tokens: Tensor
  let labels: Tensor
  let loss: Tensor
  let accuracy: Tensor

  init() {
    tokens = graph.placeholder("tokens", shape: ["batch", 5], dtype: .i32)
    labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    let words = Embedding(count: 200, width: 6, name: "embedding")(tokens)
    let code = LSTM(7, name: "lstm").run(words).last
    let hidden = Dense(9, activation: .tanh, name: "hidden")(code)
    let logits = Dense(3, name: "head")(hidden)
    loss = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
    accuracy = FirnNN.accuracy(logits: logits, labels: labels)
  }

  /// Frozen: a layer's bias, and some rows of a kernel.
  static let freezing: Selection = "hidden/bias | hidden/kernel[0..<3]"

  var data: DataSet {
    get throws {
      let rows = (0..<Self.count * 5).map { (index: Int) -> Int32 in Int32((index * 37 + index / 7) % 200) }
      return try DataSet([
        tokens: NDArray(rows).reshaped(to: [Self.count, 5]),
        labels: NDArray((0..<Self.count).map { (index: Int) -> Int32 in Int32(index * 7 % 3) }),
      ])
    }
  }

  func session(_ world: World, threads: Int = 1) throws -> Session {
    let session = try Session(graph, seed: 3, threads: threads, world: world)
    session.onWarning = { _ in }
    return session
  }

  func program(in session: Session, freezing: Selection = Lesson.freezing) throws -> Program {
    try session.compile(
      minimizing: loss, with: Adam(learningRate: 0.01), freezing: freezing, clippingNorm: 0.05,
      fetching: [accuracy])
  }

  /// The run: what every variable, optimisers' memory too, ends as, and the losses, in one number each.
  func run(in world: World) throws -> [String] {
    let session = try session(world)
    let program = try program(in: session)
    let losses = try Trainer(program, in: session).fit(
      data, epochs: Self.epochs, batchSize: Self.batchSize, seed: Self.seed)
    return try Self.lines(of: session) + losses.map { "loss \($0)" }
  }

  /// A line for each variable.
  static func lines(of session: Session) throws -> [String] {
    try session.variables.map { variable in
      let value = try session.value(of: variable.name)
      return "\(variable.name) \(value.withUnsafeBytes { digest($0) })"
    }
  }

  static func digest(_ bytes: UnsafeRawBufferPointer) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return String(hash, radix: 16)
  }
}
