import FirnGraph
import FirnOps
import Testing

extension Expression {
  /// Its value, by single kernels, where `value` gives those of the leaves.
  func evaluated(_ value: (Leaf) throws -> NDArray) throws -> NDArray {
    switch self {
    case .leaf(let leaf): try value(leaf)
    case .node(let op, let operands): try op.results(of: operands.map { try $0.evaluated(value) })[0]
    }
  }

  /// Its type, where `type` gives those of the leaves.
  func type(_ type: (Leaf) -> TensorType) throws -> TensorType {
    switch self {
    case .leaf(let leaf): type(leaf)
    case .node(let op, let operands): try op.resultTypes(of: operands.map { try $0.type(type) })[0]
    }
  }
}

extension Op {
  /// What it makes of `operands`, by its kernel, or as another view of them.
  func results(of operands: [NDArray]) throws -> [NDArray] {
    if let op = self as? any KernelOp { return try KernelRunner().run(op, operands) }
    guard case .view(let operand) = aliasing else {
      Issue.record("\(mnemonic) has neither a kernel nor a view")
      return operands
    }
    let type = try resultTypes(of: operands.map(\.tensorType))[0]
    return [try operands[operand].reshaped(to: try #require(type.shape.extents))]
  }
}
