internal import CFirnKernels
public import FirnGraph

/// Exponentials along the last axis, scaled to a sum of one, or the logarithms of that.
///
/// softmax: y[…, c] = e^x[…, c] / Σ_d e^x[…, d]; log_softmax: its logarithm, without underflow.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64` | at least one axis; the result has its type |
///
/// C1: x is floating point. C2: it has an axis.
///
/// Finite rows never overflow. A row that holds NaN or +inf, or nothing but -inf, gives NaN.
///
/// - Complexity: three passes, 5 FLOPs an element.
package struct Softmax: KernelOp {
  package enum Form: String, Hashable, Sendable, CaseIterable {
    case softmax
    case logSoftmax = "log_softmax"
  }

  package var form: Form

  package init(_ form: Form) { self.form = form }

  package static let mnemonics = Form.allCases.map(\.rawValue)
  package var mnemonic: String { form.rawValue }
  package var attributes: Attributes { [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(try member(mnemonic, of: Form.self, family: "softmax"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    try operands[0].requireFloatingPoint("operand", "C1")
    try require(
      operands[0].shape.rank >= 1, "C2", .shapeMismatch, "operand is a scalar",
      remedy: "give it an axis to be taken along")
    return operands
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let (g, y) = (context.cotangent, context.results[0])
    return context.adjoints({
      switch form {
      case .softmax: y * (g - (g * y).sum(axes: [-1], keepingAxes: true))
      case .logSoftmax: g - exp(y) * g.sum(axes: [-1], keepingAxes: true)
      }
    })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount * 5
  }

  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis == node.shape.rank - 1 ? nil : RowRule(self, allAlong: axis, in: node)
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .byRows }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? {
    StepRule(.node(self, [.leaf(0)]))
  }

  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  package var aliasing: Aliasing { .inPlace([0]) }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let (rows, columns) = rowsAndColumns(operands[0].shape)
    let isLogarithm = form == .logSoftmax
    if operands[0].dtype == .f32 {
      return Kernel { (call: borrowing KernelCall) throws(FirnError) in
        let x = call.operand(0, as: Float.self)
        let y = call.result(as: Float.self)
        call.inPieces(rows, grain: grain(ofItems: 4 * columns)) { start, n in
          let offset = start * columns
          if isLogarithm {
            firn_log_softmax_f32(x + offset, y + offset, n, columns)
          } else {
            firn_softmax_f32(x + offset, y + offset, n, columns)
          }
        }
      }
    }
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: Double.self)
      let y = call.result(as: Double.self)
      call.inPieces(rows, grain: grain(ofItems: 4 * columns)) { start, n in
        for row in start..<start + n {
          let (from, to) = (x + row * columns, y + row * columns)
          let total = logarithmOfSum(from, columns)
          for c in 0..<columns {
            to[c] = isLogarithm ? from[c] - total : RealMath.exponential(from[c] - total)
          }
        }
      }
    }
  }
}

/// The last extent and the product of the others.
func rowsAndColumns(_ shape: [Int]) -> (Int, Int) { (shape.dropLast().reduce(1, *), shape.last ?? 1) }

/// log Σ e^x of a row.
func logarithmOfSum(_ x: UnsafePointer<Double>, _ count: Int) -> Double {
  var shift = -Double.infinity
  for c in 0..<count { shift = shift.isNaN || shift > x[c] ? shift : x[c] }
  var sum = 0.0
  for c in 0..<count { sum += RealMath.exponential(x[c] - shift) }
  return shift + RealMath.logarithm(sum)
}

/// e^x along `axis`, scaled to a sum of one; of x's shape and type.
///
/// Finite rows never overflow. A row that holds NaN or +inf, or nothing but -inf, gives NaN. Losses take logits,
/// without a softmax before them.
///
/// Constraints: (C1) x is floating point; (C2) `axis`, which counts from the end where negative, is one of its axes.
///
/// - Complexity: 5 FLOPs an element, in three passes; along another axis than the last x is transposed before and
///   after.
public func softmax(_ x: Tensor, axis: Int = -1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.softened(.softmax, axis, CallSite(file, line))
}

/// The logarithm of the softmax along `axis`, without underflow; of x's shape and type.
///
/// x - log Σ e^x. A row that holds NaN or +inf, or nothing but -inf, gives NaN.
///
/// Constraints: (C1) x is floating point; (C2) `axis`, which counts from the end where negative, is one of its axes.
///
/// - Complexity: 5 FLOPs an element, in three passes; along another axis than the last x is transposed before and
///   after.
public func logSoftmax(
  _ x: Tensor, axis: Int = -1, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  x.softened(.logSoftmax, axis, CallSite(file, line))
}

extension Tensor {
  /// Other axes than the last by exchanging the two.
  fileprivate func softened(_ form: Softmax.Form, _ axis: Int, _ location: CallSite) -> Tensor {
    guard let axis = self.axis(axis, form.rawValue, constraint: "C2", location: location) else {
      return .poisoned(in: graph)
    }
    var order = Array(0..<rank)
    order.swapAt(axis, rank - 1)
    return permuted(order, location: location).applying(Softmax(form), location: location)
      .permuted(order, location: location)
  }
}
