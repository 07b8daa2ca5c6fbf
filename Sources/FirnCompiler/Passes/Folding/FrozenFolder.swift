import FirnGraph
import FirnOps

/// A graph in the making in which frozen factors, summands and products have moved into one another.
///
/// Nodes are taken in order, so what a node reads is as folded as it will be.
struct FrozenFolder {
  /// What a value is made of.
  enum Standing: Int {
    /// Something that changes, or could be changed by training.
    case moving
    /// Constants and state that stays.
    case still
    /// These, and at least one frozen variable.
    case frozen
  }

  private let source: GraphDef
  private let consumers: Consumers
  private let isOutput: [Bool]
  private let variables: [String: Standing]
  private var rewriter: GraphRewriter
  /// By node of the new graph, as far as it was asked for.
  private var standings: [Standing] = []
  /// Nodes of the new graph that nothing reads but the one node that folding looks at next.
  private var exclusive: Set<Int> = []
  private(set) var folds: [Fold] = []
  /// For nodes that do the work of another, by the names they got, the other's name.
  private(set) var names: [String: String] = [:]

  init(_ source: GraphDef, _ variables: [String: Standing]) {
    self.source = source
    self.variables = variables
    consumers = source.consumers
    rewriter = GraphRewriter(source)
    var isOutput = [Bool](repeating: false, count: source.nodes.count)
    for output in source.outputs { isOutput[output.node] = true }
    self.isOutput = isOutput
  }

  func finish() -> GraphDef { rewriter.finish() }

  mutating func visit(_ position: Int) {
    if let made = folded(position) {
      rewriter.replace(Value(position), with: made)
    } else {
      rewriter.keep(position)
    }
    let node = source.nodes[position]
    if node.resultCount == 1, !isOutput[position], consumers[position].count == 1 {
      exclusive.insert(rewriter(Value(position)).node)
    }
  }

  /// What stands for a node that takes in what it reads, or is taken in; nil where it stays.
  private mutating func folded(_ position: Int) -> Value? {
    let node = source.nodes[position]
    guard node.resultCount == 1, node.traits.isDisjoint(with: .effects), (2...3).contains(node.inputs.count),
      node.types[0].dtype.isFloatingPoint
    else { return nil }
    let inputs = node.inputs.map { rewriter($0) }
    // Of what moves altogether nothing is frozen.
    if inputs.allSatisfy({ standing($0) == .moving }) { return nil }
    if node.isSum || node.isScaling {
      guard let (value, vector) = parts(inputs) else { return nil }
      return node.isSum ? shifted(value, vector, by: node) : scaled(value, vector, by: node)
    }
    return unscaled(inputs, by: node) ?? joined(inputs, by: node)
  }

  // MARK: What is frozen

  /// What a value of the new graph is made of.
  private mutating func standing(_ value: Value) -> Standing {
    let nodes = rewriter.nodes
    while standings.count <= value.node { standings.append(standing(ofNode: nodes[standings.count])) }
    return standings[value.node]
  }

  /// What a node is made of, given what those before it are.
  private func standing(ofNode node: Node) -> Standing {
    if !node.traits.isDisjoint(with: .effects) {
      switch node.op.effect {
      case .reads(let name): return variables[name] ?? .moving
      case .none, .holds: return .still
      case .feeds, .receives, .draws, .writes, .recalls: return .moving
      }
    }
    var result = Standing.still
    for input in node.inputs {
      let read = standings[input.node]
      // Most values move, and nothing else need be known of them.
      if read == .moving { return .moving }
      if read == .frozen { result = .frozen }
    }
    if node.traits.contains(.provisional) || node.types.contains(where: { $0.byteCount.value == nil }) {
      // A value repeated over named dimensions is no value of its own, but a factor all the same.
      if case .windows = fusionRole(node) { return result }
      return .moving
    }
    return result
  }

  private func fusionRole(_ node: Node) -> FusionRole {
    node.op.fusionRole(in: NodeTypes(operands: node.inputs.map(type), results: node.types))
  }

  private func type(_ value: Value) -> TensorType { rewriter.nodes[value.node].types[value.result] }

  /// A number for each place along an axis, or one for all, that is repeated along the others.
  private struct Vector {
    /// Of rank 1, or 0.
    var values: Value
    /// Nil for one number.
    var axis: Int?
    var standing: Standing
  }

  /// Of two operands one that moves and a frozen one that is a vector.
  private mutating func parts(_ inputs: [Value]) -> (value: Value, vector: Vector)? {
    guard inputs.count == 2 else { return nil }
    for (value, other) in [(inputs[0], inputs[1]), (inputs[1], inputs[0])] where standing(value) == .moving {
      if let vector = vector(other) { return (value, vector) }
    }
    return nil
  }

