import FirnGraph
import Testing

@testable import FirnToyOps

/// Every constraint, violated by one change to a good graph.
@Suite struct VerifierTests {
  private static let type = TensorType(.f32, [2])

  /// One graph, so that those changed from it share its nodes.
  private static let first: GraphDef = {
    let w = Variable(name: "w", type: type, initializer: .zeros)
    return GraphDef(
      nodes: [
        Node(op: ReadVariable(w), inputs: [], types: [type], name: "w"),
        Node(op: Map(.neg), inputs: [Value(0)], types: [type], name: "a/neg"),
        Node(op: AssignVariable("w"), inputs: [Value(1)], types: [type], name: "assign"),
      ], outputs: [Value(1)], variables: [w])
  }()

  private func good() -> GraphDef { Self.first }

  private func loop(_ body: GraphDef) -> GraphDef {
    var graph = good()
    graph.nodes.append(
      Node(op: Loop(carries: 0, body: body), inputs: [Value(0)], types: [], name: "scan"))
    return graph
  }

  /// The constraint that is violated, which it is too for who knows the graph before the change.
  private func violated(_ graph: GraphDef) -> String? {
    let constraint = thrown { () throws(FirnError) in try graph.verify() }?.constraint
    #expect(thrown { () throws(FirnError) in try graph.verify(knowing: good()) }?.constraint == constraint)
    return constraint
  }

  @Test func goodGraphsPass() throws {
    try good().verify()
    try parsed(Samples.nested).verify()
    try GraphDef().verify()
    try good().verify(knowing: good())
    try good().verify(knowing: GraphDef())
  }

  /// A node that was right is not right on operands of other types, or beside one of its own name.
  @Test func whatIsTakenOverIsHeldAgainstWhatIsNew() {
    let wide = TensorType(.f32, [3])
    var graph = good()
    graph.nodes[0] = Node(op: Placeholder(type: wide), inputs: [], types: [wide], name: "w")
    #expect(violated(graph) == "V3")
    graph = good()
    graph.nodes.append(graph.nodes[1])
    #expect(violated(graph) == "V2")
    graph = good()
    graph.variables = []
    #expect(violated(graph) == "V5")
  }

  /// Where nodes are said to come from is a hint: a wrong one hides nothing.
  @Test(arguments: [[0, 1, 2], [2, 1, 0], [0, 0, 0], [-1, 1], [1, 2, 3, 4]] as [[Int32]])
  func wrongOriginsHideNothing(_ origins: [Int32]) throws {
    var graph = good()
    graph.origins = origins
    try graph.verify(knowing: good())
    graph.nodes.append(graph.nodes[1])
    graph.origins = origins + [1, 1]
    #expect(violated(graph) == "V2")
    graph = good()
    graph.origins = origins
    graph.nodes[2].inputs = [Value(2)]
    #expect(violated(graph) == "V1")
    graph.nodes[2] = Node(op: AssignVariable("v"), inputs: [Value(1)], types: [Self.type], name: "assign")
    #expect(violated(graph) == "V5")
  }

  /// Variables that were added are looked at, and nodes may use them.
  @Test func moreVariablesCanBeKnown() throws {
    var graph = good()
    let more = Variable(name: "v", type: Self.type, initializer: .zeros)
    graph.variables.append(more)
    graph.nodes.append(Node(op: ReadVariable(more), inputs: [], types: [Self.type], name: "v"))
    #expect(violated(graph) == nil)
    graph.variables.append(more)
    #expect(violated(graph) == "V4")
  }

  @Test func V5_writtenRowsAreTheVariables() {
    let variable = Variable(name: "w", type: TensorType(.f32, [5, 2]), initializer: .zeros)
    func violated(_ rows: Range<Int>, of type: TensorType, at indices: TensorType? = nil) -> String? {
      var nodes = [Node(op: Placeholder(type: type), inputs: [], types: [type], name: "x")]
      if let indices {
        nodes.append(Node(op: Placeholder(type: indices), inputs: [], types: [indices], name: "at"))
      }
      nodes.append(
        Node(
          op: AssignRows("w", rows), inputs: nodes.indices.map { Value($0) }, types: [type], name: "assign"))
      return self.violated(GraphDef(nodes: nodes, variables: [variable]))
    }
    let (two, at) = (TensorType(.f32, [2, 2]), TensorType(.i32, [2]))
    #expect(violated(3..<5, of: two) == nil)
    #expect(violated(0..<5, of: two, at: at) == nil)
    #expect(violated(4..<6, of: two) == "V5", "beyond the end")
    #expect(violated(0..<6, of: two, at: at) == "V5")
    #expect(violated(0..<2, of: TensorType(.f64, [2, 2])) == "V5")
    #expect(violated(0..<2, of: TensorType(.f32, [2, 3])) == "V5")
    #expect(violated(0..<2, of: TensorType(.f32, [2])) == "V5")
    #expect(violated(0..<3, of: two) == "V3", "C1")
    #expect(violated(0..<5, of: two, at: TensorType(.i32, [3])) == "V3", "C2")
    #expect(violated(0..<5, of: two, at: TensorType(.f32, [2])) == "V3", "C2")
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
      Variable(
        name: "v", type: Self.type, initializer: .zeros,
        blocks: BlockNames(["a", "b", "c"], axis: 0)),
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
    var assignment = good().nodes[2]
    assignment.inputs = [Value(0)]
    let parameter = Node(op: LoopInput(.carry, 0, type: Self.type), inputs: [], types: [Self.type], name: "p")
    #expect(violated(loop(GraphDef(nodes: [parameter, assignment]))) == "V8")
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

  @Test func messageNamesNodeAndBody() throws {
    var graph = good()
    graph.nodes[1].name = "w"
    let error = try #require(thrown { () throws(FirnError) in try graph.verify() })
    #expect(error.code == .invalidGraph)
    #expect(error.message == "`w`: two nodes have this name")
    #expect(error.place == "w")
    let nested = try #require(
      thrown { () throws(FirnError) in try loop(GraphDef(outputs: [Value(0)])).verify() })
    #expect(nested.constraint == "V6")
    #expect(nested.message.contains("`scan`: in `body`: output 0"))
  }
}
