import FirnGraph
import Testing

@testable import FirnOps

/// Programs that do the same work share what is made of them, and no others.
@Suite struct KnownProgramsTests {
  private func product(_ shape: Shape, _ dtype: DType = .f32, scope: String, by function: (Tensor) -> Tensor)
    -> Fused
  {
    program(shape, [(shape, dtype), (shape, dtype)]) { x in
      x[0].graph.scope(scope) { [function(x[0] * x[1])] }
    }
  }

  private func kernel(_ fused: Fused) -> Kernel {
    let types = fused.inputs.map { fused.body.nodes[$0].types[0] }
    return fused.kernel(
      operands: types.compactMap { ArrayType($0) },
      results: fused.body.outputs.compactMap { ArrayType(fused.body.type(of: $0)) })
  }

  @Test func whatDiffersInNamesIsSharedAndKeepsThem() {
    var known = KnownPrograms()
    let first = known.sharing(product([3, 4], scope: "a", by: { tanh($0) }))
    let second = known.sharing(product([3, 4], scope: "b", by: { tanh($0) }))
    #expect(kernel(first) === kernel(second))
    #expect(first != second && second == product([3, 4], scope: "b", by: { tanh($0) }))
    // By itself a program shares nothing.
    #expect(kernel(product([3, 4], scope: "a", by: { tanh($0) })) !== kernel(first))
  }

  @Test func whatComputesSomethingElseIsNot() {
    var known = KnownPrograms()
    let programs = [
      product([3, 4], scope: "a", by: { tanh($0) }), product([3, 4], scope: "a", by: { exp($0) }),
      product([4, 3], scope: "a", by: { tanh($0) }), product([3, 4], .f64, scope: "a", by: { tanh($0) }),
      product([3, 4], scope: "a", by: { tanh(tanh($0)) }),
      program([3, 4], [([3, 4], .f32), ([3, 4], .f32)]) { x in [tanh(x[0] * x[0]), x[1] * x[1]] },
      program([3, 4], [([3, 4], .f32), ([3, 4], .f32)]) { x in [tanh(x[1] * x[0])] },
      program([3, 4], [([3, 4], .f32), ([3, 4], .f32)]) { x in
        let product = x[0] * x[1]
        return [tanh(product), product]
      },
    ].map { known.sharing($0) }
    let kernels = programs.map { kernel($0) }
    for (number, kernel) in kernels.enumerated() {
      #expect(kernels[..<number].allSatisfy { $0 !== kernel }, "program \(number)")
    }
  }

  @Test func opsThatAreNoProgramsStayWhatTheyAre() {
    var known = KnownPrograms()
    let node = Node(
      op: Unary(.tanh), inputs: [Value(0)], types: [TensorType(.f32, [2])], name: "tanh")
    #expect(known.op(of: node).isEqual(to: Unary(.tanh)))
  }
}
