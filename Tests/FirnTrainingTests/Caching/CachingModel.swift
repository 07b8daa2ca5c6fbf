import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining

/// A model with something frozen next to its data, and how it is trained.
struct CachingModel {
  /// Which one.
  enum Kind: String, CaseIterable, Sendable {
    case dense, rectified, dropoutInHead, dropoutKept, dropoutAtInput, twoInputs, teacher, twoLosses,
      tiedWeights
    case stopInHead, stateInPrefix, constantColumn, byMode, embeddingLSTM, stackedLSTM, frozenBatchNorm,
      batchNormKept
    case convolution, fixedBatch, extent, gradientInPrefix, lengths, lengthsWithin
    case fixedSteps, stateOfPrefix, rowsWithin, twoResults
  }

  let kind: Kind
  let graph = Graph()
  let count: Int
  private var losses: [String: String] = [:]
  var columns: [(name: String, array: NDArray)] = []
  var objectives: [(loss: String, training: Selection?)] = [("loss", nil)]
  var freezing: Selection? = "encoder"
  var keeping: Selection?
  /// Names of what should be stored; nil where there is nothing to cache.
  var boundary: [String]?
  var batchSize = 4

  init(_ kind: Kind, count: Int = 11) throws {
    self.kind = kind
    self.count = count
    try build()
  }

  func session() throws -> Session { try quietSession(graph, seed: 5) }

  func data(_ change: (inout [(name: String, array: NDArray)]) throws -> Void = { _ in }) throws -> DataSet {
    var columns = columns
    try change(&columns)
    return try DataSet(columns)
  }

  func program(
    _ session: Session, freezing: Selection? = nil, storingFrozen: FrozenStorage? = nil
  ) throws -> Program {
    try session.compile(
      updates: objectives.map {
        .minimize(name(of: $0.loss), training: $0.training, with: Adam(learningRate: 0.05))
      },
      freezing: freezing ?? self.freezing, keepingTrainingMode: keeping,
      storingFrozen: storingFrozen)
  }

  /// The tensor of a loss.
  func name(of loss: String) -> String { losses[loss] ?? loss }

  // MARK: Building

  private mutating func column(_ name: String, _ shape: [Int], _ batch: Dim = "batch") throws -> Tensor {
    columns.append((name, try noise([count] + shape, name)))
    return graph.placeholder(name, shape: Shape([batch] + shape.map { Dim($0) }))
  }

  private mutating func classes(_ name: String = "labels", _ batch: Dim = "batch") -> Tensor {
    columns.append((name, labels(count, classes: 3)))
    return graph.placeholder(name, shape: [batch], dtype: .i32)
  }

  private mutating func classifying(_ code: Tensor, _ labels: Tensor) {
    let logits = Dense(3, name: "head")(code)
    mean(sparseSoftmaxCrossEntropy(logits: logits, labels: labels), "loss")
  }

  /// A loss that objectives name.
  private mutating func mean(_ values: Tensor, _ name: String) { losses[name] = values.mean().name }

