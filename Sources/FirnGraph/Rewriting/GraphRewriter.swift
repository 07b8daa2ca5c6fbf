/// A graph being made anew from another: the one way in which graphs are rewritten.
///
/// Go through the source's nodes in order and say of each what becomes of it: `keep` it, `emit` another in its place,
/// `replace` its results by values that are there, or leave it out. What reads a node reads what stands in its place.
/// `graph` is a builder like the one users have, so that operators and gradient rules work between the nodes that are
/// kept. Names of the source's nodes stay theirs; new ones are made unique beside them.
///
/// The first nodes that are kept as they stand cost nothing: they are taken over together, once something else happens.
package struct GraphRewriter {
  package let source: GraphDef
  private let builder: Graph
  private let lead = Lead()
  private var rest: Rest?
  /// Whether anything but keeping was done.
  private var isChanged = false

  /// The first nodes of the source, where they were kept as they stand: they have the same places in the new graph.
  private final class Lead {
    var count = 0
    /// Whether the builder has them; no more are added then.
    var isTaken = false
  }

  /// What became of the source's nodes and values, once that is more than a lead.
  fileprivate struct Rest {
    let index: ValueIndex
    /// By value of the source, what stands for it; for those of the lead only where it is something else.
    private var places: [Place]
    /// By node of the source, whether a node of the new graph has its name.
    var isNamed: [Bool]
    /// By node of the source, whether it was said what becomes of it.
    var isDone: [Bool]
    /// By node of the new graph, as far as it is known, where it stood in the source; -1 where it did not.
    var origins: [Int32]

    /// A value, or none, in few bytes: there are millions.
    private struct Place {
      var node: Int32 = -1
      var result: Int32 = 0
    }

    init(_ source: GraphDef, lead: Int) {
      index = ValueIndex(source)
      places = Array(repeating: Place(), count: index.count)
      isNamed = Array(repeating: false, count: source.nodes.count)
      isDone = isNamed
      origins = (0..<Int32(lead)).map { $0 }
      origins.reserveCapacity(source.nodes.count)
    }
  }

  package init(_ source: GraphDef) {
    self.source = source
    builder = Graph(rewriting: source)
  }

  /// What has been made so far.
  package var graph: Graph {
    if !lead.isTaken {
      lead.isTaken = true
      builder.begin(with: source.nodes[..<lead.count], of: source.nodes.count)
    }
    return builder
  }

  /// The nodes made so far, to be read; perhaps more of the source's behind them.
  package var nodes: [Node] { lead.isTaken ? builder.nodes : source.nodes }

  /// The lead ends here.
  private mutating func begin() -> Graph {
    let graph = graph
    if rest == nil { rest = Rest(source, lead: lead.count) }
    return graph
  }

  // MARK: Where things are

  /// What stands for a value of the source.
  package func callAsFunction(_ value: Value) -> Value {
    if let place = rest?.place(of: value) { return place }
    guard value.node < lead.count else {
      firnBug("rewriting", "`\(source.name(of: value))` is read, but nothing stands for it")
    }
    return value
  }

  package func tensor(_ value: Value) -> Tensor { Tensor(graph, self(value)) }

  /// Whether it was said what becomes of the node at `position`.
  package func isDone(_ position: Int) -> Bool { position < lead.count || rest?.isDone[position] == true }

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
    if op == nil, position == lead.count, !lead.isTaken, rest == nil {
      lead.count += 1
      return
    }
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
    let graph = begin()
    let made = graph.adopt(node, isOwner: claimName(of: position))
    rest?.adopt(made, insteadOf: position, results: results, count: node.types.count)
  }

  /// Adds a node that does the work of the one at `position`, or part of it.
  ///
  /// The first such has its name, further ones numbered ones. Nothing reads it before `replace` says so.
  package mutating func emit(_ op: any Op, _ inputs: [Value], insteadOf position: Int) -> [Value] {
    isChanged = true
    let graph = begin()
    let model = source.nodes[position]
    return graph.emit(op, inputs, name: model.name, isOwner: claimName(of: position), like: model)
  }

  /// Adds a node of another name, in the phase and at the place of `model`.
  package mutating func emit(_ op: any Op, _ inputs: [Value], named name: String, like model: Node) -> [Value]
  {
    isChanged = true
    return begin().emit(op, inputs, name: name, like: model)
  }

  /// From here on `new`, a value of the new graph, stands for `value` of the source.
  package mutating func replace(_ value: Value, with new: Value) {
    isChanged = true
    _ = begin()
    rest?.replace(value, with: new)
  }

  /// Nothing stands for the node at `position`, and nothing may read it.
  package mutating func drop(_ position: Int) {
    isChanged = true
    _ = begin()
    rest?.isDone[position] = true
  }

  private mutating func claimName(of position: Int) -> Bool {
    guard position >= lead.count, rest?.isNamed[position] == false else { return false }
    rest?.isNamed[position] = true
    return true
  }

  // MARK: The end

  /// The graph that was made; the source itself where nothing but `keep` was said and nothing was added.
  ///
  /// - Parameter outputs: values of the new graph; what stands for the source's if nil.
  package func finish(outputs: [Value]? = nil) -> GraphDef {
    let count = lead.isTaken ? builder.nodes.count : lead.count
    if !isChanged, outputs == nil, count == source.nodes.count { return source }
    var result = graph.definition
    result.outputs = outputs ?? source.outputs.map { self($0) }
    result.origins = source.origins(through: rest?.origins ?? (0..<Int32(lead.count)).map { $0 })
    return result
  }
}

extension GraphRewriter.Rest {
  func place(of value: Value) -> Value? {
    let place = places[index[value]]
    return place.node < 0 ? nil : Value(Int(place.node), Int(place.result))
  }

  private mutating func put(_ new: Value, at place: Int) {
    places[place] = Place(node: Int32(new.node), result: Int32(new.result))
  }

  mutating func adopt(_ made: Int, insteadOf position: Int, results: [Int]?, count: Int) {
    isDone[position] = true
    while origins.count < made { origins.append(-1) }
    origins.append(Int32(position))
    if let results {
      for (place, result) in results.enumerated() {
        put(Value(made, place), at: index[Value(position, result)])
      }
    } else {
      let first = index[Value(position)]
      for result in 0..<count { put(Value(made, result), at: first + result) }
    }
  }

  mutating func replace(_ value: Value, with new: Value) {
    isDone[value.node] = true
    put(new, at: index[value])
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
    result.origins = origins(through: (0..<Int32(nodes.count)).map { $0 })
    return result
  }
}

extension Node {
  /// Its op with `change` made to the body it carries; nil for what carries none, or where nothing changes.
  package func op(changingBody change: (GraphDef) -> GraphDef) -> (any Op)? {
    guard traits.contains(.body), let carrier = op.asBodyOp else { return nil }
    let body = change(carrier.body)
    return body == carrier.body ? nil : carrier.with(body: body)
  }
}
