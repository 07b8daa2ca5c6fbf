import FirnGraph
import FirnOps
import Testing

/// One use of one op: what the tests derived from the catalogue run it on.
struct OpSample: Sendable, CustomTestStringConvertible {
  enum Operand: Sendable {
    /// Floating point numbers drawn from `range`, none near a point of `avoiding`.
    case real([Int], _ range: ClosedRange<Double> = -2...2, avoiding: [Double] = [])
    /// Likewise, none near the element of the operand before.
    case apart([Int], _ range: ClosedRange<Double>)
    case integers([Int], _ range: ClosedRange<Int>)
    case truths([Int])
    case words([Int32])
  }

  let op: any Op
  let operands: [Operand]
  /// Largest |fast - reference| / (1 + |reference|).
  var tolerance = 4e-6

  init(_ op: any Op, _ operands: Operand..., tolerance: Double = 4e-6) {
    self.init(op, operands: operands, tolerance: tolerance)
  }

  init(_ op: any Op, operands: [Operand], tolerance: Double) {
    self.op = op
    self.operands = operands
    self.tolerance = tolerance
  }

  var testDescription: String {
    let attributes = op.attributes.entries.map { "\($0.key)" }.joined(separator: ",")
    return "\(op.mnemonic)(\(attributes)) \(arrays().map { "\($0.type)" }.joined(separator: " "))"
  }

  /// The operands' values, `f32` where they are real.
  func arrays() -> [NDArray] {
    let generator = Philox(seed: 1, name: op.mnemonic)
    var draws = 0
    func draw(_ range: ClosedRange<Double>) -> Double {
      draws += 1
      return range.lowerBound + (range.upperBound - range.lowerBound) * generator.uniform(draws)
    }
    func draw(_ range: ClosedRange<Double>, awayFrom points: [Double]) -> Double {
      while true {
        let x = draw(range)
        if points.allSatisfy({ ($0 - x).magnitude > 0.05 }) { return Double(Float(x)) }
      }
    }
    var before: [Double] = []
    return operands.map { operand in
      switch operand {
      case .real(let shape, let range, let points):
        before = (0..<shape.reduce(1, *)).map { _ in draw(range, awayFrom: points) }
        return filled(before.map { Float($0) }, shape)
      case .apart(let shape, let range):
        return filled(before.map { Float(draw(range, awayFrom: [$0])) }, shape)
      case .integers(let shape, let range):
        let values = (0..<shape.reduce(1, *)).map { _ in
          Int32(draw(Double(range.lowerBound)...Double(range.upperBound) + 0.999).rounded(.down))
        }
        return filled(values, shape)
      case .truths(let shape):
        return filled((0..<shape.reduce(1, *)).map { _ in draw(0...1) < 0.5 }, shape)
      case .words(let words): return NDArray(words)
      }
    }
  }

  /// The op on placeholders, and its arguments, in `f32` or the reference precision.
  func graph(_ dtype: DType) -> (graph: Graph, node: Int, arrays: [NDArray]) {
    let graph = Graph()
    let inputs = arrays().enumerated().map { index, array in
      graph.placeholder("x\(index)", shape: Shape(array.shape), dtype: array.dtype)
    }
    // Anew: a program remembers the scratch of the instruction set that it was run with first.
    _ = graph.append((op as? Fused).map { Fused(body: $0.body, domain: $0.domain) } ?? op, inputs)
    #expect(throws: Never.self, "\(op.mnemonic)") { try graph.validate() }
    if dtype == .f32 { return (graph, graph.nodes.count - 1, arrays()) }
    let mapped = Graph(resuming: graph.definition.mapping(.toReferencePrecision))
    return (mapped, mapped.nodes.count - 1, arrays().map { $0.dtype == .f32 ? $0.converted(to: .f64) : $0 })
  }

  /// The results on the sample's own operands.
  func results(_ dtype: DType, _ runner: KernelRunner = KernelRunner()) throws -> [NDArray] {
    let (graph, node, arrays) = graph(dtype)
    let outputs = graph.nodes[node].types.indices.map { Value(node, $0) }
    return try Evaluator(graph: graph.definition, runner: runner).run(outputs, feeding: arrays)
  }
}

/// `values` under a shape they fill.
func filled<Element: ArrayElement>(_ values: [Element], _ shape: [Int]) -> NDArray {
  do {
    return try NDArray(values, shape: shape)
  } catch {
    Issue.record("\(error)")
    return NDArray(cleared: ArrayType(Element.dtype, shape))
  }
}
