import FirnGraph
import FirnOps

/// Which values that are kept for the backward program it can make anew of others that are at hand, at no cost.
///
/// - Complexity: linear in nodes and operands.
struct RemadeValues {
  /// By node whose value is not kept, the nodes that make it of what is at hand: itself last, in graph order.
  private(set) var cones: [Int: [Int]] = [:]

  private let graph: GraphDef
  private let shown: ShownValues
  private let index: ValueIndex
  /// By value, whether a later part reads its buffer.
  private var isHeld: [Bool]
  /// By value, whether something reads it for which a copy would have to be written out.
  private var isBarred: [Bool]

  /// Extents that are not known count as so many.
  private static let assumedExtent = 16
  /// Instructions that are made again for one value: of more, reading it would be the less work.
  private static let mostInstructions = 4
  /// How many times the bytes that are newly kept must be let go.
  private static let leastGain = 2

  init(_ graph: GraphDef) {
    self.graph = graph
    shown = ShownValues(graph)
    index = ValueIndex(graph)
    isHeld = Array(repeating: false, count: index.count)
    isBarred = isHeld
    findReaders()
    // What a value is made of stands before it, and is decided by then.
    for position in graph.nodes.indices where isCandidate(position) { decide(position) }
  }

  /// What is let go, in graph order.
  var values: [KeptValue] {
    cones.keys.sorted().map { position in
      KeptValue(
        name: graph.nodes[position].name, bytes: Quantity(graph.nodes[position].types[0].byteCount))
    }
  }

  private func bytes(_ value: Value) -> Int {
    graph.type(of: value).bytes(assuming: Self.assumedExtent)
  }

  private func isView(_ node: Node) -> Bool {
    if case (.none, .view) = (node.op.effect, node.op.aliasing) { true } else { false }
  }

  private mutating func findReaders() {
    // What is returned is there to the end.
    for output in graph.outputs { isBarred[index[shown[output]]] = true }
    for (position, node) in graph.nodes.enumerated() where node.phase != .forward && !isView(node) {
      let isProgram = node.phase == .backward && FusionGroups.canBeInstruction(position, in: graph)
      for input in node.inputs {
        let source = shown[input]
        guard graph.nodes[source.node].phase == .forward else { continue }
        isHeld[index[source]] = true
        if source != input || !isProgram { isBarred[index[source]] = true }
      }
    }
  }

  /// Whether making it again is work that a program of what reads it does on the way.
  private func isQuick(_ position: Int) -> Bool {
    graph.nodes[position].op.isQuick && FusionGroups.canBeInstruction(position, in: graph)
  }

  private func isCandidate(_ position: Int) -> Bool {
    let node = graph.nodes[position]
    guard node.phase == .forward, node.traits.contains(.instruction), node.resultCount == 1 else {
      return false
    }
    let place = index[Value(position)]
    return isHeld[place] && !isBarred[place] && isQuick(position)
  }

  /// Whether the bytes of a value are there when later parts run, whatever is decided here.
  private func isAtHand(_ source: Value) -> Bool {
    let node = graph.nodes[source.node]
    if node.traits.isDisjoint(with: .effects) { return isHeld[index[source]] }
    return node.traits.isDisjoint(with: [.writes, .receives])
  }

  private mutating func decide(_ position: Int) {
    let own = bytes(Value(position))
    var (cone, seen) = ([position], Set([position]))
    var leaves: [Value] = []
    var pending = graph.nodes[position].inputs
    var (fresh, instructions) = (0, 1)
    // Where it reads more that is large than the value itself, reading that is less work.
    var large: Value?
    while let value = pending.popLast() {
      let source = shown[value]
      let size = bytes(source)
      let isSmall = size.saturatingProduct(Self.leastGain) <= own
      if isAtHand(source) {
        if isSmall || large == source { continue }
        guard large == nil, size <= own else { return }
        large = source
      } else if isSmall, graph.nodes[source.node].phase == .forward {
        if leaves.contains(source) { continue }
        leaves.append(source)
        fresh = fresh.saturatingSum(size)
      } else {
        guard seen.insert(value.node).inserted else { continue }
        let node = graph.nodes[value.node]
        guard node.phase == .forward, node.resultCount == 1 else { return }
        if !isShowing(value.node) {
          instructions += 1
          guard isQuick(value.node), instructions <= Self.mostInstructions else { return }
        }
        cone.append(value.node)
        pending += node.inputs
      }
    }
    guard fresh.saturatingProduct(Self.leastGain) <= own else { return }
    cones[position] = cone.sorted()
    isHeld[index[Value(position)]] = false
    for leaf in leaves {
      isHeld[index[leaf]] = true
      // Now it is kept after all.
      cones[leaf.node] = nil
    }
  }

  /// Whether programs see through a node to what it reads.
  private func isShowing(_ position: Int) -> Bool {
    let node = graph.nodes[position]
    if isView(node) { return true }
    guard node.traits.isDisjoint(with: .effects), !node.op.canFail,
      case .windows(let windows) = node.op.fusionRole(in: graph.types(round: position)),
      let source = node.inputs.first
    else { return false }
    return windows[0].showsAll(of: graph.type(of: source).shape, as: node.types[0].shape)
  }
}
