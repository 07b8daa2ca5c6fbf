import FirnGraph
import FirnOps

/// Of which values less can be kept than they are, for the parts of a step that read them later: a bit for each element
/// where only comparisons read them, what ops say is enough of them where only these do.
///
/// - Complexity: linear in nodes and operands, once for each round in which a choice turns out to free nothing.
struct KeptBits {
  /// Truths made of what is there before, and of constants.
  struct Mask {
    /// The nodes that make them, themselves last, in graph order; what these read else is made by forward nodes.
    var cone: [Int]
    /// The extents that are packed together, the last ones.
    var inner: [Int]
  }

  /// An operand that something smaller can stand for.
  struct Residual {
    var operand: Int
    var rule: Arrangement
  }

  /// By node.
  private(set) var masks: [Int: Mask] = [:]
  private(set) var residuals: [Int: Residual] = [:]

  private let graph: GraphDef
  private let shown: ShownValues
  private let index: ValueIndex
  /// In graph order, with the buffers each reads and the bytes it would keep.
  private var choices: [(node: Int, reads: [Value], bytes: Int)] = []
  /// By node, its number among the choices.
  private var numbers: [Int: Int] = [:]
  /// By node, the choices that are made right behind it.
  private var places: [Int: [Int]] = [:]
  /// By value, whether its buffer is let go.
  private var isFreed: [Bool] = []

  /// Extents that are not known count as so many.
  private static let assumedExtent = 16
  /// Nodes that a mask may be made of: what is more is no comparison.
  private static let mostNodes = 32
  /// How many times the bytes that are kept must be let go.
  static let leastGain = 2

  init(_ graph: GraphDef) {
    self.graph = graph
    shown = ShownValues(graph)
    index = ValueIndex(graph)
    findMasks()
    findResiduals()
    if choices.isEmpty { return }
    choices.sort { $0.node < $1.node }
    choose()
    for (number, choice) in choices.enumerated() {
      numbers[choice.node] = number
      let place = masks[choice.node].map { lastRead(by: $0) } ?? operandNode(of: choice.node)
      places[place, default: []].append(choice.node)
    }
  }

  var isEmpty: Bool { choices.isEmpty }

  /// What is made right behind a node, in graph order of what reads it.
  func makes(at position: Int) -> [Int] { places[position] ?? [] }

  /// The values that are let go because of a choice.
  func freed(by node: Int) -> [Value] {
    numbers[node].map { choices[$0].reads.filter { isFreed[index[$0]] } } ?? []
  }

  private func operandNode(of node: Int) -> Int {
    residuals[node].map { graph.nodes[node].inputs[$0.operand].node } ?? node
  }

  private func isLater(_ node: Int) -> Bool { graph.nodes[node].phase != .forward }

  // MARK: What there is to choose from

  /// Nodes of later parts that are made of forward values and constants, element by element.
  private func findPure() -> [Bool] {
    var isPure = [Bool](repeating: false, count: graph.nodes.count)
    for (position, node) in graph.nodes.enumerated() where node.phase != .forward {
      if node.traits.contains(.holds) {
        isPure[position] = true
        continue
      }
      guard node.traits.isDisjoint(with: .effects.union(.unfinished)), node.resultCount == 1,
        node.inputs.allSatisfy({ isPure[$0.node] || !isLater($0.node) }), isShowing(position),
        !node.op.canFail
      else { continue }
      isPure[position] = true
    }
    return isPure
  }

  /// Whether each element is made of one element of each operand.
  private func isShowing(_ position: Int) -> Bool {
    let op = graph.nodes[position].op
    if op.isElementwise { return true }
    if case .view = op.aliasing { return true }
    if case .windows = op.fusionRole(in: graph.types(round: position)) { return true }
    return false
  }

