import FirnGraph
import FirnNotation
import Testing

@testable import FirnToyOps

@Suite struct AttributesTests {
  private let attributes: Attributes = [
    "b": .bool(true), "i": .int(3), "d": .double(0.5), "s": .string("x"), "t": .dtype(.i32),
    "n": .dimension("batch"),
    "l": .list([.int(2), .dimension("batch")]), "a": .array(NDArray(scalar: 1.0)), "g": .graph(GraphDef()),
  ]

  @Test func decodesEachKind() throws {
    #expect(try attributes.bool("b"))
    #expect(try attributes.int("i") == 3)
    #expect(try attributes.double("d") == 0.5)
    #expect(try attributes.double("i") == 3)
    #expect(try attributes.string("s") == "x")
    #expect(try attributes.dtype("t") == .i32)
    #expect(try attributes.dimension("n") == "batch")
    #expect(try attributes.dimension("i") == 3)
    #expect(try attributes.shape("l") == [2, "batch"])
    #expect(try attributes.array("a").scalar == 1)
    #expect(try attributes.graph("g").nodes.isEmpty)
    let positions: Attributes = ["axes": .ints([1, 2])]
    #expect(try positions.ints("axes") == [1, 2])
  }

  @Test func errorsNameTheAttribute() {
    let cases: [(String, () throws(FirnError) -> Void)] = [
      ("`z` is missing", { () throws(FirnError) in _ = try attributes.int("z") }),
      ("`i` must be true or false", { () throws(FirnError) in _ = try attributes.bool("i") }),
      ("`d` must be an integer", { () throws(FirnError) in _ = try attributes.int("d") }),
      ("`s` must be a number", { () throws(FirnError) in _ = try attributes.double("s") }),
      ("`i` must be a string", { () throws(FirnError) in _ = try attributes.string("i") }),
      ("`i` must be an element type", { () throws(FirnError) in _ = try attributes.dtype("i") }),
      ("`s` must be a dimension", { () throws(FirnError) in _ = try attributes.dimension("s") }),
      ("`i` must be a list", { () throws(FirnError) in _ = try attributes.shape("i") }),
      ("`l` must be a list of integers", { () throws(FirnError) in _ = try attributes.ints("l") }),
      ("`i` must be an array", { () throws(FirnError) in _ = try attributes.array("i") }),
      ("`a` must be a graph", { () throws(FirnError) in _ = try attributes.graph("a") }),
    ]
    for (message, body) in cases {
      let error = thrown(body)
      #expect(error?.code == .parse)
      #expect(error?.message.contains(message) == true)
    }
  }

  @Test func typeChangeReachesNestedGraphs() throws {
    let graph = try parsed(Samples.nested).mapping(.binding(["batch": 2, "time": 3]))
    #expect(graph.dimensionNames.isEmpty)
    try graph.verify()
    let reference = try parsed(Samples.nested).mapping(.toReferencePrecision)
    try reference.verify()
    #expect(!reference.text.contains(": f32"))
    #expect(try parsed(Samples.nested).dimensionNames == ["batch", "time"])
  }
}
