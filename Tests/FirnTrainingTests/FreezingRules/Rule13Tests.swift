import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Part of a variable freezes: only the trained part has adjoints, slots and updates.
extension FreezingRuleTests {
  /// An embedding, a loop and a dense layer, with every extent different.
  private struct Parts {
    let graph = Graph()
    let loss: Tensor
    let feeds: Feeds

    init(dtype: DType = .f32) throws {
      let tokens = graph.placeholder("tokens", shape: ["batch", "time"], dtype: .i32)
      let targets = graph.placeholder("targets", shape: ["batch"], dtype: .i32)
      let table = graph.variable("table", shape: [10, 6], dtype: dtype, initializer: .uniform(-1, 1))
      let hidden = LSTM(5)(gather(table, indices: tokens))
      let features = Dense(8, activation: .tanh, name: "middle")(hidden)
      let logits = Dense(4, name: "head")(features)
      loss = sparseSoftmaxCrossEntropy(logits: logits, labels: targets).mean()
      feeds = [
        "tokens": try NDArray((0..<21).map { Int32($0 * 7 % 10) }).reshaped(to: [7, 3]),
        "targets": labels(7, classes: 4),
      ]
    }

    func variable(_ name: String) throws -> Variable {
      try #require(graph.variables.first { $0.name == name })
    }
  }

  private typealias Regions = [(name: String, region: Region)]

  private func rows(_ range: Range<Int>) -> Region { .blocks([Block(axis: 0, range: range)]) }
  private func columns(_ ranges: Range<Int>...) -> Region {
    .blocks(ranges.map { Block(axis: 1, range: $0) })
  }

  private func compile(
    _ session: Session, _ model: Parts, with optimizer: any Optimizer, freezing: Regions = [],
    thawing: Regions = [], clippingNorm: Double? = nil
  ) throws -> Program {
    func selected(_ regions: Regions) throws -> [SelectedVariable] {
      try regions.map {
        SelectedVariable(variable: try model.variable($0.name), region: $0.region, matchedBy: [$0.name])
      }
    }
    var request = CompilationRequest(
      graph: model.graph.definition, fetches: [],
      training: .init(loss: model.loss.value, optimizer: optimizer, clippingNorm: clippingNorm))
    request.trainability = try Trainability(
      model.graph.variables, freezing: try selected(freezing), thawing: try selected(thawing))
    return try session.compile(request)
  }

  /// The elements of `block`, in order.
  private func elements(_ array: NDArray, _ block: Block) -> [Double] {
    let inner = array.shape[(block.axis + 1)...].reduce(1, *)
    let extent = array.shape[block.axis]
    return array.doubles.enumerated().filter { block.range.contains($0.offset / inner % extent) }.map(
      \.element)
  }

  // MARK: Bits

  /// Adam with weight decay moves nothing of the frozen rows; the others move as if all did, since no row of a table
  /// that only this loss reads has anything to do with another.
  @Test func rule13FrozenRowsKeepTheirBitsForAThousandSteps() throws {
    func independent() throws -> (Graph, Tensor, Feeds) {
      let graph = Graph()
      let tokens = graph.placeholder("tokens", shape: ["batch"], dtype: .i32)
      let wanted = graph.placeholder("wanted", shape: ["batch", 3])
      let table = graph.variable("table", shape: [10, 3], initializer: .uniform(-1, 1))
      let loss = square(gather(table, indices: tokens) - wanted).sum()
      return (
        graph, loss,
        ["tokens": NDArray((0..<20).map { Int32($0 % 10) }), "wanted": try noise([20, 3])]
      )
    }
    let adam = Adam(learningRate: 0.01, weightDecay: 0.1)
    let (graph, loss, feeds) = try independent()
    let session = try quietSession(graph)
    let table = try #require(graph.variables.first)
    var request = CompilationRequest(
      graph: graph.definition, fetches: [], training: .init(loss: loss.value, optimizer: adam))
    request.trainability = try Trainability(
      graph.variables,
      freezing: [SelectedVariable(variable: table, region: rows(0..<3), matchedBy: ["table[0..<3]"])],
      thawing: [])
    let program = try session.compile(request)
    let before = try session.value(of: "table").floats
    for _ in 0..<1000 { try session.run(program, feeding: feeds) }
    let after = try session.value(of: "table").floats
    #expect(after.prefix(9).map(\.bitPattern) == before.prefix(9).map(\.bitPattern))

    let (other, otherLoss, otherFeeds) = try independent()
    let whole = try quietSession(other)
    let unfrozen = try whole.compile(minimizing: otherLoss, with: adam)
    for _ in 0..<1000 { try whole.run(unfrozen, feeding: otherFeeds) }
    let moved = try whole.value(of: "table").floats
    #expect(after.dropFirst(9).map(\.bitPattern) == moved.dropFirst(9).map(\.bitPattern))
    #expect(!zip(after, before).dropFirst(9).contains { $0 == $1 })
    #expect(!zip(moved, before).prefix(9).contains { $0 == $1 }, "the frozen rows would have moved")
    // Two moments of seven rows of ten, and one step count.
    #expect(program.cost.slotBytes.value == 2 * 7 * 3 * 4 + 4)
    #expect(unfrozen.cost.slotBytes.value == 2 * 10 * 3 * 4 + 4)
  }

