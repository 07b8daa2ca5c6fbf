/// Stands for a gradient that does not exist, until the program knows not to return it.
package struct AbsentGradient: SourceOp {
  package var type: TensorType

  package init(type: TensorType) { self.type = type }

  package static let mnemonics = ["absent_gradient"]
  package var mnemonic: String { "absent_gradient" }
  package var isProvisional: Bool { true }
  package var attributes: Attributes { ["dtype": .dtype(type.dtype), "shape": .shape(type.shape)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    type = TensorType(try attributes.dtype("dtype"), try attributes.shape("shape"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(0)
    return [type]
  }
}
