import FirnGraph
import FirnNotation
import Testing

@testable import FirnToyOps

/// Printing and reading back.
@Suite struct GraphTextTests {
  @Test(arguments: [Samples.minimal, Samples.everything, Samples.nested, Samples.partlyFrozen])
  func printsWhatItRead(_ text: String) throws {
    let graph = try parsed(text)
    #expect(graph.text == text)
    #expect(try parsed(graph.text) == graph)
    #expect(Array(try parsed(graph.text).text.utf8) == Array(text.utf8))
    try graph.verify()
  }

  @Test func exampleOfEveryForm() throws {
    let graph = try parsed(Samples.everything)
    let tagged = try #require(graph.nodes.first { $0.name == "tagged" }).op.attributes
    #expect(tagged["a"] == .bool(true))
    #expect(tagged["b"] == .int(.min))
    #expect(tagged["c"] == .double(1))
    #expect(tagged["d"] == .double(1e-5))
    #expect(tagged["e"] == .double(.infinity))
    #expect(tagged["f"] == .double(-.infinity))
    #expect(tagged["g"] == .string("q\"\\\n\t\r\u{1}é"))
    #expect(tagged["h"] == .dtype(.i32))
    #expect(tagged["i"] == .dimension("2*batch+1"))
    #expect(tagged["j"] == .list([]))
    #expect(tagged["k"] == .list([.int(1), .dimension("batch"), .int(-3)]))
    #expect(tagged["l"] == .list([.ints([1, 2]), .string("x"), .dimension(Dim(named: "inf"))]))
    #expect(tagged["n"] == .array(NDArray([true, false, true])))
    #expect(tagged["o"] == .array(NDArray(scalar: Int32(-7))))
    #expect(tagged["p"] == .array(try NDArray(zeros: [0, 3], dtype: .f64)))
    #expect(try tagged.array("q").floats[0].isNaN)
    #expect(graph.outputs.map(graph.name(of:)) == ["add", "parts:1", "gradients/encoder/matmul/neg"])
    #expect(graph.nodes.first { $0.name == "assign" }?.phase == .update)
    #expect(graph.nodes.first { $0.name == "nothing" }?.types.isEmpty == true)
    #expect(graph.variables[1].initializer.description == "columns(4: constant(1e-05), 12: array(f32[2]))")
  }

  @Test func theLossIsRecorded() throws {
    let text = """
      firn 1

      %x = placeholder() {dtype = f32, shape = []} : f32[]
      %y = neg(%x) : f32[]
      loss %y
      return %x

      """
    let graph = try parsed(text)
    #expect(graph.loss.map(graph.name(of:)) == "y" && graph.lossName == "y")
    #expect(graph.text == text)
    #expect(try parsed(graph.text) == graph)
    #expect(try parsed(text.replacing("loss %y\n", with: "")) != graph)
  }

  @Test func whitespaceAndCommentsDoNotMatter() throws {
    let text = """
      # a graph
      firn   1 # the version
      %x=placeholder(){shape=[ 3 ],dtype=f32}:f32[ 3 ] # out of order
      \t%y = neg(
        %x # the operand
      ) : f32[3]\r
      return %y
      """
    let expected = """
      firn 1

      %x = placeholder() {dtype = f32, shape = [3]} : f32[3]
      %y = neg(%x) : f32[3]
      return %y

      """
    #expect(try parsed(text).text == expected)
  }

  @Test func locationsPrintOnlyWhenAskedForAndAlwaysParse() throws {
    let text = """
      firn 1

      variable w : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 0.0]} @"model:\\"a\\".swift:3"

      %w = read() {variable = "w", dtype = f32, shape = [2]} : f32[2] @"main.swift:12"
      %neg = neg(%w) : f32[2] @backward @"main.swift:13"

      """
    let graph = try parsed(text)
    #expect(graph.nodes[0].location == CallSite(file: "main.swift", line: 12))
    #expect(graph.variables[0].location == CallSite(file: "model:\"a\".swift", line: 3))
    #expect(graph.text(includingLocations: true) == text)
    #expect(!graph.text.contains("main.swift"))
    #expect(try parsed(graph.text) == graph)
  }

  @Test func bitsOfNumbersSurvive() throws {
    let doubles: [Double] = [
      0, -0.0, 1, 0.1, 1 / 3, .pi, 1e22, 1e-300, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .infinity,
      -.infinity, Double(Int.max),
    ]
    for value in doubles {
      let graph = GraphDef(nodes: [node(Tagged(["a": .double(value)]), "t")])
      let copy = try parsed(graph.text)
      guard case .double(let read)? = copy.nodes[0].op.attributes["a"] else {
        Issue.record("\(value) reads back as another kind of value")
        continue
      }
      #expect(read.bitPattern == value.bitPattern)
    }
  }

