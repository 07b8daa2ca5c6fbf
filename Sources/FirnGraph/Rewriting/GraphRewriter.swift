/// A graph being made anew from another: the one way in which graphs are rewritten.
///
/// Go through the source's nodes in order and say of each what becomes of it: `keep` it, `emit` another in its place,
/// `replace` its results by values that are there, or leave it out. What reads a node reads what stands in its place.
/// `graph` is a builder like the one users have, so that operators and gradient rules work between the nodes that are
/// kept. Names of the source's nodes stay theirs; new ones are made unique beside them.
package struct GraphRewriter {
  package let source: GraphDef
  /// What has been made so far.
  package let graph: Graph
  private let index: ValueIndex
  /// By value of the source, what stands for it.
  private var places: [Value?]
  /// By node of the source, whether a node of the new graph has its name.
  private var isNamed: [Bool]
  /// By node of the source, whether it was said what becomes of it.
  private var isDone: [Bool]
  /// Whether anything but keeping was done.
  private var isChanged = false

  package init(_ source: GraphDef) {
    self.source = source
    graph = Graph(rewriting: source)
    index = ValueIndex(source)
    places = Array(repeating: nil, count: index.count)
    isNamed = Array(repeating: false, count: source.nodes.count)
    isDone = isNamed
  }

  // MARK: Where things are

  /// What stands for a value of the source.
  package func callAsFunction(_ value: Value) -> Value {
    guard let place = places[index[value]] else {
      firnBug("rewriting", "`\(source.name(of: value))` is read, but nothing stands for it")
    }
    return place
  }

  package func tensor(_ value: Value) -> Tensor { Tensor(graph, self(value)) }

  /// Whether it was said what becomes of the node at `position`.
  package func isDone(_ position: Int) -> Bool { isDone[position] }

  // MARK: Nodes

  /// The node at `position` as it is on what stands for its operands.
  package func kept(_ position: Int) -> Node {
    var node = source.nodes[position]
    if node.inputs.contains(where: { self($0) != $0 }) { node.inputs = node.inputs.map { self($0) } }
    return node
  }

  /// The node stays, on what stands for its operands.
  ///
  /// - Parameter op: what it does from here on, with the types it has; what it did if nil.
  package mutating func keep(_ position: Int, as op: (any Op)? = nil) {
    var node = kept(position)
    if let op {
      node.op = op
      isChanged = true
    }
    adopt(node, insteadOf: position)
  }

  /// `node`, whose inputs are values of the new graph, stands for the one at `position`, under that one's name.
  ///
  /// - Parameter results: which results its own stand for, in order; the same ones if nil.
  package mutating func place(_ node: Node, insteadOf position: Int, results: [Int]? = nil) {
    isChanged = true
    adopt(node, insteadOf: position, results: results)
  }

  private mutating func adopt(_ node: Node, insteadOf position: Int, results: [Int]? = nil) {
    isDone[position] = true
    let made = graph.adopt(node, isOwner: claimName(of: position))
    for (place, result) in (results ?? Array(node.types.indices)).enumerated() {
      places[index[Value(position, result)]] = Value(made, place)
    }
  }

  /// Adds a node that does the work of the one at `position`, or part of it.
  ///
  /// The first such has its name, further ones numbered ones. Nothing reads it before `replace` says so.
  package mutating func emit(_ op: any Op, _ inputs: [Value], insteadOf position: Int) -> [Value] {
    isChanged = true
    let model = source.nodes[position]
    return graph.emit(op, inputs, name: model.name, isOwner: claimName(of: position), like: model)
  }

  /// Adds a node of another name, in the phase and at the place of `model`.
  package mutating func emit(_ op: any Op, _ inputs: [Value], named name: String, like model: Node) -> [Value]
  {
    isChanged = true
    return graph.emit(op, inputs, name: name, like: model)
  }

  /// From here on `new`, a value of the new graph, stands for `value` of the source.
  package mutating func replace(_ value: Value, with new: Value) {
    isChanged = true
    isDone[value.node] = true
    places[index[value]] = new
  }

  /// Nothing stands for the node at `position`, and nothing may read it.
  package mutating func drop(_ position: Int) {
    isChanged = true
    isDone[position] = true
  }

  private mutating func claimName(of position: Int) -> Bool {
    defer { isNamed[position] = true }
    return !isNamed[position]
  }

  // MARK: The end

  /// The graph that was made; the source itself where nothing but `keep` was said and nothing was added.
  ///
  /// - Parameter outputs: values of the new graph; what stands for the source's if nil.
  package func finish(outputs: [Value]? = nil) -> GraphDef {
    if !isChanged, outputs == nil, graph.nodes.count == source.nodes.count { return source }
    var result = graph.definition
    result.outputs = outputs ?? source.outputs.map { self($0) }
    return result
  }
}

extension GraphDef {
  /// The graph that `visit` makes of this one, node by node; those it says nothing of are kept.
  package func rewritten<Failure>(
    _ visit: (inout GraphRewriter, Int) throws(Failure) -> Void
  ) throws(Failure) -> GraphDef {
    var rewriter = GraphRewriter(self)
    for position in nodes.indices {
      try visit(&rewriter, position)
      if !rewriter.isDone(position) { rewriter.keep(position) }
    }
    return rewriter.finish()
  }

  /// The graph with the nodes that `build` adds at its end.
  ///
  /// - Throws: what is faulty in them.
  package func extended(
    phase: Node.Phase, _ build: (Graph) throws(FirnError) -> Void
  ) throws(FirnError) -> GraphDef {
    let graph = Graph(resuming: self)
    graph.phase = phase
    try build(graph)
    try graph.validate()
    var result = graph.definition
    result.outputs = outputs
    return result
  }
}

extension Node {
  /// Its op with `change` made to the body it carries; nil for what carries none, or where nothing changes.
  package func op(changingBody change: (GraphDef) -> GraphDef) -> (any Op)? {
    guard let carrier = op.asBodyOp else { return nil }
    let body = change(carrier.body)
    return body == carrier.body ? nil : carrier.with(body: body)
  }
}