  // MARK: Gradients

  /// For each way to cut a variable: trained blocks move as in the unfrozen run, the rest keeps its bits, and no adjoint,
  /// slot or update of the whole variable's type is left.
  @Test(arguments: [
    ("lstm/kernel", [Block(axis: 1, range: 5..<10)]), ("lstm/kernel", [Block(axis: 0, range: 1..<4)]),
    ("lstm/kernel", [Block(axis: 1, range: 0..<5), Block(axis: 1, range: 15..<20)]),
    ("lstm/recurrent_kernel", [Block(axis: 1, range: 10..<15)]),
    ("lstm/recurrent_kernel", [Block(axis: 0, range: 0..<2)]),
    ("lstm/bias", [Block(axis: 0, range: 5..<10)]), ("lstm/bias", [Block(axis: 0, range: 3..<12)]),
    ("middle/kernel", [Block(axis: 1, range: 2..<6)]), ("middle/kernel", [Block(axis: 0, range: 0..<3)]),
    ("middle/bias", [Block(axis: 0, range: 1..<3), Block(axis: 0, range: 6..<8)]),
    ("table", [Block(axis: 0, range: 3..<10)]), ("table", [Block(axis: 1, range: 0..<2)]),
  ]) func rule13TrainedBlockMovesAsUnfrozen(_ name: String, _ trained: [Block]) throws {
    let rate = SGD(learningRate: 0.5)
    let model = try Parts()
    let variable = try model.variable(name)
    let session = try quietSession(model.graph)
    let before = try session.everything()
    let frozen = try #require(try Region.complement(.blocks(trained), of: variable))
    let program = try compile(session, model, with: rate, freezing: [(name, frozen)])
    let loss = try session.run(program, feeding: model.feeds)

    let whole = try quietSession(model.graph)
    let unfrozen = try whole.compile(minimizing: model.loss, with: rate)
    let same = try whole.run(unfrozen, feeding: model.feeds)
    #expect(try loss.scalar(program.fetches[0]) == same.scalar(unfrozen.fetches[0]))
    for other in model.graph.variables where other.name != name {
      let (a, b) = (try session.value(of: other.name), try whole.value(of: other.name))
      #expect(a.isBitwiseEqual(to: b), "\(other.name)")
    }
    let (a, b) = (try session.value(of: name), try whole.value(of: name))
    for block in trained {
      #expect(elements(a, block) == elements(b, block), "\(block)")
      #expect(elements(a, block) != elements(try #require(before[name]), block))
    }
    for block in frozen.blocks {
      #expect(elements(a, block) == elements(try #require(before[name]), block), "\(block)")
    }
    #expect(program.trainedParts.filter { $0.variable == variable }.map(\.block) == trained)
    let status = try #require(program.status.variables.first { $0.name == variable.name })
    #expect(status.status == .partly)
    for block in trained { #expect(status.reason.contains(block.description), "\(status.reason)") }
    // Everything is computed for the block alone.
    let adjoints = program.graph.allNodes().filter {
      $0.node.phase == .backward && $0.node.types.contains(variable.type)
    }
    let others = model.graph.variables.contains { $0.name != name && $0.type == variable.type }
    if !others { #expect(adjoints.isEmpty, "\(adjoints.map(\.path))") }
  }

  /// The product that makes a kernel's gradient costs what the trained share of it costs.
  @Test(arguments: [
    ("lstm/kernel", 7 * 3 * 6 * 20), ("lstm/recurrent_kernel", 7 * 3 * 5 * 20), ("middle/kernel", 7 * 5 * 8),
  ]) func rule13WorkShrinksByTheFrozenShare(_ name: String, _ multiplyAdds: Int) throws {
    let model = try Parts()
    let session = try quietSession(model.graph)
    let binding: DimBinding = ["batch": 7, "time": 3]
    func products(_ program: Program) -> Int {
      func count(_ graph: GraphDef) -> Int {
        graph.nodes.indices.reduce(0) { sum, position in
          let node = graph.nodes[position]
          if let scan = node.op as? Scan {
            return sum + count(scan.body) * (scan.length.bound(by: binding).value ?? 0)
          }
          guard node.op is MatMul, node.phase == .backward else { return sum }
          let flops = node.op.flops(of: node.inputs.map { graph.type(of: $0) }, results: node.types)
          return sum + (flops.bound(by: binding).value ?? 0)
        }
      }
      return count(program.graph)
    }
    let whole = products(try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.5)))
    // One quarter is trained.
    let width = try #require(try model.variable(name).type.shape[1].value)
    let part = products(
      try compile(
        session, model, with: SGD(learningRate: 0.5),
        freezing: [(name, columns(0..<width / 4, width / 2..<width))]))
    let gone = products(try compile(session, model, with: SGD(learningRate: 0.5), freezing: [(name, .whole)]))
    #expect(whole - gone == 2 * multiplyAdds)
    #expect(whole - part == 2 * multiplyAdds * 3 / 4)
  }

