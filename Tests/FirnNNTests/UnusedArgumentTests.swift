import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

@testable import FirnNN

/// Arguments that could not have an effect are faults of the graph, one each.
@Suite struct UnusedArgumentTests {
  struct Inputs {
    let rows: Tensor
    let sequences: Tensor
    let images: Tensor
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let words: String
    let build: @Sendable (Inputs) -> Void

    init(_ name: String, _ words: String, _ build: @escaping @Sendable (Inputs) -> Void) {
      testDescription = name
      self.words = words
      self.build = build
    }
  }

  static let cases = [
    Case("dropout between the layers of one", "between layers") { _ = LSTM(2, dropout: 0.5)($0.sequences) },
    Case("the same of a cell", "between layers") { _ = RNN(GRUCell(2), dropout: 0.5)($0.sequences) },
    Case("the same in both directions", "between layers") {
      _ = SimpleRNN(2, isBidirectional: true, dropout: 0.5)($0.sequences)
    },
    Case("a recurrent kernel of a dense layer", "`recurrentKernel`") {
      _ = Dense(2, initializers: WeightInitializers(recurrentKernel: .ones))($0.rows)
    },
    Case("the bias of a layer without", "`bias`") {
      _ = Dense(2, usesBias: false, initializers: WeightInitializers(bias: .ones))($0.rows)
    },
    Case("the bias of a convolution without", "`bias`") {
      _ = Conv2D(2, kernel: 1, usesBias: false, initializers: WeightInitializers(bias: .ones))($0.images)
    },
    Case("a second bias of an LSTM", "`recurrentBias`") {
      _ = LSTM(2, initializers: WeightInitializers(recurrentBias: .ones))($0.sequences)
    },
    Case("a second bias of a GRU with reset before", "`recurrentBias`") {
      _ = GRU(2, resetAfter: false, initializers: WeightInitializers(recurrentBias: .ones))($0.sequences)
    },
    Case("the forget gate's bias besides all of it", "`forgetBias`") {
      _ = LSTM(2, forgetBias: 2, initializers: WeightInitializers(bias: .ones))($0.sequences)
    },
    Case("the same of the normalised cell", "`forgetBias`") {
      _ = LayerNormLSTM(2, forgetBias: 2, initializers: WeightInitializers(bias: .ones))($0.sequences)
    },
  ]

  @Test(arguments: cases) func isAFault(_ unused: Case) throws {
    let graph = Graph()
    unused.build(
      Inputs(
        rows: graph.placeholder("rows", shape: ["batch", 3]),
        sequences: graph.placeholder("sequences", shape: ["batch", "time", 3]),
        images: graph.placeholder("images", shape: ["batch", 4, 4, 3])))
    let fault = try #require(throws: FirnError.self) { try graph.validate() }
    #expect(fault.causes.isEmpty && fault.code == .invalidArgument, "\(fault)")
    #expect(fault.message.contains(unused.words) && fault.remedy != nil, "\(fault)")
    #expect(fault.location?.file.hasSuffix("UnusedArgumentTests.swift") == true)
  }

  /// The same arguments where they have an effect.
  @Test func whatHasAnEffectIsNone() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    let all = WeightInitializers(kernel: .ones, recurrentKernel: .ones, bias: .ones, recurrentBias: .ones)
    _ = LSTM(2, layers: 2, dropout: 0.5)(x)
    _ = GRU(2, initializers: all)(x)
    _ = LSTM(2, initializers: WeightInitializers(bias: .ones))(x)
    _ = LSTM(2, forgetBias: 2)(x)
    try graph.validate()
  }

  @Test func nesterovNeedsMomentum() throws {
    let fault = try #require(throws: FirnError.self) {
      try SGD(learningRate: 0.1, usesNesterov: true).validate()
    }
    #expect(fault.code == .invalidArgument && fault.message.contains("momentum is 0"))
    try SGD(learningRate: 0.1, momentum: 0.9, usesNesterov: true).validate()
  }

  @Test func keepingTrainingModeNeedsTrainingMode() throws {
    let graph = Graph()
    let code = graph.scope("encoder") { Dropout(0.5)(Dense(2)(graph.placeholder("x", shape: ["batch", 3]))) }
    let session = try quietSession(graph)
    let fault = try #require(throws: FirnError.self) {
      try session.compile(fetching: [code], freezing: "encoder", keepingTrainingMode: "encoder")
    }
    #expect(fault.code == .invalidArgument && fault.message.contains("inference mode"))
    _ = try session.compile(
      fetching: [code], freezing: "encoder", keepingTrainingMode: "encoder", inTrainingMode: true)
  }

  @Test func metricsNeedCheckpoints() throws {
    let graph = Graph()
    let loss = Dense(1)(graph.placeholder("x", shape: ["batch", 3])).mean()
    let session = try quietSession(graph)
    let trainer = Trainer(try session.compile(minimizing: loss, with: plainDescent), in: session)
    let data = try DataSet(["x": try NDArray(zeros: [4, 3])])
    let fault = try #require(throws: FirnError.self) {
      try trainer.fit(data, epochs: 1, batchSize: 2, metric: { () throws(FirnError) in 0 })
    }
    #expect(fault.code == .invalidArgument && fault.message.contains("`metric`"))
  }
}
