import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTestSupport
import FirnTraining
import Testing

/// Reports where only part of a variable is trained.
@Suite struct PartialReportsTests {
  private let graph = Graph()
  private let loss: Tensor

  init() {
    let ids = graph.placeholder("ids", shape: ["batch"], dtype: .i32)
    let rows = graph.scope("embed") { [graph] in
      gather(graph.variable("table", shape: [5, 4]), indices: ids)
    }
    let middle = Dense(3, activation: .tanh, name: "middle")(rows)
    loss = Dense(2, name: "head")(middle).mean()
  }

  private func explanation(_ freezing: Selection? = nil, thawing: Selection? = nil) throws -> Explanation {
    try Explanation(
      graph: graph.definition, loss: loss.value, freezing: freezing, thawing: thawing, optimizer: Adam())
  }

  /// A pin is what compiling again, with that variable frozen too and all else as it was, saves.
  @Test(
    arguments: [
      ("embed/table", "embed | middle", "middle/bias"),
      ("middle/bias", "embed | middle", "embed/table[0..<3]"),
      ("head/kernel", "embed | middle | head/kernel", "embed/table[0..<3] | middle/bias"),
      ("head/bias", "embed | middle | head/bias", "embed/table[0..<3] | middle/bias"),
    ] as [(String, Selection, Selection)])
  func pinsAgreeWithCompilingAgain(_ name: String, _ freezing: Selection, _ thawing: Selection) throws {
    let base = try explanation("embed | middle", thawing: "embed/table[0..<3] | middle/bias")
    #expect(try base.pins().map(\.variable) == ["embed/table", "middle/bias", "head/kernel", "head/bias"])
    let pin = try base.pin(name)
    let less = try explanation(freezing, thawing: thawing).cost().total
    #expect(try base.cost().total - pin.saved == less)
    #expect(pin.saved.slotBytes.value ?? 0 > 0)
  }

  /// One compilation for each trained variable, and one of all together unless what that costs was asked before.
  @Test func pinsCompileOnceMoreThanThereAreVariables() throws {
    let base = try explanation("head/bias")
    var compiled = 0
    func counting(_ request: CompilationRequest) throws(FirnError) -> Compilation {
      compiled += 1
      return try Compiler.compile(request)
    }
    let pins = try base.pins(counting)
    #expect(pins.map(\.variable) == ["embed/table", "middle/kernel", "middle/bias", "head/kernel"])
    #expect(compiled == 5)
    #expect(try base.pins(counting) == pins)
    #expect(compiled == 9)
    for pin in pins { #expect(try base.pin(pin.variable) == pin) }
    // With one variable trained there is nothing to compare.
    #expect(try explanation("embed | middle | head/bias").pins { _ in fatalError("compiles") }.isEmpty)
  }

  /// The unfrozen cost is that of a compilation that freezes nothing.
  @Test func unfrozenAgreesWithCompilingAgain() throws {
    let partial = try explanation("embed/table[0..<3] | head").cost()
    #expect(try partial.unfrozen == explanation().cost().total)
    #expect(partial.unfrozen != partial.total)
  }

  @Test(
    arguments: [
      ("embed", "embed/table[0..<3]", ["embed/table[3..<5]"], []),
      ("embed/table[0..<3]", "embed", [], ["embed/table[3..<5]"]),
      ("embed/table[0..<3]", "embed/table[2..<4]", ["embed/table[0..<2]"], ["embed/table[3..<4]"]),
      (
        "embed/table[0..<3]", "embed/table[axis 1: 0..<1]", ["embed/table[axis 1: 1..<4]"],
        ["embed/table[3..<5]"]
      ),
      ("embed/table[1..<4]", "head", ["embed/table[1..<4]"], ["head/kernel", "head/bias"]),
      ("embed/table[1..<4]", "embed/table[1..<4]", [], []),
    ] as [(Selection, Selection, [String], [String])])
  func differencesNameBlocks(
    _ before: Selection, _ after: Selection, _ thawed: [String], _ frozen: [String]
  ) throws {
    let difference = try Explanation.difference(explanation(before), explanation(after))
    #expect(difference.thawed == thawed)
    #expect(difference.frozen == frozen)
    #expect(difference.changes.isEmpty == (thawed + frozen).isEmpty)
  }

  @Test func changesSayWhichBlocks() throws {
    let changes = try Explanation.difference(explanation("embed/table[0..<3]"), explanation("embed")).changes
    #expect(changes.map(\.before) == [.partly] && changes.map(\.after) == [.frozen])
    #expect(changes[0].blocksBefore == ["[3..<5]"] && changes[0].blocksAfter.isEmpty)
  }

  /// An adjoint, an update and a slot belong to the scope of their forward node or variable; no other scope is listed.
  @Test func scopesAreThoseOfTheGraph() throws {
    let report = try explanation("embed/table[0..<3]").cost()
    #expect(report.scopes.map(\.path).sorted() == ["embed", "head", "middle"])
    let whole = report.scopes.map(\.cost).reduce(Cost(), +)
    #expect(whole.slotBytes == report.total.slotBytes && whole.gradientBytes == report.total.gradientBytes)
  }

  @Test func scopesOfRandomModelsAreThoseOfTheGraph() throws {
    for seed in 0..<20 {
      let model = RandomModel(seed: seed)
      let graph = model.graph.definition
      var scopes: Set<String> = []
      for scope in graph.nodes.map(\.scope) + graph.variables.map(\.scope) {
        scopes.formUnion([scope] + Path.ancestors(of: scope))
      }
      guard let report = try? Explanation(graph: graph, loss: model.loss.value).cost() else { continue }
      #expect(report.scopes.allSatisfy { scopes.contains($0.path) }, "seed \(seed)")
    }
  }

  /// One variable with thousands of readers; each scope stands once, in graph order.
  @Test func readersOfATiedVariable() {
    let graph = Graph()
    let w = graph.variable("w", shape: [])
    for block in 0..<3000 {
      graph.scope("block_\(block)") { _ = (w * 2) + w }
    }
    #expect(graph.definition.variableReaders == ["w": (0..<3000).map { "block_\($0)" }])
  }
}
