internal import CFirnKernels
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
package struct Cast: InstructionOp {
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

  package func instruction(on operands: [DType]) -> Instruction {
    switch operands[0] {
    case .f32 where dtype == .i32:
      Instruction { a, _, _, y, n in
        firn_truncate_f32(a.assumingMemoryBound(to: Float.self), y.assumingMemoryBound(to: Int32.self), n)
      }
    case .f64 where dtype == .i32:
      Instruction { a, _, _, y, n in
        firn_truncate_f64(a.assumingMemoryBound(to: Double.self), y.assumingMemoryBound(to: Int32.self), n)
      }
    case .f32: instruction(from: Float.self)
    case .f64: instruction(from: Double.self)
    case .i32: instruction(from: Int32.self)
    case .bool: instruction(from: UInt8.self)
    }
  }

  private func instruction<T: Castable>(from: T.Type) -> Instruction {
    switch dtype {
    case .f32: Self.instruction(from, Float.self)
    case .f64: Self.instruction(from, Double.self)
    case .i32: Self.instruction(from, Int32.self)
    case .bool: Self.instruction(from, UInt8.self)
    }
  }

  private static func instruction<T: Castable, R: Castable>(_: T.Type, _: R.Type) -> Instruction {
    Instruction { a, _, _, y, n in mapEach(a, y, n, T.self, R.self) { R(real: $0.real) } }
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
