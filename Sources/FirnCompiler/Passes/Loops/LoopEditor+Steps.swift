import FirnGraph
import FirnOps

/// An operand of a node that is computed for all steps at once.
enum OperandOverSteps {
  /// The same at every step.
  case same(Value)
  /// One a step, along a leading axis.
  case stacked(Value)
}

extension LoopEditor {
  /// Whether `addOverSteps` knows the node at `position`, given which operands do not vary.
  func isKnownOverSteps(_ position: Int, isSame: [Bool]) -> Bool {
    let node = body.nodes[position]
    guard node.types.count == 1, isSame.contains(false) else { return false }
    switch node.op {
    case let op as MatMul:
      return node.types[0].shape.rank == 2 && !op.transposeA && isSame == [false, true]
    case is Unary, is Binary, is Compare, is Logical, is Select, is Cast, is PassThrough:
      return node.inputs.allSatisfy { body.type(of: $0).shape == node.types[0].shape }
    case is Reshape, is Broadcast, is Transpose, is Reduce, is Softmax: return true
    default: return false
    }
  }

  /// Adds what the node at `position` computes over all steps, `[length, …]`.
  ///
  /// A product folds the steps into its rows: the same sums, in one GEMM.
  mutating func addOverSteps(_ position: Int, _ operands: [OperandOverSteps]) -> Value {
    let node = body.nodes[position]
    let shape = node.types[0].shape
    func stacked(_ shape: Shape) -> Shape { Shape([scan.length] + shape.dimensions) }
    switch node.op {
    case is MatMul:
      guard case .stacked(let left) = operands[0], case .same(let right) = operands[1] else { break }
      let rows = fold(left, like: node)
      return unfold(add(node.op, [rows, right], like: node)[0], to: stacked(shape), like: node)
    case is Broadcast:
      guard case .stacked(let x) = operands[0] else { break }
      let from = body.type(of: node.inputs[0]).shape.dimensions
      let ones = [Dim](repeating: 1, count: shape.rank - from.count)
      let aligned = unfold(x, to: stacked(Shape(ones + from)), like: node)
      return add(Broadcast(stacked(shape)), [aligned], like: node)[0]
    case is Reshape:
      guard case .stacked(let x) = operands[0] else { break }
      return unfold(x, to: stacked(shape), like: node)
    case let op as Transpose:
      guard case .stacked(let x) = operands[0] else { break }
      return add(Transpose([0] + op.permutation.map { $0 + 1 }), [x], like: node)[0]
    case let op as Reduce:
      guard case .stacked(let x) = operands[0] else { break }
      let over = Reduce(op.function, axes: op.axes.map { $0 + 1 }, keepsAxes: op.keepsAxes)
      return add(over, [x], like: node)[0]
    default:
      let inputs = operands.map { operand in
        switch operand {
        case .stacked(let value): value
        case .same(let value): addBeside(Broadcast(stacked(shape)), value, node)
        }
      }
      return add(node.op, inputs, like: node)[0]
    }
    firnBug("loop passes", "`\(node.name)` is not known over steps")
  }

  /// The leading two axes as one.
  mutating func fold(_ value: Value, like node: Node) -> Value {
    let shape = around.type(of: value).shape
    return unfold(value, to: Shape([shape[0] * shape[1]] + shape.dropFirst(2)), like: node)
  }

  private mutating func unfold(_ value: Value, to shape: Shape, like node: Node) -> Value {
    if around.type(of: value).shape == shape { return value }
    return addBeside(Reshape(shape), value, node)
  }

  /// Adds an op of one operand that `node` needs, under its own name where `node` is.
  private mutating func addBeside(_ op: any Op, _ value: Value, _ node: Node) -> Value {
    var model = node
    model.name = Path.joined(Path.parent(of: node.name), op.mnemonic)
    return add(op, [value], like: model)[0]
  }
}