  private mutating func vector(_ value: Value) -> Vector? {
    let standing = standing(value)
    if standing == .moving { return nil }
    let (node, shape) = (rewriter.nodes[value.node], type(value).shape)
    if shape.rank <= 1, shape.extents != nil {
      return Vector(values: value, axis: shape.rank == 0 ? nil : 0, standing: standing)
    }
    guard node.inputs.count == 1, case .windows(let windows) = fusionRole(node), windows.count == 1 else {
      return nil
    }
    let (window, read) = (windows[0], type(node.inputs[0]).shape)
    guard read.rank <= 1, window.showsAll(of: read, as: shape) else { return nil }
    let axis = window.axes.firstIndex { $0 != nil }
    // One number that lies in an axis of extent 1 is repeated along all of them.
    if read.rank == 1, axis == nil { return nil }
    return Vector(values: node.inputs[0], axis: axis, standing: standing)
  }

  private func canJoin(_ a: Vector, _ b: Vector) -> Bool {
    (a.standing == .frozen || b.standing == .frozen) && (a.axis == nil || b.axis == nil || a.axis == b.axis)
  }

  private func isFrozen(_ standings: Standing...) -> Bool {
    !standings.contains(.moving) && standings.contains(.frozen)
  }

  // MARK: Factors

  /// A value times a factor, which goes where the value is made; nil where it cannot.
  private mutating func scaled(_ value: Value, _ factor: Vector, by node: Node) -> Value? {
    guard value.result == 0, exclusive.contains(value.node) else { return nil }
    let made = rewriter.nodes[value.node]
    if made.isScaling {
      guard let (inner, other) = parts(made.inputs), canJoin(other, factor) else { return nil }
      let both = combined(other, factor, by: Binary(.mul), named: Path.joined(node.name, "factor"), node)
      folds.append(Fold(.scale, made.name, into: node.name))
      return applied(Binary(.mul), inner, both, insteadOf: node)
    }
    if made.isSum {
      guard let (inner, summand) = parts(made.inputs), canJoin(summand, factor),
        let product = scaled(inner, factor, by: node)
      else { return nil }
      exclusive.insert(product.node)
      let both = combined(summand, factor, by: Binary(.mul), named: Path.joined(made.name, "folded"), node)
      return applied(Binary(.add), product, both, insteadOf: made)
    }
    let types = NodeTypes(operands: made.inputs.map(type), results: made.types)
    let axes = factor.axis.map { [$0] } ?? Array(made.types[0].shape.indices.reversed())
    guard let target = axes.lazy.compactMap({ made.op.factor(along: $0, of: .result, in: types) }).first,
      isFrozen(standing(made.inputs[target.operand]), factor.standing)
    else { return nil }
    var inputs = made.inputs
    inputs[target.operand] = kernel(inputs[target.operand], target.axis, factor, of: made)
    folds.append(Fold(.scale, node.name, into: made.name))
    return emit(made.op, inputs, insteadOf: made)
  }

  /// An op on a value times a factor, which goes into another operand; nil where it cannot.
  private mutating func unscaled(_ inputs: [Value], by node: Node) -> Value? {
    for (operand, value) in inputs.enumerated() where exclusive.contains(value.node) {
      let made = rewriter.nodes[value.node]
      guard made.isScaling, let (inner, factor) = parts(made.inputs) else { continue }
      let types = NodeTypes(operands: inputs.map(type), results: node.types)
      let axes = factor.axis.map { [$0] } ?? Array(type(value).shape.indices.reversed())
      guard
        let target = axes.lazy.compactMap({ node.op.factor(along: $0, of: .operand(operand), in: types) })
          .first,
        isFrozen(standing(inputs[target.operand]), factor.standing)
      else { continue }
      var changed = inputs
      changed[operand] = inner
      changed[target.operand] = kernel(inputs[target.operand], target.axis, factor, of: node)
      folds.append(Fold(.scale, made.name, into: node.name))
      return emit(node.op, changed, insteadOf: node)
    }
    return nil
  }

  /// An operand times a factor along one of its axes.
  private mutating func kernel(_ value: Value, _ axis: Int, _ factor: Vector, of node: Node) -> Value {
    let spread = spread(factor.values, along: axis, as: type(value).shape, of: node)
    return rewriter.emit(
      Binary(.mul), [value, spread], named: Path.joined(node.name, "folded"), like: node)[0]
  }

  // MARK: Summands

  /// A value plus a summand, which is added to the summand that the value has already; nil where it has none.
  private mutating func shifted(_ value: Value, _ summand: Vector, by node: Node) -> Value? {
    guard value.result == 0, exclusive.contains(value.node) else { return nil }
    let made = rewriter.nodes[value.node]
    guard made.isSum, let (inner, other) = parts(made.inputs), canJoin(other, summand) else { return nil }
    let both = combined(other, summand, by: Binary(.add), named: Path.joined(node.name, "folded"), node)
    folds.append(Fold(.shift, made.name, into: node.name))
    return applied(Binary(.add), inner, both, insteadOf: node)
  }

