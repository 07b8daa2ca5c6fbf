package import FirnGraph

/// An operand of a fused program, as its body reads it.
package struct FusedInput: SourceOp {
  /// Which operand.
  package var position: Int
  package var type: TensorType

  package init(_ position: Int, type: TensorType) {
    self.position = position
    self.type = type
  }

  package static let mnemonics = ["fused_input"]
  package var mnemonic: String { "fused_input" }
  package var attributes: Attributes {
    ["position": .int(position), "dtype": .dtype(type.dtype), "shape": .shape(type.shape)]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(
      try attributes.int("position"),
      type: TensorType(try attributes.dtype("dtype"), try attributes.shape("shape")))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(0)
    return [type]
  }

  package var effect: Effect { .receives }
}

extension Node {
  /// What it is in a fused program's body where it is an operand.
  var fusedInput: FusedInput? { traits.contains(.receives) ? op as? FusedInput : nil }
}