  private mutating func build() throws {
    boundary = ["encoder/tanh"]
    switch kind {
    case .dense:
      let x = try column("x", [6])
      let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(x)) }
      classifying(code, classes())
    case .rectified:
      let x = try column("x", [6])
      let code = graph.scope("encoder") { relu(Dense(8, name: "dense")(x)) }
      classifying(code, classes())
      boundary = ["encoder/relu"]
    case .dropoutInHead:
      let x = try column("x", [6])
      let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(Dropout(0.4)(x))) }
      classifying(Dropout(0.5, name: "masked")(code), classes())
    case .dropoutKept:
      // Behind a frozen layer there is randomness: what comes before it can be stored.
      let x = try column("x", [6])
      let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(x)) }
      let noisy = graph.scope("noisy") { Dense(5, name: "dense")(Dropout(0.5)(code)) }
      classifying(noisy, classes())
      (freezing, keeping) = ("encoder | noisy", "noisy")
    case .dropoutAtInput:
      let x = try column("x", [6])
      let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(Dropout(0.5)(x))) }
      classifying(code, classes())
      (keeping, boundary) = ("encoder", nil)
    case .twoInputs:
      let (x, y) = (try column("x", [6]), try column("y", [3, 5]))
      let code = graph.scope("encoder") {
        tanh(Dense(8, name: "dense")(concatenate([x, Dense(4, name: "other")(y).mean(axes: [1])], axis: 1)))
      }
      classifying(code, classes())
    case .teacher:
      let x = try column("x", [6])
      let taught = graph.scope("teacher") {
        softmax(Dense(3, name: "top")(tanh(Dense(16, name: "dense")(x))))
      }
      let own = logSoftmax(Dense(3, name: "student")(x))
      mean(klDivergence(logProbabilities: own, targets: taught), "loss")
      (freezing, boundary) = ("teacher", nil)
      expects { $0.contains { $0.hasPrefix("teacher/") } }
    case .twoLosses:
      let x = try column("x", [6])
      let low = graph.scope("encoder") { tanh(Dense(8, name: "dense")(x)) }
      let high = graph.scope("upper") { tanh(Dense(7, name: "dense")(low)) }
      classifying(high, classes())
      mean(square(Dense(2, name: "probe")(low)), "side")
      (freezing, objectives) = ("encoder | upper", [("loss", "head"), ("side", "probe")])
      boundary = ["encoder/tanh", "upper/tanh"]
    case .tiedWeights:
      let x = try column("x", [6])
      let w = graph.scope("encoder") { graph.variable("w", shape: [6, 6]) }
      let code = graph.scope("encoder") { tanh(matmul(tanh(matmul(x, w)), w)) }
      // The same weight is read again behind what is trained.
      classifying(matmul(Dense(6, name: "between")(code), w, transposeB: true), classes())
      boundary = ["encoder/tanh_1"]
    case .stopInHead:
      let x = try column("x", [6])
      let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(x)) }
      let middle = Dense(8, activation: .tanh, name: "middle")(code)
      // Below the stop nothing learns from this loss, yet what stands there is trained by the other.
      classifying(Dense(5, activation: .tanh, name: "upper")(stopGradient(middle)), classes())
      mean(square(middle), "side")
      objectives = [("loss", "upper | head"), ("side", "middle")]
    case .stateInPrefix:
      let x = try column("x", [6])
      let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(x)) }
      let seen = graph.variable("seen", shape: [8], initializer: .zeros, kind: .state)
      graph.assign(seen + code.sum(axes: [0]), to: seen, whenTraining: code)
      let shifted = graph.scope("shifted") {
        tanh(Dense(6, name: "dense")(code + 0.01 * seen.broadcast(to: code.shape)))
      }
      classifying(shifted, classes())
      freezing = "encoder | shifted"
    case .constantColumn:
      let (x, scale) = (try column("x", [6]), try column("scale", [1]))
      columns[1].array = try NDArray([Float](repeating: 0.5, count: count), shape: [count, 1])
      let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(x) * scale) }
      classifying(code, classes())
    case .byMode:
      let x = try column("x", [6])
      let code = graph.scope("encoder") {
        let plain = tanh(Dense(8, name: "dense")(x))
        return byMode(training: dropout(plain, rate: 0.5, name: "drop"), inference: plain)
      }
      classifying(code, classes())
    case .embeddingLSTM:
      columns.append(("words", NDArray((0..<count * 5).map { Int32($0 * 7 % 20) })))
      columns[0].array = try columns[0].array.reshaped(to: [count, 5])
      let words = graph.placeholder("words", shape: ["batch", "time"], dtype: .i32)
      let code = graph.scope("encoder") { LSTM(7, name: "lstm")(Embedding(count: 20, width: 6)(words)) }
      classifying(code, classes())
      boundary = nil
      expects { $0.count == 1 && $0[0].hasPrefix("encoder/lstm") }
    case .stackedLSTM:
      let x = try column("x", [5, 4])
      let code = graph.scope("encoder") { LSTM(6, name: "lstm").run(x).sequence }
      classifying(LSTM(5, name: "upper")(code), classes())
      boundary = nil
      // Time and batch are one axis there: each example has several rows.
      expects { $0 == ["upper/scan/reshape"] }
    case .frozenBatchNorm:
      let x = try column("x", [6])
      let code = graph.scope("encoder") { tanh(BatchNorm(name: "bn")(Dense(8, name: "dense")(x))) }
      classifying(BatchNorm(name: "own")(code), classes())
    case .batchNormKept:
      let x = try column("x", [6])
      let low = graph.scope("encoder") { tanh(Dense(8, name: "dense")(x)) }
      let code = graph.scope("normal") { tanh(Dense(8, name: "dense")(BatchNorm(name: "bn")(low))) }
      classifying(code, classes())
      (freezing, keeping) = ("encoder | normal", "normal")
    case .convolution:
      let x = try column("x", [6, 6, 2])
      let code = graph.scope("encoder") {
        Conv2D(5, kernel: 3, name: "second")(relu(Conv2D(4, kernel: 3, name: "first")(x))).mean(axes: [1, 2])
      }
      classifying(code, classes())
      boundary = nil
      expects { $0.count == 1 && $0[0].hasPrefix("encoder/") }
    case .fixedBatch:
      let x = try column("x", [6], 4)
      let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(x)) }
      classifying(code, classes("labels", 4))
    case .extent:
      // How many examples a batch has says what this is, so it is no example's own.
      let x = try column("x", [6])
      let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(x)) }
      let scaled = graph.scope("scaled") {
        tanh(Dense(6, name: "dense")(code / graph.extent("batch").broadcast(to: code.shape)))
      }
      classifying(scaled, classes())
      freezing = "encoder | scaled"
    case .gradientInPrefix:
      // What is stored can itself be a gradient: the sensitivity of a frozen net.
      let x = try column("x", [6])
      let energy = graph.scope("encoder") { tanh(Dense(8, name: "dense")(x)).sum() }
      let slope = graph.gradients(of: [energy], withRespectTo: [x])[0]
      classifying(tanh(slope), classes())
      boundary = ["tanh"]
    case .fixedSteps:
      // Steps before examples, and a batch of fixed size.
      let x = try column("x", [3, 4], 4)
      let code = graph.scope("encoder") { LSTM(6, name: "lstm").run(x).sequence.transposed([1, 0, 2]) }
      let options = RecurrentOptions(layout: .timeMajor)
      classifying(LSTM(5, options: options, name: "upper")(code), classes("labels", 4))
      boundary = nil
      expects { $0.count == 1 }
    case .stateOfPrefix:
      // What is frozen alone decides what the step writes: that is done in every step, stored or not.
      let x = try column("x", [6], 4)
      let code = graph.scope("encoder") { tanh(Dense(8, name: "dense")(x)) }
      let last = graph.variable("last", shape: [4, 8], initializer: .zeros, kind: .state)
      graph.assign(code, to: last, whenTraining: code)
      classifying(code, classes("labels", 4))
    case .rowsWithin:
      // Batch and time are one axis, the rows of an example one behind the other.
      let x = try column("x", [5, 4])
      let code = graph.scope("encoder") {
        tanh(Dense(6, name: "dense")(x.reshaped(to: [Dim("batch") * 5, 4])))
      }
      let own = Dense(2, name: "own")(code)
      classifying(own.reshaped(to: ["batch", 10]), classes())
    case .twoResults:
      // Both states of a loop go on, one through each of two layers.
      let x = try column("x", [5, 4])
      let states = graph.scope("encoder") { LSTM(6, name: "lstm").run(x).states }
      classifying(Dense(5, name: "one")(states[0]) * Dense(5, name: "other")(states[1]), classes())
      boundary = nil
      expects { $0.count == 2 && $0.allSatisfy { $0.hasPrefix("encoder/lstm") } }
    case .lengths, .lengthsWithin:
      // How long an example is masks its steps, in the frozen part, or in both.
      let x = try column("x", [5, 4])
      columns.append(("lengths", NDArray((0..<count).map { Int32($0 * 7 % 6) })))
      let lengths = graph.placeholder("lengths", shape: ["batch"], dtype: .i32)
      let frozen = graph.scope("encoder") { GRU(6, name: "gru").run(x, lengths: lengths) }
      let code =
        kind == .lengths
        ? frozen.last : LSTM(5, name: "upper").run(frozen.sequence, lengths: lengths).last
      classifying(code, classes())
      boundary = nil
      expects { !$0.isEmpty && $0.allSatisfy { !$0.hasPrefix("head") } }
    }
  }

  private var isExpected: (@Sendable ([String]) -> Bool)?

  private mutating func expects(_ check: @escaping @Sendable ([String]) -> Bool) { isExpected = check }

  /// Whether these are the values that should be stored.
  func isBoundary(_ names: [String]) -> Bool { isExpected?(names) ?? (names == boundary ?? []) }

  /// Whether there is anything to store.
  var isCacheable: Bool { isExpected != nil || boundary != nil }
}

extension DataSet {
  /// Of columns by name.
  init(_ columns: [(name: String, array: NDArray)]) throws {
    switch columns.count {
    case 1: try self.init([columns[0].name: columns[0].array])
    case 2: try self.init([columns[0].name: columns[0].array, columns[1].name: columns[1].array])
    default:
      try self.init([
        columns[0].name: columns[0].array, columns[1].name: columns[1].array,
        columns[2].name: columns[2].array,
      ])
    }
  }
}