  private mutating func findMasks() {
    let isPure = findPure()
    func isTruth(_ node: Int) -> Bool { isPure[node] && graph.nodes[node].types[0].dtype == .bool }
    // By node, whether something reads it that is no mask itself.
    var isRead = [Bool](repeating: false, count: graph.nodes.count)
    for (position, node) in graph.nodes.enumerated() where !isTruth(position) {
      for input in node.inputs { isRead[input.node] = true }
    }
    for position in graph.nodes.indices
    where isRead[position] && isTruth(position) && !graph.nodes[position].traits.contains(.holds) {
      let shape = graph.nodes[position].types[0].shape
      var inner: [Int] = []
      for extent in shape.reversed() {
        guard let number = extent.value else { break }
        inner.insert(number, at: 0)
      }
      var cone: [Int] = []
      var reads: [Value] = []
      var seen: Set<Int> = [position]
      var pending = [position]
      while let next = pending.popLast(), cone.count <= Self.mostNodes {
        cone.append(next)
        for input in graph.nodes[next].inputs {
          if isLater(input.node) {
            if seen.insert(input.node).inserted { pending.append(input.node) }
          } else if !reads.contains(shown[input]) {
            reads.append(shown[input])
          }
        }
      }
      if inner.isEmpty || reads.isEmpty || cone.count > Self.mostNodes { continue }
      masks[position] = Mask(cone: cone.sorted(), inner: inner)
      let words = PackBits(axis: shape.rank - inner.count)
      choices.append((position, reads, bytes(words, of: graph.nodes[position].types[0])))
    }
  }

  private mutating func findResiduals() {
    for (position, node) in graph.nodes.enumerated()
    where node.phase != .forward && node.traits.isDisjoint(with: .effects) {
      for (operand, input) in node.inputs.enumerated() where !isLater(input.node) {
        guard let rule = node.op.residual(of: operand, in: graph.types(round: position)) else { continue }
        residuals[position] = Residual(operand: operand, rule: rule)
        choices.append((position, [shown[input]], bytes(rule.arrange, of: graph.type(of: input))))
        break
      }
    }
  }

  private func bytes(_ op: any Op, of type: TensorType) -> Int {
    do throws(FirnError) {
      return bytes(try op.resultTypes(of: [type])[0])
    } catch {
      firnBug("keep-bits", "`\(op.mnemonic)` of \(type): \(error)")
    }
  }

  private func bytes(_ type: TensorType) -> Int {
    type.bytes(assuming: Self.assumedExtent)
  }

  // MARK: Choosing

  private mutating func choose() {
    let before = held(having: [])
    while !choices.isEmpty {
      let after = held(having: Set(choices.map(\.node)))
      var kept = [Int](repeating: 0, count: index.count)
      for choice in choices {
        for value in choice.reads { kept[index[value]] = kept[index[value]].saturatingSum(choice.bytes) }
      }
      isFreed = before.indices.map { before[$0] && !after[$0] }
      for choice in choices {
        for value in choice.reads where isFreed[index[value]] {
          let place = index[value]
          isFreed[place] =
            kept[place].saturatingProduct(Self.leastGain) <= bytes(graph.type(of: value))
        }
      }
      let left = choices.filter { choice in choice.reads.contains { isFreed[index[$0]] } }
      if left.count == choices.count { return }
      choices = left
      let nodes = Set(left.map(\.node))
      masks = masks.filter { nodes.contains($0.key) }
      residuals = residuals.filter { nodes.contains($0.key) }
    }
  }

  /// By value, whether it is a buffer that a forward node writes and a later part reads.
  private func held(having chosen: Set<Int>) -> [Bool] {
    var result = [Bool](repeating: false, count: index.count)
    var isNeeded = [Bool](repeating: false, count: graph.nodes.count)
    for output in graph.outputs { isNeeded[output.node] = true }
    for position in graph.nodes.indices.reversed() where isLater(position) {
      let node = graph.nodes[position]
      guard isNeeded[position] || node.traits.contains(.writes) else { continue }
      if chosen.contains(position), masks[position] != nil { continue }
      let isView = if case (.none, .view) = (node.op.effect, node.op.aliasing) { true } else { false }
      let spared = chosen.contains(position) ? residuals[position]?.operand : nil
      for (operand, input) in node.inputs.enumerated() where operand != spared {
        isNeeded[input.node] = true
        if !isView { result[index[shown[input]]] = true }
      }
    }
    // What is returned is there to the end, and what no node writes is there anyway.
    for output in graph.outputs { result[index[shown[output]]] = false }
    for (position, node) in graph.nodes.enumerated() {
      let isBuffer = node.phase == .forward && node.traits.isDisjoint(with: .effects)
      if isBuffer { continue }
      for number in node.types.indices { result[index[Value(position, number)]] = false }
    }
    return result
  }

  /// The last forward node that a mask is made of.
  private func lastRead(by mask: Mask) -> Int {
    mask.cone.flatMap { graph.nodes[$0].inputs.map(\.node) }.filter { !isLater($0) }.max() ?? 0
  }
}
