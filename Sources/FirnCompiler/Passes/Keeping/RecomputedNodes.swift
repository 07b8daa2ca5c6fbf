import FirnGraph

/// Which nodes of the scopes that are to be computed again have a copy, and who reads it.
///
/// - Complexity: linear in nodes, operands and depth of names.
struct RecomputedNodes {
  private let graph: GraphDef
  private let scopes: [String]
  private let index: ValueIndex
  /// By node, the scope it or, for an adjoint, what it is the adjoint of is in; -1 for none.
  private var scopeOf: [Int] = []
  /// By value, whether it is kept as it is, since something reads it that computes nothing again.
  private var isKept: [Bool]
  /// By value, whether an adjoint of its own scope, or a copy of it, reads it.
  private var isWanted: [Bool]
  /// By node, whether it has a copy.
  private var hasCopy: [Bool]
  /// By node, whether its values are what is read directly, and so would be kept.
  private var wasKept: [Bool]

  init(_ graph: GraphDef, in scopes: [String]) {
    self.graph = graph
    self.scopes = scopes
    index = ValueIndex(graph)
    isKept = Array(repeating: false, count: index.count)
    isWanted = isKept
    hasCopy = Array(repeating: false, count: graph.nodes.count)
    wasKept = hasCopy
    let numbers = Dictionary(zip(scopes, scopes.indices), uniquingKeysWith: { first, _ in first })
    scopeOf = graph.nodes.map { node in
      let path = node.forwardPath
      return ([path] + Path.ancestors(of: path)).lazy.compactMap { numbers[$0] }.first ?? -1
    }
    findReaders()
    for position in graph.nodes.indices.reversed() where isInScope(position) { decide(position) }
  }

  var isEmpty: Bool { !hasCopy.contains(true) }

  private func isLater(_ node: Int) -> Bool { graph.nodes[node].phase != .forward }
  private func isInScope(_ node: Int) -> Bool { scopeOf[node] >= 0 && !isLater(node) }

  /// Whether a reader is one of those that do with a copy.
  private func isOwn(_ reader: Int, of value: Value) -> Bool {
    graph.nodes[reader].phase == .backward && scopeOf[reader] == scopeOf[value.node]
  }

  private mutating func findReaders() {
    for output in graph.outputs { isKept[index[output]] = true }
    for position in graph.nodes.indices where isLater(position) {
      for input in graph.nodes[position].inputs where isInScope(input.node) {
        if isOwn(position, of: input) {
          isWanted[index[input]] = true
          wasKept[input.node] = true
        } else {
          isKept[index[input]] = true
        }
      }
    }
  }

  /// Readers of a node are all decided when it is.
  private mutating func decide(_ position: Int) {
    let node = graph.nodes[position]
    if case .view(let operand) = node.op.aliasing, isKept[index[Value(position)]] {
      isKept[index[node.inputs[operand]]] = true
    }
    let types = graph.types(round: position)
    let isWorking =
      node.traits.isDisjoint(with: .effects)
      && node.op.exchangedBytes(of: types.operands, results: types.results) == 0
    let wants = node.types.indices.contains { result in
      let place = index[Value(position, result)]
      return isWanted[place] && !isKept[place]
    }
    guard isWorking, wants else { return }
    hasCopy[position] = true
    for input in node.inputs where isInScope(input.node) {
      if scopeOf[input.node] == scopeOf[position] {
        isWanted[index[input]] = true
      } else {
        isKept[index[input]] = true
      }
    }
  }

  // MARK: Answers

  /// Whether a later node reads the copy in place of an operand.
  func readsCopy(operand: Int, of position: Int) -> Bool {
    guard isLater(position) else { return false }
    let input = graph.nodes[position].inputs[operand]
    return isOwn(position, of: input) && hasCopy[input.node] && !isKept[index[input]]
  }

  /// Whether the copy of `member` reads the copy of a value.
  func isCopied(_ value: Value, in member: Int) -> Bool {
    scopeOf[value.node] == scopeOf[member] && hasCopy[value.node] && !isKept[index[value]]
  }

  /// The nodes to be copied for a value, in order, but for those that are.
  func needed(for value: Value, having isDone: (Int) -> Bool) -> [Int] {
    if isDone(value.node) { return [] }
    var seen: Set<Int> = [value.node]
    var pending = [value.node]
    while let next = pending.popLast() {
      for input in graph.nodes[next].inputs
      where isCopied(input, in: next) && !isDone(input.node) && seen.insert(input.node).inserted {
        pending.append(input.node)
      }
    }
    return seen.sorted()
  }

  /// What is computed again, in graph order.
  ///
  /// - Parameter name: of a node's copy; nil where none was made.
  func copies(_ name: (Int) -> String?) -> [RecomputedCopy] {
    let shown = ShownValues(graph)
    var copies: [RecomputedCopy] = []
    var freed: Set<Value> = []
    for position in graph.nodes.indices where hasCopy[position] {
      let (node, types) = (graph.nodes[position], graph.types(round: position))
      guard let name = name(position) else { continue }
      var bytes = Quantity(0)
      for result in node.types.indices
      where wasKept[position] && isWanted[index[Value(position, result)]] {
        let source = shown[Value(position, result)]
        guard !isKept[index[source]], isInScope(source.node), hasCopy[source.node],
          freed.insert(source).inserted
        else { continue }
        bytes += Quantity(graph.type(of: source).byteCount)
      }
      copies.append(
        RecomputedCopy(
          scope: scopes[scopeOf[position]], name: name,
          flops: Quantity(node.op.flops(of: types.operands, results: types.results)), bytes: bytes))
    }
    return copies
  }
}
