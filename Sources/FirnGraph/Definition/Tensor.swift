/// A value that will exist when the graph is run: a handle to one result of one node.
///
/// It holds no numbers: those are fed and fetched as an ``NDArray``. Operators and layers make tensors of tensors.
public struct Tensor {
  package let graph: Graph
  package let value: Value

  package init(_ graph: Graph, _ value: Value) {
    self.graph = graph
    self.value = value
  }

  /// Stands for the result of a faulty expression; whatever is made from it is faulty too, silently, since the
  /// fault itself is already on record.
  package var isPoisoned: Bool { value.node < 0 }

  package static func poisoned(in graph: Graph) -> Tensor { Tensor(graph, Value(-1)) }

  package var node: Node? { isPoisoned ? nil : graph.nodes[value.node] }

  /// Element type and shape; a scalar `f32` for the result of a faulty expression.
  public var type: TensorType {
    isPoisoned ? TensorType(.f32, .scalar) : graph.nodes[value.node].types[value.result]
  }
  /// The extents of its axes, outermost first; some may be named dimensions.
  public var shape: Shape { type.shape }
  /// The type of its elements.
  public var dtype: DType { type.dtype }
  /// The number of axes; 0 for a scalar.
  public var rank: Int { shape.rank }

  /// The path of its node; `:1` and so on for further results.
  public var name: String {
    guard let node else { return "<faulty>" }
    return value.result == 0 ? node.name : "\(node.name):\(value.result)"
  }

  /// The variable this reads, if that is what it is.
  public var variable: Variable? {
    guard let read = node?.op as? ReadVariable else { return nil }
    return graph.root.variable(named: read.variable)
  }

  /// The extent of `axis`, counted from the end where negative; 0 where there is no such axis.
  public func extent(_ axis: Int) -> Dim {
    let axis = axis < 0 ? axis + rank : axis
    return shape.indices.contains(axis) ? shape[axis] : 0
  }

  package func operand(_ label: String) -> FirnError.Operand {
    FirnError.Operand(label: label, name: name, type: isPoisoned ? nil : type, location: node?.location)
  }
}

extension Tensor: Hashable {
  /// Whether both are the same result of the same node of one graph; nothing is said of values.
  public static func == (a: Tensor, b: Tensor) -> Bool { a.graph === b.graph && a.value == b.value }

  /// Of graph and node.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(graph))
    hasher.combine(value)
  }
}

extension Tensor: CustomStringConvertible {
  /// Name and type, as graph text has them: `encoder/matmul : f32[batch,8]`.
  public var description: String { "\(name) : \(type)" }
}

/// A way to name a tensor of a graph: its handle, or its path (`encoder/matmul`, `split:1`).
public protocol TensorReference {
  /// The path of the node, with `:1` and so on for further results.
  var tensorName: String { get }
}

extension Tensor: TensorReference {
  /// Its ``name``.
  public var tensorName: String { name }
}

extension String: TensorReference {
  /// The text itself.
  public var tensorName: String { self }
}

extension Variable: TensorReference {
  /// Its ``name``, which the node that reads it has as well.
  public var tensorName: String { name }
}
