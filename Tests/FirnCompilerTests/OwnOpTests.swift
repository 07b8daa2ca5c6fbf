import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTraining
import Testing

/// An elementwise op that no part of Firn has heard of gets what the built-in ones get, by what it says of itself.
@Suite struct OwnOpTests {
  /// y = -x, as an op of its own type and not a row of a table.
  private struct Flip: ElementwiseOp, KernelOp {
    static let mnemonics = ["flip"]
    var mnemonic: String { "flip" }
    var attributes: Attributes { [:] }

    init() {}
    init(mnemonic: String, attributes: Attributes) throws(FirnError) {}

    func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
      try operands.require(1)
      return operands
    }

    func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

    func gradient(_ context: GradientContext) -> [Tensor?] {
      context.adjoints({ Graph.apply(Flip(), to: [context.cotangent])[0] })
    }

    func flops(of operands: [TensorType], results: [TensorType]) -> Dim { results[0].shape.elementCount }
    var aliasing: Aliasing { .inPlace([0]) }
    var canFail: Bool { false }
    func simplified(in node: NodeView) -> Expression<Value>? { nil }

    func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
      let count = results[0].elementCount
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        let (x, y) = (call.operand(0, as: Float.self), call.result(as: Float.self))
        for i in 0..<count { y[i] = -x[i] }
      }
    }
  }

  private func flip(_ x: Tensor) -> Tensor { Graph.apply(Flip(), to: [x])[0] }

  /// The steps of a plan and of the loops in it, with the shapes they write.
  private func steps(_ plan: Plan) -> [(name: String, shape: [Int])] {
    plan.steps.flatMap { step -> [(name: String, shape: [Int])] in
      if case .loops(let loops) = step.work { return loops.flatMap { steps($0.body) } }
      return [(step.name, step.resultTypes[0].shape)]
    }
  }

  /// Before the loop it is computed for all steps at once, since a product that is moved there reads it.
  @Test func isBatchedOverSteps() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [5, 2, 3])
    let w = graph.variable("w", shape: [3, 4])
    let start = graph.placeholder("start", shape: [2, 4])
    let (carries, _) = scan(over: [x], initial: [start]) { step in
      ScanResult(carries: [tanh(matmul(flip(step.slices[0]), w) + step.carries[0])])
    }
    let compilation = try Compiler.compile(
      CompilationRequest(graph: graph.definition, fetches: [carries[0].value]))
    let plan = try Plan(compilation.graph)
    let flips = steps(plan).filter { $0.name.hasSuffix("flip") }
    #expect(flips.map(\.shape) == [[5, 2, 3]])
    #expect(plan.steps.filter { $0.name.hasSuffix("matmul") }.map { $0.resultTypes[0].shape } == [[10, 4]])
  }

  /// What does not vary is computed once, before the loop.
  @Test func isHoisted() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [5, 3])
    let w = graph.variable("w", shape: [3])
    let (_, outputs) = scan(over: [x], initial: []) { step in
      ScanResult(carries: [], outputs: [step.slices[0] * flip(w)])
    }
    let compilation = try Compiler.compile(
      CompilationRequest(graph: graph.definition, fetches: [outputs[0].value]))
    // Out of the loop, and, since nothing trains `w`, out of the step.
    #expect(compilation.bound.nodes.map(\.mnemonic) == ["read", "flip"])
    let plan = try Plan(compilation.whole)
    #expect(plan.steps.contains { $0.name.hasSuffix("flip") && $0.resultTypes[0].shape == [3] })
  }

  /// Of its adjoint only the trained block is computed.
  @Test func isNarrowed() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [6, 2])
    let c = graph.placeholder("c", shape: [6, 2])
    let loss = (flip(w) * c).sum()
    let compilation = try Compiler.compile(
      CompilationRequest(
        graph: graph.definition, fetches: [],
        training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.5)), freezing: "w[2..<6]"))
    let plan = try Plan(compilation.graph)
    let flips = steps(plan).filter { $0.name.hasSuffix("flip") }.map(\.shape)
    #expect(flips == [[6, 2], [2, 2]], "\(compilation.graph.text)")
  }

  /// Along every axis each of its rows is made of the same row.
  @Test func worksRowByRow() throws {
    let node = NodeTypes(
      operands: [TensorType(.f32, ["batch", 3])], results: [TensorType(.f32, ["batch", 3])])
    for axis in 0..<2 {
      let rule = try #require(Flip().rows(along: axis, of: 0, count: 2, in: node))
      #expect(rule.operands == [axis] && rule.results == [axis] && rule.op.isEqual(to: Flip()))
    }
    #expect(Flip().isElementwise)
  }
}