  // MARK: Products

  /// A product with a frozen matrix of a product with another, perhaps with a summand between; nil where it is none, or
  /// one product would be more work than two.
  private mutating func joined(_ inputs: [Value], by node: Node) -> Value? {
    guard let outer = node.product, inputs.count == 2, !outer.transposeA,
      exclusive.contains(inputs[0].node)
    else { return nil }
    var made = rewriter.nodes[inputs[0].node]
    var summand: Vector?
    if made.isSum {
      guard let (inner, vector) = parts(made.inputs), vector.axis != 0, exclusive.contains(inner.node) else {
        return nil
      }
      (summand, made) = (vector, rewriter.nodes[inner.node])
    }
    guard let inner = made.product, made.inputs.count == 2,
      isFrozen(standing(made.inputs[1]), standing(inputs[1])), standing(made.inputs[0]) == .moving
    else { return nil }
    let (first, second) = (type(made.inputs[1]).shape, type(inputs[1]).shape)
    let k = first[inner.transposeB ? 1 : 0].value
    let n = first[inner.transposeB ? 0 : 1].value
    let p = second[outer.transposeB ? 0 : 1].value
    guard let k, let n, let p,
      k.saturatingProduct(n).saturatingSum(n.saturatingProduct(p)) > k.saturatingProduct(p)
    else { return nil }
    let both = rewriter.emit(
      MatMul(transposeA: inner.transposeB, transposeB: outer.transposeB), [made.inputs[1], inputs[1]],
      named: Path.joined(node.name, "folded"), like: node)[0]
    folds.append(Fold(.product, made.name, into: node.name))
    let product = emit(MatMul(transposeA: inner.transposeA), [made.inputs[0], both], insteadOf: node)
    guard let summand else { return product }
    let row =
      summand.axis == nil
      ? rewriter.emit(
        Broadcast([1, Dim(n)]), [summand.values], named: Path.joined(node.name, "shift"), like: node)[0]
      : reshaped(summand.values, [1, Dim(n)], node)
    let shift = rewriter.emit(
      MatMul(transposeB: outer.transposeB), [row, inputs[1]], named: Path.joined(node.name, "shift"),
      like: node)[0]
    exclusive.insert(product.node)
    return applied(
      Binary(.add), product, Vector(values: reshaped(shift, [Dim(p)], node), axis: 1, standing: .frozen),
      insteadOf: made)
  }

  // MARK: Nodes

  /// A node that does another's work under its name.
  private mutating func emit(_ op: any Op, _ inputs: [Value], insteadOf node: Node) -> Value {
    let made = rewriter.emit(op, inputs, named: node.name, like: node)[0]
    let name = rewriter.nodes[made.node].name
    let wanted = names[node.name] ?? node.name
    if name != wanted { names[name] = wanted }
    return made
  }

  /// A value with a vector repeated over it.
  private mutating func applied(
    _ op: any Op, _ value: Value, _ vector: Vector, insteadOf node: Node
  ) -> Value {
    let shape = type(value).shape
    let other = spread(vector.values, along: vector.axis ?? 0, as: shape, of: node)
    return emit(op, [value, other], insteadOf: node)
  }

  /// Two vectors as one.
  private mutating func combined(
    _ a: Vector, _ b: Vector, by op: any Op, named name: String, _ node: Node
  ) -> Vector {
    let axis = a.axis ?? b.axis
    let rank = max(type(a.values).shape.rank, type(b.values).shape.rank)
    let shape = type(type(a.values).shape.rank == rank ? a.values : b.values).shape
    let operands = [a, b].map { vector in
      type(vector.values).shape == shape
        ? vector.values
        : rewriter.emit(Broadcast(shape), [vector.values], named: Path.joined(name, "one"), like: node)[0]
    }
    return Vector(
      values: rewriter.emit(op, operands, named: name, like: node)[0], axis: axis, standing: .frozen)
  }

  /// Numbers along one axis, repeated along the others of a shape.
  private mutating func spread(_ values: Value, along axis: Int, as shape: Shape, of node: Node) -> Value {
    if type(values).shape == shape { return values }
    let behind = shape.rank - 1 - axis
    var aligned = values
    if type(values).shape.rank == 1, behind > 0 {
      aligned = reshaped(
        values, Shape(Array(type(values).shape) + [Dim](repeating: 1, count: behind)), node)
    }
    return rewriter.emit(
      Broadcast(shape), [aligned], named: Path.joined(node.name, "factor"), like: node)[0]
  }

  private mutating func reshaped(_ value: Value, _ shape: Shape, _ node: Node) -> Value {
    rewriter.emit(Reshape(shape), [value], named: Path.joined(node.name, "axis"), like: node)[0]
  }
}
