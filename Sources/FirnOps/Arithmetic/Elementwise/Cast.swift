public import FirnGraph

/// The same values as another element type.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | any | the result has its shape |
///
/// To `i32` truncates, out of range gives the nearest bound and NaN gives 0; to `bool` is whether it is not 0.
/// Gradients pass between floating point types only.
///
/// - Complexity: one pass, no FLOPs.
package struct Cast: ElementwiseOp, KernelOp {
  package var dtype: DType

  package init(to dtype: DType) { self.dtype = dtype }

  package static let mnemonics = ["cast"]
  package var mnemonic: String { "cast" }
  package var attributes: Attributes { ["dtype": .dtype(dtype)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    dtype = try attributes.dtype("dtype")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    return [TensorType(dtype, operands[0].shape)]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    dtype.isFloatingPoint ? .passes : .notDifferentiable
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let x = context.operands[0]
    return context.adjoints({
      x.dtype == dtype ? context.cotangent : context.cotangent.applying(Cast(to: x.dtype))
    })
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }

  package func simplified(in node: NodeView) -> Expression<Value>? {
    node.keepsType ? .leaf(node.operands[0].value) : nil
  }

  package var aliasing: Aliasing { .inPlace([0]) }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let count = operands[0].elementCount
    return switch operands[0].dtype {
    case .f32: kernel(count, from: Float.self)
    case .f64: kernel(count, from: Double.self)
    case .i32: kernel(count, from: Int32.self)
    case .bool: kernel(count, from: UInt8.self)
    }
  }

  private func kernel<T: Castable>(_ count: Int, from: T.Type) -> Kernel {
    switch dtype {
    case .f32: Self.kernel(count, from, Float.self)
    case .f64: Self.kernel(count, from, Double.self)
    case .i32: Self.kernel(count, from, Int32.self)
    case .bool: Self.kernel(count, from, UInt8.self)
    }
  }

  private static func kernel<T: Castable, R: Castable>(_ count: Int, _: T.Type, _: R.Type) -> Kernel {
    Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: T.self)
      let y = call.result(as: R.self)
      call.inPieces(count) { start, n in mapEach(x, y, start, n) { R(real: $0.real) } }
    }
  }
}

/// An element on its way through `Double`, which holds every `f32` and `i32`; truth values are bytes.
private protocol Castable: Sendable {
  var real: Double { get }
  init(real: Double)
}

extension Float: Castable {
  fileprivate var real: Double { Double(self) }
  fileprivate init(real: Double) { self.init(real) }
}

extension Double: Castable {
  fileprivate var real: Double { self }
  fileprivate init(real: Double) { self = real }
}

extension Int32: Castable {
  fileprivate var real: Double { Double(self) }
  fileprivate init(real: Double) { self.init(exactlyOrRounded: real) }
}

extension UInt8: Castable {
  fileprivate var real: Double { Double(self) }
  fileprivate init(real: Double) { self = real == 0 ? 0 : 1 }
}

extension Tensor {
  /// The same values as `dtype`; itself where it has that type.
  ///
  /// To `i32` truncates, out of range gives the nearest bound and NaN gives 0; to `bool` is whether it is not 0; truth
  /// values become 0 and 1. Gradients pass between floating point types only. There are no constraints.
  ///
  /// - Complexity: no FLOPs; 5 to 12 bytes moved an element.
  public func cast(to dtype: DType, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    isPoisoned || self.dtype == dtype
      ? self : applying(Cast(to: dtype), location: CallSite(file, line))
  }
}
