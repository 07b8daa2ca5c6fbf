import FirnGraph
import FirnNotation
import Foundation
import Testing

@testable import FirnToyOps

/// What each form of a selection names, in text and in Swift.
@Suite struct SelectionTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var text: String
    var selection: Selection
    var named: String

    init(_ text: String, _ selection: Selection, _ named: String) {
      self.text = text
      self.selection = selection
      self.named = named
    }

    var testDescription: String { text }
  }

  static let examples: [Example] = [
    // Paths.
    Example("encoder2", .path("encoder2"), "encoder2/kernel"),
    Example("*/bias", .path("*/bias"), "head/bias"),
    Example("**/bias", .path("**/bias"), "encoder/lstm/bias head/bias"),
    Example("*/l*m", .path("*/l*m"), "encoder/lstm/kernel encoder/lstm/bias"),
    Example("./trainable", .path("trainable"), "trainable"),
    // Roles.
    Example("role(bias)", .role("bias"), "encoder/lstm/bias head/bias"),
    Example(#"role("odd role")"#, .role("odd role"), "encoder/norm/scale"),
    // Facts.
    Example(
      "trainable", .trainable,
      "encoder/embedding/table encoder/lstm/kernel encoder/lstm/bias encoder2/kernel head/kernel head/bias trainable"
    ),
    Example("frozen", .frozen, "encoder/norm/scale"),
    Example("loaded", .loaded, "encoder/lstm/kernel head/bias"),
    Example(
      "uninitialised", .uninitialised,
      "encoder/embedding/table encoder/lstm/bias encoder/norm/scale encoder/norm/mean encoder2/kernel"),
    // Comparisons.
    Example("rank = 0", .rank(.equal, 0), "trainable"),
    Example("rank != 2 & head", .rank(.notEqual, 2) & .path("head"), "head/bias"),
    Example("count > 20", .count(.greater, 20), "encoder/lstm/kernel"),
    Example("count >= 20", .count(.greaterOrEqual, 20), "encoder/embedding/table encoder/lstm/kernel"),
    Example("count <= 1", .count(.lessOrEqual, 1), "trainable"),
    Example(
      "count < 1e+20 & head", .count(.less, 1e20) & .path("head"), "head/kernel head/bias"),
    Example("count < 2.5", .count(.less, 2.5), "encoder/norm/scale encoder/norm/mean trainable"),
    Example("dtype = f64", .dtype(.equal, .f64), "trainable"),
    Example("dtype != f32", .dtype(.notEqual, .f32), "trainable"),
    // Structure.
    Example(
      "first(2, encoder)", .first(2, of: "encoder"),
      "encoder/embedding/table encoder/lstm/kernel encoder/lstm/bias"),
    Example("last(1, encoder)", .last(1, of: "encoder"), "encoder/norm/scale encoder/norm/mean"),
    Example("last(2, .)", .last(2, of: ""), "head/kernel head/bias trainable"),
    Example("children(head)", .children(of: "head"), "head/kernel head/bias"),
    Example("children(.)", .children(of: ""), "trainable"),
    Example(
      "upstream(encoder2/matmul)", .upstream(of: "encoder2/matmul"), "encoder/lstm/kernel encoder2/kernel"),
    Example(
      "downstream(encoder/lstm/split:1)", .downstream(of: "encoder/lstm/split:1"),
      "encoder2/kernel head/kernel"),
    Example("downstream(encoder2/matmul)", .downstream(of: "encoder2/matmul"), "head/kernel"),
    // Blocks.
    Example(
      "encoder/embedding/table[0..<3]", Selection.path("encoder/embedding/table")[rows: 0..<3],
      "encoder/embedding/table[0..<3]"),
    Example(
      "head/kernel[axis 1: 1..<2]", Selection.path("head/kernel")[axis: 1, 1..<2],
      "head/kernel[axis 1: 1..<2]"),
    Example(
      "encoder/lstm[gate: forget]", Selection.path("encoder/lstm")[gate: "forget"],
      "encoder/lstm/kernel[axis 1: 2..<4] encoder/lstm/bias[2..<4]"),
    Example("head/bias[0..<3]", Selection.path("head/bias")[rows: 0..<3], "head/bias"),
    Example(
      "!encoder/lstm/bias[gate: forget] & encoder/lstm",
      !Selection.path("encoder/lstm/bias")[gate: "forget"] & .path("encoder/lstm"),
      "encoder/lstm/kernel encoder/lstm/bias[0..<2][4..<8]"),
    Example(
      "encoder/lstm/bias[gate: input] | encoder/lstm/bias[gate: forget]",
      Selection.path("encoder/lstm/bias")[gate: "input"]
        | Selection.path("encoder/lstm/bias")[gate: "forget"],
      "encoder/lstm/bias[0..<4]"),
    Example(
      "head/bias[0..<1] | head/bias[1..<3]",
      Selection.path("head/bias")[rows: 0..<1] | Selection.path("head/bias")[rows: 1..<3], "head/bias"),
    Example(
      "head/bias[0..<2] & head/bias[1..<3]",
      Selection.path("head/bias")[rows: 0..<2] & Selection.path("head/bias")[rows: 1..<3],
      "head/bias[1..<2]"),
    Example(
      "head/bias[0..<1] & head/bias[1..<3]",
      Selection.path("head/bias")[rows: 0..<1] & Selection.path("head/bias")[rows: 1..<3], ""),
    Example(
      "(head/kernel | encoder2)[axis 1: 0..<1]",
      (Selection.path("head/kernel") | .path("encoder2"))[axis: 1, 0..<1],
      "encoder2/kernel[axis 1: 0..<1] head/kernel[axis 1: 0..<1]"),
    // Precedence.
    Example(
      "head | encoder2 & role(bias)", .path("head") | .path("encoder2") & .role("bias"),
      "head/kernel head/bias"),
    Example(
      "(head | encoder2) & role(bias)", (.path("head") | .path("encoder2")) & .role("bias"), "head/bias"),
    Example("!(encoder | head | trainable)", !(.path("encoder") | .path("head") | .trainable), ""),
    Example("!!encoder2", !(!Selection.path("encoder2")), "encoder2/kernel"),
  ]

  @Test(arguments: examples)
  func textAndSwiftNameTheSame(_ example: Example) throws {
    let parsed = try Selection(example.text)
    #expect(parsed == example.selection)
    #expect(parsed.description == example.text)
    #expect(example.selection.description == example.text)
    #expect(try SelectionSample.named(parsed) == example.named)
  }

  @Test(arguments: [
    (" role ( bias )", "role(bias)"), ("./encoder", "encoder"), ("a|b|c", "a | b | c"),
    ("a&(b&c)", "a & b & c"),
    ("((a))", "a"), ("(!a)[0..<1]", "(!a)[0..<1]"), ("!(a[0..<1])", "!a[0..<1]"), ("rank=1e0", "rank = 1"),
    ("count>1e6", "count > 1000000"), ("x [ axis 0 : 1 ..<2 ]", "x[1..<2]"), ("rank", "rank"),
    ("././a", "././a"), ("./.", "./."), ("first(1,./first)", "first(1, first)"),
    ("role(\"bias\")", "role(bias)"),
    ("x[0..<2][gate:\"a \\\"b\"]", "x[0..<2][gate: \"a \\\"b\"]"), ("a\n\t& b", "a & b"),
    ("count < -0", "count < 0"),
  ])
  func printsCanonically(_ text: String, _ printed: String) throws {
    let selection = try Selection(text)
    #expect(selection.description == printed)
    #expect(try Selection(printed) == selection)
  }

  @Test func tableSaysWhatWasMatchedByWhat() throws {
    let selection: Selection = "encoder/lstm[gate: cell] | head & !role(kernel) | role(bias) & head | frozen"
    let table = try selection.table(in: SelectionSample.context())
    #expect(table.selection == selection.description)
    #expect(
      table.rows.map {
        "\($0.path) \($0.type) \($0.count) \($0.bytes) \($0.role) \($0.status) \($0.matchedBy)"
      } == [
        "encoder/lstm/kernel f32[4,8][axis 1: 4..<6] 8 32 kernel trainable [\"encoder/lstm[gate: cell]\"]",
        "encoder/lstm/bias f32[8][4..<6] 2 8 bias trainable [\"encoder/lstm[gate: cell]\"]",
        "encoder/norm/scale f32[2] 2 8 odd role frozen [\"frozen\"]",
        "head/bias f32[3] 3 12 bias trainable [\"head\", \"!role(kernel)\", \"role(bias)\"]",
      ])
    #expect(table.count == 15)
    #expect(table.bytes == 60)
    let data = try JSONEncoder().encode(table)
    #expect(try JSONDecoder().decode(SelectionTable.self, from: data) == table)
  }

  @Test func longChainsAndManyVariables() throws {
    let variables = (0..<2000).map {
      Variable(name: "scope\($0)/w", type: TensorType(.f32, [2]), initializer: .zeros)
    }
    let chain = variables.map(\.name).joined(separator: " | ")
    let context = SelectionContext(GraphDef(variables: variables))
    #expect(try Selection(chain).resolve(in: context).count == 2000)
    let all = String(repeating: "** & ", count: 100) + "scope7"
    #expect(try Selection(all).resolve(in: context).map(\.variable.name) == ["scope7/w"])
    let built = variables.prefix(500).reduce(Selection.path("scope0")) { $0 | .path($1.name) }
    #expect(try built.resolve(in: context).count == 500)
  }

  @Test func swiftNestsNoDeeperThanTextReads() throws {
    var selection: Selection = "head"
    for _ in 0..<50 { selection = !(selection | "encoder2") }
    #expect(
      thrown { () throws(FirnError) in _ = try selection.resolve(in: SelectionSample.context()) } != nil)
    selection = "head"
    for _ in 0..<20 { selection = !(selection | "encoder2") }
    #expect(try Selection(selection.description) == selection)
    _ = try selection.resolve(in: SelectionSample.context())
  }

  @Test func wholeVariablesOnlyWhereNoGraphIsAtHand() throws {
    let variables = try SelectionSample.context().graph.variables
    #expect(try Selection("head & rank = 1").resolve(in: variables).map(\.name) == ["head/bias"])
    for (text, message) in [
      ("head/bias[0..<1]", "names part of `head/bias`"), ("loaded", "is about values"),
      ("upstream(x)", "is about the graph"),
    ] {
      let fault = thrown { () throws(FirnError) in _ = try Selection(text).resolve(in: variables) }
      #expect(fault?.message.contains(message) == true)
    }
  }

  /// Of places in a graph paths are told, and what holds of all variables in the innermost scope that has such; parts
  /// that name variables alone are as right as in any selection.
  @Test func placesHavePathsAndFacts() throws {
    let context = try SelectionSample.context()
    let paths = [
      "a/b", "a/c", "d", "encoder/place", "encoder/lstm/place", "encoder/norm/place", "head/deep/place",
    ]
    func places(_ text: String) throws -> [String] {
      try Selection(text).resolve(places: paths, in: context)
    }
    #expect(try places("a & !**/c") == ["a/b"])
    // `encoder` holds both kinds; of the norm's mean there is no such question.
    #expect(try places("trainable") == ["encoder/lstm/place", "head/deep/place"])
    #expect(try places("frozen") == ["encoder/norm/place"])
    #expect(try places("!trainable & encoder") == ["encoder/place", "encoder/norm/place"])
    #expect(try places("rank = 1") == ["encoder/norm/place"])
    #expect(try places("first(1, .)") == ["encoder/place", "encoder/lstm/place", "encoder/norm/place"])
    #expect(try places("upstream(encoder/lstm/matmul)").isEmpty, "a bias of the scope is not among them")
    #expect(try places("encoder/lstm/kernel | a/c") == ["a/c"])
    #expect(try places("role(kernel) | head/bias").isEmpty)
    for text in ["a[0..<1]", "a | encoder/lstn", "children(a)"] {
      #expect(
        thrown { () throws(FirnError) in _ = try Selection(text).resolve(places: paths, in: context) }?.code
          == .invalidSelection)
    }
  }
}

