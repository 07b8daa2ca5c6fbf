/// The ops without operands that the graph itself relies on: where values come from.

/// A value fed at each run.
package struct Placeholder: Op {
  package var type: TensorType

  package init(type: TensorType) { self.type = type }

  package static let mnemonics = ["placeholder"]
  package var mnemonic: String { "placeholder" }
  package var attributes: Attributes { ["dtype": .dtype(type.dtype), "shape": .shape(type.shape)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    type = TensorType(try attributes.dtype("dtype"), try attributes.shape("shape"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(0)
    return [type]
  }

  package var effect: Effect { .feeds }
}

/// A value the enclosing loop gives its body.
package struct LoopInput: Op {
  package enum Kind: String, Hashable, Sendable {
    /// The position along the looped axis, `i32[]`.
    case index
    /// State handed from one iteration to the next.
    case carry
    /// One step of a looped-over operand.
    case slice
    /// A value from outside, the same in every iteration.
    case capture
  }

  package var kind: Kind
  package var position: Int
  package var type: TensorType

  package init(_ kind: Kind, _ position: Int, type: TensorType) {
    self.kind = kind
    self.position = position
    self.type = type
  }

  /// What it stands for, as a phrase: `carry 0`.
  package var slot: String { "\(kind.rawValue) \(position)" }

  package static let mnemonics = ["loop_input"]
  package var mnemonic: String { "loop_input" }
  package var attributes: Attributes {
    [
      "kind": .string(kind.rawValue), "position": .int(position), "dtype": .dtype(type.dtype),
      "shape": .shape(type.shape),
    ]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    let name = try attributes.string("kind")
    guard let kind = Kind(rawValue: name) else {
      throw FirnError(.parse, "parameter kind `\(name)` is none of index, carry, slice, capture")
    }
    self.init(
      kind, try attributes.int("position"),
      type: TensorType(try attributes.dtype("dtype"), try attributes.shape("shape")))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(0)
    return [type]
  }

  package var effect: Effect { .receives }
}

/// Data fixed when the graph is built.
package struct Constant: Op {
  package var array: NDArray

  package init(_ array: NDArray) { self.array = array }

  package static let mnemonics = ["constant"]
  package var mnemonic: String { "constant" }
  package var attributes: Attributes { ["value": .array(array)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    array = try attributes.array("value")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(0)
    return [TensorType(array.dtype, Shape(array.shape))]
  }

  package var effect: Effect { .holds(array) }
}

/// A variable's value as it was when the run began.
package struct ReadVariable: Op {
  package var variable: String
  package var type: TensorType

  package init(_ variable: Variable) { (self.variable, type) = (variable.name, variable.type) }

  /// The read of another variable of its type.
  package func of(_ variable: String) -> ReadVariable {
    var result = self
    result.variable = variable
    return result
  }

  package static let mnemonics = ["read"]
  package var mnemonic: String { "read" }
  package var attributes: Attributes {
    ["variable": .string(variable), "dtype": .dtype(type.dtype), "shape": .shape(type.shape)]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    variable = try attributes.string("variable")
    type = TensorType(try attributes.dtype("dtype"), try attributes.shape("shape"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(0)
    return [type]
  }

  package var effect: Effect { .reads(variable) }
}

/// Seed and run number as four 32-bit words: seed low and high, run low and high.
package struct RandomState: Op {
  package static let type = TensorType(.i32, [4])

  package init() {}

  package static let mnemonics = ["random_state"]
  package var mnemonic: String { "random_state" }
  package var attributes: Attributes { [:] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {}

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(0)
    return [Self.type]
  }

  package var effect: Effect { .draws }
}

/// A value that depends on frozen variables and constants only: the bound program made it when the variables were bound.
///
/// `hoist-frozen` puts it where the value was; nobody writes it. Which value it is stands in `value`, by the name that the
/// bound program has for it: `pack`, or `split:1` for a result beyond the first.
package struct BoundValue: Op {
  package var value: String
  package var type: TensorType

  package init(_ value: String, type: TensorType) { (self.value, self.type) = (value, type) }

  package static let mnemonics = ["bound"]
  package var mnemonic: String { "bound" }
  package var attributes: Attributes {
    ["value": .string(value), "dtype": .dtype(type.dtype), "shape": .shape(type.shape)]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    value = try attributes.string("value")
    type = TensorType(try attributes.dtype("dtype"), try attributes.shape("shape"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(0)
    return [type]
  }

  package var effect: Effect { .recalls(value) }
}

/// Sources have no operands: nothing flows through them, computing them costs nothing, and there is nothing to take
/// apart.
package protocol SourceOp: OpaqueOp {}

extension SourceOp {
  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .notDifferentiable }
  package func gradient(_ context: GradientContext) -> [Tensor?] { [] }
  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var aliasing: Aliasing { .none }
  package var canFail: Bool { false }
}

extension Placeholder: SourceOp {}
extension LoopInput: SourceOp {}
extension Constant: SourceOp {}
extension ReadVariable: SourceOp {}
extension RandomState: SourceOp {}
extension BoundValue: SourceOp {}
