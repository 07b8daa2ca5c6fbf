import FirnNotation
import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// No optimiser touches a frozen variable.
extension FreezingRuleTests {
  /// Every way an optimiser could move a variable that has no gradient.
  private static let optimizers: [(any Optimizer, Double?)] = [
    (SGD(learningRate: 0.1, momentum: 0.9, weightDecay: 0.1), nil),
    (SGD(learningRate: 0.1, momentum: 0.9, weightDecay: 0.1, usesNesterov: true), 0.5),
    (Adam(learningRate: 0.01, weightDecay: 0.1), nil),
    (Adam(learningRate: 0.01, weightDecay: 0.1), 0.5),
  ]

  private func snapshot(_ session: Session, _ names: [String]) throws -> [NDArray] {
    try names.map { try session.value(of: $0) }
  }

  @Test(arguments: 0..<4)
  func rule05FrozenBitsStayForFiftySteps(_ index: Int) throws {
    let (optimizer, norm) = Self.optimizers[index]
    let model = try Chain(lstm: true)
    let session = try quietSession(model.graph)
    let frozen = model.graph.variables.map(\.name).filter { $0.hasPrefix("middle/") || $0 == "lower/bias" }
    let before = try snapshot(session, frozen)
    let trainedBefore = try session.value(of: "upper/kernel")
    let program = try session.compile(
      minimizing: model.loss, with: optimizer, freezing: "middle | lower/bias", clippingNorm: norm)
    for _ in 0..<50 { try session.run(program, feeding: model.feeds) }
    let after = try snapshot(session, frozen)
    for (name, (a, b)) in zip(frozen, zip(before, after)) {
      #expect(a.isBitwiseEqual(to: b), "\(name) moved")
    }
    #expect(try !session.value(of: "upper/kernel").isBitwiseEqual(to: trainedBefore))
    try expectUntouched(frozen, program, session)
  }

  /// No slot is held, and no node of the update belongs to, reads or writes a frozen variable.
  private func expectUntouched(_ frozen: [String], _ program: Program, _ session: Session) throws {
    for name in frozen {
      #expect(!session.variables.contains { $0.name.hasPrefix(name + "/") }, "\(name) has slots")
      #expect(!program.slotReport.contains { $0.variable == name })
      for node in program.graph.nodes where node.phase == .update {
        #expect(!node.name.hasPrefix("update/\(name)/"), "\(node.name)")
        for input in node.inputs { #expect(program.graph.nodes[input.node].op.effect != .reads(name)) }
        #expect(node.op.effect != .writes(name))
      }
    }
    let bytes = session.variables.filter { $0.kind == .slot }.map {
      $0.elementCount * $0.type.dtype.byteCount
    }
    #expect(program.cost.slotBytes.value == bytes.reduce(0, +))
  }

  /// The norm gradients are scaled by is that of the trained ones alone.
  @Test func rule05ClippingNormIsOverTrainedVariablesOnly() throws {
    let model = try Chain(lstm: true, dtype: .f64)
    let session = try quietSession(model.graph)
    let variables = try variableTensors(of: model.graph)
    let gradients = model.graph.gradients(of: [model.loss], withRespectTo: variables)
    let results = try session.run(session.compile(fetching: gradients), feeding: model.feeds)
    func norm(_ includes: (String) -> Bool) throws -> Double {
      var sum = 0.0
      for (variable, gradient) in zip(variables, gradients) where includes(variable.name) {
        sum += try results[gradient].doubles.reduce(0) { $0 + $1 * $1 }
      }
      return sum.squareRoot()
    }
    let all = try norm { _ in true }
    let trained = try norm { !$0.hasPrefix("middle/") }
    #expect(trained < 0.999 * all, "the test needs frozen gradients that count")
    let limit = 0.25 * trained
    let rate = 0.5
    let program = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: rate), freezing: "middle", clippingNorm: limit)
    let before = try session.everything()
    try session.run(program, feeding: model.feeds)
    for (variable, gradient) in zip(variables, gradients) where !variable.name.hasPrefix("middle/") {
      let start = try #require(before[variable.name]).doubles
      let end = try session.value(of: variable).doubles
      for (element, g) in try results[gradient].doubles.enumerated() {
        let expected = start[element] - rate * g * limit / trained
        #expect(abs(end[element] - expected) <= 1e-12, "\(variable.name)[\(element)]")
      }
    }
  }

  @Test func rule05NormBelowLimitChangesNothing() throws {
    func stepped(_ norm: Double?) throws -> NDArray {
      let model = try Chain()
      let session = try quietSession(model.graph)
      let program = try session.compile(
        minimizing: model.loss, with: SGD(learningRate: 0.5), clippingNorm: norm)
      try session.run(program, feeding: model.feeds)
      return try session.value(of: "lower/kernel")
    }
    #expect(try stepped(nil).isBitwiseEqual(to: stepped(1e6)))
  }

  /// Velocity from before freezing moves nothing afterwards.
  @Test(arguments: 0..<4)
  func rule05FreezingAfterTrainingStopsAtOnce(_ index: Int) throws {
    let (optimizer, norm) = Self.optimizers[index]
    let model = try Chain()
    let session = try quietSession(model.graph)
    let whole = try session.compile(minimizing: model.loss, with: optimizer, clippingNorm: norm)
    for _ in 0..<10 { try session.run(whole, feeding: model.feeds) }
    let names = model.graph.variables.map(\.name).filter { $0.hasPrefix("lower/") }
    let slots = session.variables.map(\.name).filter { $0.hasPrefix("lower/") && !names.contains($0) }
    #expect(!slots.isEmpty)
    let before = try snapshot(session, names + slots)
    let partial = try session.compile(
      minimizing: model.loss, with: optimizer, freezing: "lower", clippingNorm: norm)
    for _ in 0..<20 { try session.run(partial, feeding: model.feeds) }
    let after = try snapshot(session, names + slots)
    for (name, (a, b)) in zip(names + slots, zip(before, after)) {
      #expect(a.isBitwiseEqual(to: b), "\(name) moved")
    }
    #expect(!partial.graph.variables.contains { slots.contains($0.name) })
  }
}