/// Names of blocks, from building to text and back.
@Suite struct SelectionBlockNamesTests {
  @Test func areDeclaredPrintedAndRead() throws {
    let graph = Graph()
    _ = graph.variable("a", shape: [4, 6], blocks: BlockNames(["x", "y"]))
    _ = graph.variable("b", shape: [4, 6], blocks: BlockNames(["x", "y"], axis: 0))
    _ = graph.variable("c", shape: [4, 6])
    let made = graph.definition
    let lines = made.text.split(separator: "\n")
    #expect(lines.contains { $0.hasSuffix(#"blocks = ["x", "y"]}"#) })
    #expect(lines.contains { $0.hasSuffix(#"blocks = ["x", "y"], block_axis = 0}"#) })
    #expect(lines.filter { $0.contains("blocks") }.count == 2)
    let read = try GraphDef(parsing: made.text, catalogue: TestOps.catalogue)
    #expect(read == made)
    #expect(read.text == made.text)
    #expect(read.variables.map { $0.blocks?.axis } == [1, 0, nil])
    try read.verify()
  }

  @Test(arguments: [
    (BlockNames(["x", "y", "z", "u"]), "do not fit"), (BlockNames(["x", "x"]), "twice"),
    (BlockNames([]), "need names"),
    (BlockNames(["x"], axis: 2), "axis 2"), (BlockNames(["x"], axis: -3), "axis -3"),
    (BlockNames([""]), "need names"),
  ])
  func faultsAreFoundEverywhere(_ blocks: BlockNames, _ message: String) throws {
    let graph = Graph()
    _ = graph.variable("a", shape: [4, 6], blocks: blocks)
    let built = thrown { () throws(FirnError) in try graph.validate() }
    #expect(built.map { "\($0)" }?.contains(message) == true)
    let variable = Variable(
      name: "a", type: TensorType(.f32, [4, 6]), initializer: .zeros,
      blocks: blocks.normalized(rank: 2))
    let definition = GraphDef(variables: [variable])
    #expect(thrown { () throws(FirnError) in try definition.verify() }?.constraint == "V4")
    let read = thrown { () throws(FirnError) in
      _ = try GraphDef(parsing: definition.text, catalogue: TestOps.catalogue)
    }
    #expect(read?.message.contains(message) == true)
  }

  @Test func sharingAgreesOnBlocks() throws {
    let graph = Graph()
    for (names, reuse) in [(["x", "y"], nil), (["x", "z"], true)] {
      graph.scope("s", reuse: reuse) {
        _ = graph.variable("a", shape: [4], blocks: BlockNames(names))
      }
    }
    let fault = thrown { () throws(FirnError) in try graph.validate() }
    #expect(fault.map { "\($0)" }?.contains("other blocks") == true)
  }
}
