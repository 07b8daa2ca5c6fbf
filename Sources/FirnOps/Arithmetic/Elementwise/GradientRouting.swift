public import FirnGraph

/// A value with another gradient than its own.
///
/// straight_through: y = value, whose gradient goes to x. scale_gradient: y = x, whose gradient is `factor` times that
/// of y.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | value | any | of straight_through only; the result |
/// | x | as value | |
///
/// C1: value and x are of one type. C2: they are floating point.
///
/// Values keep their bits, and nothing is computed for them: a sum or product with `stop_gradient` would round.
///
/// - Complexity: nothing is done; the gradient of scale_gradient takes 1 FLOP an element.
package struct GradientRouting: ElementwiseOp {
  package enum Route: Hashable, Sendable {
    case straightThrough
    case scaled(by: Double)
  }

  package var route: Route

  package init(_ route: Route) { self.route = route }

  package static let mnemonics = ["straight_through", "scale_gradient"]
  package var mnemonic: String { Self.mnemonics[route == .straightThrough ? 0 : 1] }
  package var attributes: Attributes {
    switch route {
    case .straightThrough: [:]
    case .scaled(let factor): ["factor": .double(factor)]
    }
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    route = mnemonic == Self.mnemonics[0] ? .straightThrough : .scaled(by: try attributes.double("factor"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(route == .straightThrough ? 2 : 1)
    try operands[0].requireFloatingPoint("operand", "C2")
    try require(
      operands.allSatisfy { $0 == operands[0] }, "C1", .shapeMismatch,
      "\(operands.map { "\($0)" }.joined(separator: " and ")) are not of one type",
      remedy: "cast or broadcast one to the other's")
    return [operands[0]]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    route == .straightThrough && operand == 0 ? .stopped : .passes
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let g = context.cotangent
    switch route {
    case .straightThrough: return [nil, context.wants[1] ? g : nil]
    case .scaled(let factor): return context.adjoints({ factor == -1 ? -g : g * factor })
    }
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }

  package func simplified(in node: NodeView) -> Expression<Value>? { .leaf(node.operands[0].value) }

  package var aliasing: Aliasing { .view(of: 0) }
}

/// `value`, whose gradient goes to x instead: a straight-through estimator.
///
/// What is rounded, chosen or looked up has no gradient of its own; this hands on that of the result as if it were x.
/// The value keeps its bits, which x + stopGradient(value - x) does not.
///
/// Bengio, Léonard and Courville, "Estimating or Propagating Gradients Through Stochastic Neurons", 2013.
///
/// Constraints: (C1) both are of one type; (C2) it is floating point.
///
/// - Parameters:
///   - value: what the result is; no gradient passes to it.
///   - x: what the gradient goes to.
/// - Complexity: nothing is done; the result is a view.
public func straightThrough(
  value: Tensor, as x: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  value.applying(GradientRouting(.straightThrough), x, location: CallSite(file, line))
}

/// x itself, whose gradient is `factor` times that of the result; with -1 it is reversed.
///
/// Of 0 it is 0 and still passes: `stopGradient` is what is not computed at all.
///
/// Ganin and Lempitsky, "Unsupervised Domain Adaptation by Backpropagation", 2015, reverse it.
///
/// Constraints: (C2) x is floating point.
///
/// - Complexity: nothing is done, the result is a view; 1 FLOP an element of the gradient.
public func scaleGradient(
  _ x: Tensor, by factor: Double, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  x.applying(GradientRouting(.scaled(by: factor)), location: CallSite(file, line))
}

/// x itself, whose gradient is the negative of the result's: `scaleGradient` by -1.
///
/// Constraints: (C2) x is floating point.
///
/// - Complexity: nothing is done, the result is a view; 1 FLOP an element of the gradient.
public func reverseGradient(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  scaleGradient(x, by: -1, file: file, line: line)
}
