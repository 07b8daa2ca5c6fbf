import FirnGraph
import Testing

@testable import FirnToyOps

/// Every constraint, violated by one change to a good graph.
@Suite struct VerifierTests {
  private static let type = TensorType(.f32, [2])

  private func good() -> GraphDef {
    let w = Variable(name: "w", type: Self.type, initializer: .zeros)
    return GraphDef(
      nodes: [
        Node(op: ReadVariable(w), inputs: [], types: [Self.type], name: "w"),
        Node(op: Map(.neg), inputs: [Value(0)], types: [Self.type], name: "a/neg"),
        Node(op: AssignVariable("w"), inputs: [Value(1)], types: [Self.type], name: "assign"),
      ], outputs: [Value(1)], variables: [w])
  }

  private func loop(_ body: GraphDef) -> GraphDef {
    var graph = good()
    graph.nodes.append(
      Node(op: Loop(carries: 0, body: body), inputs: [Value(0)], types: [], name: "scan"))
    return graph
  }

  private func violated(_ graph: GraphDef) -> String? {
    thrown { () throws(FirnError) in try graph.verify() }?.constraint
  }

  @Test func goodGraphsPass() throws {
    try good().verify()
    try parsed(Samples.nested).verify()
    try GraphDef().verify()
  }

  @Test func V1_operandsAreEarlierResults() {
    for value in [Value(1), Value(2), Value(7), Value(-1), Value(0, 1), Value(0, -1)] {
      var graph = good()
      graph.nodes[1].inputs = [value]
      #expect(violated(graph) == "V1")
    }
  }

  @Test func V2_namesArePathsAndUnique() {
    for name in ["w", "", "a//b", "a b", "/a", "a:1"] {
      var graph = good()
      graph.nodes[1].name = name
      #expect(violated(graph) == "V2")
    }
  }

  @Test func V3_typesAreWhatTheOpGives() {
    var graph = good()
    graph.nodes[1].types = [TensorType(.f32, [3])]
    #expect(violated(graph) == "V3")
    graph.nodes[1].types = []
    #expect(violated(graph) == "V3")
    graph = good()
    graph.nodes[1].inputs = []
    let error = thrown { () throws(FirnError) in try graph.verify() }
    #expect(error?.constraint == "V3")
    #expect(error?.causes.first?.constraint == "C0")
  }

  @Test func V4_variablesAreUniqueWithKnownExtents() {
    let bad = [
      Variable(name: "w", type: Self.type, initializer: .zeros),
      Variable(name: "a b", type: Self.type, initializer: .zeros),
      Variable(name: "v", type: TensorType(.f32, ["batch"]), initializer: .zeros),
      Variable(name: "v", type: TensorType(.f32, [-1]), initializer: .zeros),
    ]
    for variable in bad {
      var graph = good()
      graph.variables.append(variable)
      #expect(violated(graph) == "V4")
    }
  }

  @Test func V5_readsAndAssignmentsNameVariablesOfTheirType() {
    var graph = good()
    graph.variables = []
    #expect(violated(graph) == "V5")
    graph = good()
    graph.variables[0].type = TensorType(.f64, [2])
    #expect(violated(graph) == "V5")
    graph = good()
    graph.nodes[2].op = AssignVariable("v")
    #expect(violated(graph) == "V5")
  }

  @Test func V6_outputsExist() {
    for value in [Value(3), Value(-1), Value(1, 1)] {
      var graph = good()
      graph.outputs = [value]
      #expect(violated(graph) == "V6")
    }
  }

  @Test func V7_parametersStandInBodiesOnce() throws {
    let parameter = Node(op: LoopInput(.carry, 0, type: Self.type), inputs: [], types: [Self.type], name: "p")
    var graph = good()
    graph.nodes.append(parameter)
    #expect(violated(graph) == "V7")
    try loop(GraphDef(nodes: [parameter])).verify()
    var second = parameter
    second.name = "q"
    #expect(violated(loop(GraphDef(nodes: [parameter, second]))) == "V7")
  }

  @Test func V8_bodiesHoldNoStateAndNoFeeds() {
    let placeholder = Node(op: Placeholder(type: Self.type), inputs: [], types: [Self.type], name: "p")
    #expect(violated(loop(GraphDef(nodes: [placeholder]))) == "V8")
    #expect(violated(loop(GraphDef(nodes: [good().nodes[0]]))) == "V8")
    #expect(violated(loop(GraphDef(variables: good().variables))) == "V8")
  }

  @Test func V9_dimensionsAreNamesAndNotNegative() {
    for dimension in [Dim(-1), Dim(named: "a b"), Dim(named: "")] {
      let type = TensorType(.f32, [dimension])
      var graph = good()
      graph.nodes.append(Node(op: Placeholder(type: type), inputs: [], types: [type], name: "p"))
      #expect(violated(graph) == "V9")
    }
  }

  @Test func messageNamesPassNodeAndBody() throws {
    var graph = good()
    graph.nodes[1].name = "w"
    let error = try #require(thrown { () throws(FirnError) in try graph.verify(after: "cse") })
    #expect(error.code == .invalidGraph)
    #expect(error.message == "after `cse`: `w`: two nodes have this name")
    #expect(error.place == "w")
    let nested = try #require(
      thrown { () throws(FirnError) in try loop(GraphDef(outputs: [Value(0)])).verify() })
    #expect(nested.constraint == "V6")
    #expect(nested.message.contains("`scan`: in `body`: output 0"))
  }
}
