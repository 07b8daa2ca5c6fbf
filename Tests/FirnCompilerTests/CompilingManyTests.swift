import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTraining
import Testing

/// What would take for ever, or all memory, were it done once for each way, or said once for each variable.
@Suite struct CompilingManyTests {
  /// Sixty doublings are 2⁶⁰ ways from the table to what is looked up, and 120 nodes.
  @Test func rowsThatAreAddedInManyWaysAreFoundOnce() throws {
    let graph = Graph()
    let at = graph.placeholder("at", shape: [3], dtype: .i32)
    var table = graph.variable("table", shape: [9, 2])
    for _ in 0..<60 { table = table + table }
    let loss = gather(table, indices: at).sum()
    let program = try Compiler.compile(
      CompilationRequest(
        graph: graph.definition, fetches: [],
        training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)))
    ).graph
    let assignments = program.nodes.filter { if case .writes = $0.op.effect { true } else { false } }
    #expect(assignments.map(\.mnemonic) == ["assign_rows"])
    #expect(program.nodes.count < 400)
  }

  @Test func reasonsQuoteTheBeginningOfALongSelection() throws {
    let variables = (0..<200).map { number in
      Variable(
        name: "scope/variable_\(number)", type: TensorType(.f32, [4]), initializer: .constant(0))
    }
    let text = variables.map { $0.name + "[0..<2]" }.joined(separator: " | ")
    let trainability = try Trainability(variables, freezing: Selection(text), thawing: nil)
    for variable in variables {
      let reason = trainability.decision(variable.name).explanation
      #expect(
        reason.hasPrefix("[2..<4] is trained, of the rest: it is frozen by `freezing: scope/variable_0["))
      #expect(reason.utf8.count < 400)
    }
    let short = try Trainability(variables, freezing: "scope/variable_1", thawing: nil)
    #expect(short.decision("scope/variable_1").explanation == "it is frozen by `freezing: scope/variable_1`")
  }

  /// Under a binding, types met before and programs that share what they hold are what they would be alone.
  @Test func bindingGivesEachNodeItsOwnTypes() throws {
    let graph = Graph()
    let first = graph.placeholder("first", shape: ["batch", 2])
    let second = graph.placeholder("second", shape: ["time", 2])
    var sums: [Tensor] = []
    for number in 1...12 {
      let wide = Dim(number) * "batch"
      sums.append(tanh(graph.placeholder("x\(number)", shape: [wide])).sum())
      sums.append((tanh(first) * first + (number % 2 == 0 ? 1 : 2)).sum() + tanh(second).sum())
    }
    let program = try Compiler.compile(
      CompilationRequest(graph: graph.definition, fetches: sums.map(\.value))
    ).graph
    let bound = program.mapping(.binding(["batch": 3, "time": 5]))
    try bound.verify()
    #expect(bound.dimensionNames.isEmpty)
    #expect(bound.nodes.map(\.name) == program.nodes.map(\.name))
    for (node, before) in zip(bound.nodes, program.nodes) {
      #expect(node.types == before.types.map { $0.bound(by: ["batch": 3, "time": 5]) })
      #expect(node.traits == before.traits)
    }
  }
}