  @Test(arguments: [0, 1, 15, 16, 17, 300])
  func bitsOfArraysSurvive(_ count: Int) throws {
    let generator = Philox(key: (1, 2))
    let floats = (0..<count).map { Float(bitPattern: generator.bits($0)) }
    let doubles = (0..<count).map { Double(bitPattern: UInt64(generator.bits(2 * $0)) << 32 | UInt64($0)) }
    let tame = (0..<count).map { Float(generator.normal($0)) }
    let integers = (0..<count).map { Int32(bitPattern: generator.bits($0)) }
    let arrays = [
      NDArray(floats), NDArray(doubles), NDArray(tame), NDArray(integers), NDArray(floats.map { $0 > 0 }),
    ]
    for array in arrays {
      let text = GraphDef(nodes: [node(Constant(array), "c")]).text
      let copy = try parsed(text)
      #expect((copy.nodes[0].op as? Constant)?.array.isBitwiseEqual(to: array) == true)
      #expect(copy.text == text)
    }
  }

  @Test func arraysBeyondSixteenElementsAreHexadecimal() throws {
    let small = GraphDef(nodes: [
      node(Constant(try NDArray([Float](repeating: 1, count: 16), shape: [4, 4])), "c")
    ])
    #expect(small.text.contains("f32[4,4](1.0, 1.0"))
    let large = GraphDef(nodes: [node(Constant(NDArray([Float](repeating: 1, count: 17))), "c")])
    #expect(large.text.contains("f32[17]x\"0000803f0000803f"))
    let odd = GraphDef(nodes: [node(Constant(NDArray([Float.nan])), "c")])
    #expect(odd.text.contains("f32[1]x\"0000c07f\""))
  }

  @Test func namesOfReservedWordsSurvive() throws {
    for word in ["true", "false", "inf", "nan", "f32", "f64", "i32", "bool", "e", "x", "firn", "variable"] {
      let shape: Shape = [Dim(named: word), 2]
      let graph = Graph()
      _ = graph.placeholder("x", shape: shape)
      try graph.validate()
      #expect(try parsed(graph.definition.text) == graph.definition)
    }
    for name in ["firn", "variable", "return", "f32", "1", "-", ".", "a.b-c/0", "x/true"] {
      let graph = Graph()
      _ = graph.variable(name, shape: [])
      try graph.validate()
      #expect(try parsed(graph.definition.text) == graph.definition)
    }
  }

  @Test func randomGraphsSurvive() throws {
    for seed in 0..<60 {
      let graph = RandomGraph(seed: seed).graph
      try graph.verify()
      let text = graph.text
      let copy = try parsed(text)
      #expect(copy == graph)
      #expect(copy.text == text)
      #expect(copy.hashValue == graph.hashValue)
    }
  }

  @Test func initializersSurvive() throws {
    let initializers: [Initializer] = [
      .zeros, .ones, .constant(.pi), .uniform(), .normal(), .truncatedNormal(mean: 1, deviation: 1e-9),
      .heNormal,
      .glorotNormal, .orthogonal(gain: 1.5), .array(NDArray([1, 2, 3] as [Float])),
      .columns([(2, .zeros), (3, .columns([(1, .ones), (2, .heUniform)]))]),
    ]
    for initializer in initializers {
      let graph = Graph()
      _ = graph.variable("w", shape: [3], initializer: initializer)
      let copy = try parsed(graph.definition.text)
      #expect(copy.variables.first?.initializer == initializer)
      #expect(try Initializer(initializer.attribute) == initializer)
    }
  }

  @Test func deepNestingIsReadUpToTheLimit() throws {
    func lists(_ depth: Int) -> String {
      "firn 1\n%t = tagged() {a = " + String(repeating: "[", count: depth)
        + String(repeating: "]", count: depth) + "} : f32[]"
    }
    #expect(throws: Never.self) { try parsed(lists(64)) }
    #expect(thrown { () throws(FirnError) in _ = try parsed(lists(65)) }?.message.contains("64 deep") == true)
  }

  private func node(_ op: any Op, _ name: String) -> Node {
    Node(op: op, inputs: [], types: (try? op.resultTypes(of: [])) ?? [], name: name)
  }
}