  // MARK: Selections and slots

  @Test func rule13BlocksAndScopesCombine() throws {
    let model = try Parts()
    let session = try quietSession(model.graph)
    let before = try session.everything()
    let adam = Adam(learningRate: 0.01, weightDecay: 0.1)
    let program = try compile(
      session, model, with: adam,
      freezing: [
        ("lstm/kernel", .whole), ("lstm/recurrent_kernel", .whole), ("lstm/bias", .whole),
        ("table", rows(0..<4)),
        ("middle/kernel", columns(0..<2, 4..<8)),
      ], thawing: [("lstm/bias", rows(5..<10)), ("table", rows(0..<1))], clippingNorm: 0.5)
    for _ in 0..<20 { try session.run(program, feeding: model.feeds) }
    #expect(
      program.trainedParts.map(\.description) == [
        "table[0..<1]", "table[4..<10]", "lstm/bias[5..<10]", "middle/kernel[axis 1: 2..<4]", "middle/bias",
        "head/kernel", "head/bias",
      ])
    for (name, region) in [
      ("table", rows(1..<4)),
      ("lstm/bias", .blocks([Block(axis: 0, range: 0..<5), Block(axis: 0, range: 10..<20)])),
      ("middle/kernel", columns(0..<2, 4..<8)), ("lstm/kernel", rows(0..<6)),
    ] {
      for block in region.blocks {
        let now = elements(try session.value(of: name), block)
        #expect(now == elements(try #require(before[name]), block), "\(name)\(block)")
      }
    }
    #expect(
      session.variables.filter { $0.kind == .slot && $0.name.hasPrefix("table/") }.map(\.name) == [
        "table/adam/rows_0_1/first_moment", "table/adam/rows_0_1/second_moment", "table/adam/rows_0_1/step",
        "table/adam/rows_4_10/first_moment", "table/adam/rows_4_10/second_moment",
        "table/adam/rows_4_10/step",
      ])
    let status = Dictionary(uniqueKeysWithValues: program.status.variables.map { ($0.name, $0) })
    #expect(status["lstm/bias"]?.status == .partly)
    #expect(status["lstm/kernel"]?.status == .frozen)
    #expect(status["head/bias"]?.status == .trained)
    #expect(program.trained.map(\.name).contains("table"))
    #expect(program.frozen.map(\.name) == ["lstm/kernel", "lstm/recurrent_kernel"])
  }

  /// Slots belong to a block: they are kept while it is trained, and start fresh with another one.
  @Test func rule13ThawingTheRestStartsFresh() throws {
    let model = try Parts()
    let session = try quietSession(model.graph)
    let momentum = SGD(learningRate: 0.1, momentum: 0.5)
    func report(_ program: Program) -> [String] {
      program.slotReport.filter { $0.variable == "table" }.map {
        "\($0.block?.description ?? "whole") \($0.origin.rawValue)"
      }
    }
    let part = try compile(session, model, with: momentum, freezing: [("table", rows(0..<3))])
    #expect(report(part) == ["[3..<10] fresh"])
    for _ in 0..<3 { try session.run(part, feeding: model.feeds) }
    let again = try compile(session, model, with: momentum, freezing: [("table", rows(0..<3))])
    #expect(report(again) == ["[3..<10] kept"])
    let velocity = try session.value(of: "table/sgd/rows_3_10/velocity")
    #expect(try velocity.shape == [7, 6] && velocity != NDArray(zeros: [7, 6]))
    let whole = try compile(session, model, with: momentum)
    #expect(report(whole) == ["whole fresh", "[3..<10] dropped"])
    #expect(try session.value(of: "table/sgd/velocity") == NDArray(zeros: [10, 6]))
    try session.run(whole, feeding: model.feeds)
    #expect(try session.value(of: "table/sgd/rows_3_10/velocity") == velocity)
    let back = try compile(session, model, with: momentum, freezing: [("table", rows(0..<3))])
    #expect(report(back) == ["[3..<10] fresh", "whole dropped"])
    #expect(try session.value(of: "table/sgd/rows_3_10/velocity") == NDArray(zeros: [7, 6]))
  }

  /// The same by text: rows, a gate by its name, and a whole scope around a thawed part.
  @Test func rule13SelectionsNameParts() throws {
    let model = try Parts()
    let session = try quietSession(model.graph)
    let adam = Adam(learningRate: 0.01, weightDecay: 0.1)
    func parts(_ freezing: Selection, _ thawing: Selection? = nil) throws -> [String] {
      let program = try session.compile(
        minimizing: model.loss, with: adam, freezing: freezing, thawing: thawing)
      try session.run(program, feeding: model.feeds)
      return program.trainedParts.map(\.description)
    }
    let rows = try parts("table[0..<3] | middle | head")
    #expect(
      rows == [
        "table[3..<10]", "lstm/kernel", "lstm/recurrent_kernel", "lstm/bias",
      ])
    let gate = try parts("table | lstm | middle", "lstm/kernel[gate: forget] | lstm/bias[gate: forget]")
    #expect(
      gate == [
        "lstm/kernel[axis 1: 5..<10]", "lstm/bias[5..<10]", "head/kernel", "head/bias",
      ])
  }

  @Test func rule13PartsAlongTwoAxesAreAnError() throws {
    let model = try Parts()
    let session = try quietSession(model.graph)
    let fault = try error {
      _ = try compile(
        session, model, with: SGD(learningRate: 0.1), freezing: [("table", rows(0..<3))],
        thawing: [("table", columns(0..<2))])
    }
    #expect(fault.code == .invalidSelection && fault.place == "table", "\(fault)")
  }

  /// `transformers` 5570 and 35022: to train only the new tokens of a vocabulary, or all but the padding row.
  @Test func trap14FreezingOnlySomeRows() throws {
    let model = try Parts()
    let session = try quietSession(model.graph)
    let before = try session.value(of: "table")
    let program = try compile(
      session, model, with: Adam(learningRate: 0.01, weightDecay: 0.1), freezing: [("table", rows(0..<8))])
    for _ in 0..<10 { try session.run(program, feeding: model.feeds) }
    let after = try session.value(of: "table")
    #expect(elements(after, Block(axis: 0, range: 0..<8)) == elements(before, Block(axis: 0, range: 0..<8)))
    #expect(elements(after, Block(axis: 0, range: 8..<10)) != elements(before, Block(axis: 0, range: 8..<10)))
    #expect(program.cost(of: "table").slotBytes.value == 2 * 2 * 6 * 4 + 4)
  }
}
