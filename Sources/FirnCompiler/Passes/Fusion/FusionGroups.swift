import FirnGraph
import FirnOps

/// Which nodes of a graph become one fused program each: elementwise ones, and concatenations of what these make.
///
/// Nodes are given levels: one above every candidate that is read but is not of the same program. So a path that leaves
/// a program comes to a higher level and never back, and programs make no circle, whatever else is true of them. A node
/// joins the programs of its level that it reads, and makes one of them; one that reads none of them joins the program
/// that last read an operand of its own.
///
/// Broadcasts, slices and splits are seen through: what reads one reads what it shows.
///
/// - Complexity: linear in nodes and operands.
struct FusionGroups {
  let graph: GraphDef
  /// By node a number: nodes of different ones share no program; empty where all may.
  private let apart: [Int32]
  let index: ValueIndex
  // What is asked of nodes and values over and over, by number: a graph has hundreds of thousands of them, and reaching
  // for their ops, types and operands takes longer than all that is done here.
  private var kinds: [Kind]
  /// By value, the number of its shape.
  private var shapes: [Int32] = []
  /// By value, the node that makes it.
  private(set) var owners: [Int32] = []
  /// Values that nodes read, one node after the other.
  private(set) var inputs: [Int32] = []
  /// By node, where in `inputs` its own begin; one more for the end.
  private(set) var starts: [Int] = []
  private(set) var tilings = Tilings()
  /// By node, how many large values were made before by what is no candidate.
  private var heavyBefore: [Int32] = []
  private var levels: [Int]
  /// By place in `inputs`, the tiles that node and operand both go through where they are of one program; `none` where
  /// they cannot be.
  private var tilesOf: [Int32]
  /// By value, the last node that reads it; past the end for outputs, -1 where none does.
  private var lastReaders: [Int]
  /// By value, what is seen in its place; itself where nothing is seen through.
  private(set) var shown: [Int32] = []
  /// By value, the window it is seen through; `none` where nothing is.
  private(set) var windowOf: [Int32] = []
  private var windows: [Window] = []
  /// By node, whether all its results are seen through.
  private var isShowing: [Bool] = []
  /// By node, whether its program can begin with a convolution or a product, whose elements it goes on with.
  private var isFinishing: [Bool] = []
  /// By node, its group; one that became part of another leads to that one.
  private var numbers: [Int32]
  private(set) var groups: [Group] = []
  /// By value, the group that read it last.
  private var readingGroups: [Int32]
  /// By node, whether anything but programs, which see through it, reads it.
  private(set) var needed: [Bool] = []
  /// By value, whether anything but its own program reads it.
  private(set) var isResult: [Bool] = []
  /// By value, its place in the body of the program that is being made.
  let places: Places

  static let none: Int32 = -1

  /// What a node can be in a program.
  private enum Kind: UInt8 {
    case none, instruction, joined
  }

  struct Group {
    /// Itself, or the one it became part of.
    var successor: Int
    var tiling: Int32
    var members: [Int] = []
    /// Values made elsewhere that it reads, each once.
    var operands: [Int32] = []
    /// Of these, how many are large and nothing reads later.
    var dying = 0
    /// Members that something still to come reads.
    var live = 0
  }

  /// Members and operands of a program that still keep its registers in cache, and compiling quick.
  private static let mostMembers = 96
  private static let mostOperands = 48

  /// - Parameter apart: by node a number; nodes of different ones share no program. Empty where all may.
  init(_ graph: GraphDef, apart: [Int32] = []) {
    self.graph = graph
    self.apart = apart
    index = ValueIndex(graph)
    let nodes = graph.nodes
    kinds = []
    kinds.reserveCapacity(nodes.count)
    starts.reserveCapacity(nodes.count + 1)
    shapes.reserveCapacity(index.count)
    owners.reserveCapacity(index.count)
    levels = Array(repeating: 0, count: nodes.count)
    numbers = Array(repeating: Self.none, count: nodes.count)
    lastReaders = Array(repeating: -1, count: index.count)
    readingGroups = Array(repeating: Self.none, count: index.count)
    places = Places(index.count)
    tilesOf = []
    var shownBy: [[Window]?] = []
    shownBy.reserveCapacity(nodes.count)
    for position in nodes.indices {
      let (kind, windows) = Self.role(position, in: graph)
      kinds.append(kind)
      shownBy.append(windows)
      for type in nodes[position].types {
        shapes.append(tilings.number(of: type.shape))
        owners.append(Int32(position))
      }
      starts.append(inputs.count)
      for input in nodes[position].inputs {
        let value = index[input]
        inputs.append(Int32(value))
        lastReaders[value] = position
      }
    }
    starts.append(inputs.count)
    for output in graph.outputs { lastReaders[index[output]] = nodes.count }
    see(through: shownBy)
    findFinishing()
    findHeavy()
    tilesOf = Array(repeating: Self.none, count: inputs.count)
    for position in nodes.indices where kinds[position] != .none {
      for place in starts[position]..<starts[position + 1] {
        tilesOf[place] = tiling(of: position, withOperandAt: place)
      }
    }
    let wanted = wantedLevels()
    for position in nodes.indices { assign(position, notBelow: wanted[position]) }
    findReaders()
  }

  // MARK: Nodes

  /// Whether the node at `position` of a graph is elementwise work that a program can do.
  static func canBeInstruction(_ position: Int, in graph: GraphDef) -> Bool {
    role(position, in: graph).kind == .instruction
  }

  /// What a node can be, and through which windows it shows its operand.
  private static func role(_ position: Int, in graph: GraphDef) -> (kind: Kind, windows: [Window]?) {
    let node = graph.nodes[position]
    if node.inputs.isEmpty || !node.traits.isDisjoint(with: .effects) { return (.none, nil) }
    let isSmall = node.resultCount == 1 && node.types[0].shape.rank <= 8
    switch node.traits.contains(.instruction)
      ? .instruction : node.op.fusionRole(in: graph.types(round: position))
    {
    case .none: return (.none, nil)
    case .windows(let windows): return (.none, windows)
    case .instruction: return (isSmall && !node.op.canFail ? .instruction : .none, nil)
    case .joined:
      let isCandidate = isSmall && node.inputs.count <= mostOperands && !node.op.canFail
      return (isCandidate ? .joined : .none, nil)
    }
  }

  /// Finds out what is seen in the place of each value.
  private mutating func see(through shownBy: [[Window]?]) {
    shown.reserveCapacity(index.count)
    windowOf.reserveCapacity(index.count)
    isShowing.reserveCapacity(kinds.count)
    for position in kinds.indices {
      let results = shown.count..<shown.count + Int(graph.nodes[position].resultCount)
      var shows = !results.isEmpty
      for value in results {
        let (source, window) = seen(value, through: shownBy[position]?[value - results.lowerBound])
        shown.append(source)
        windowOf.append(window)
        if window == Self.none { shows = false }
      }
      isShowing.append(shows)
    }
  }

  /// What a program reads where a node reads a value, and through which window.
  private mutating func seen(_ value: Int, through window: Window?) -> (value: Int32, window: Int32) {
    let node = Int(owners[value])
    guard let window, starts[node + 1] - starts[node] == 1 else { return (Int32(value), Self.none) }
    let input = Int(inputs[starts[node]])
    let source = Int(owners[input])
    // A part is seen through only where the whole is not kept for it alone.
    guard
      window.showsAll(of: tilings.shape(shapes[input]), as: tilings.shape(shapes[value]))
        || graph.nodes[node].resultCount > 1
        || kinds[source] != .none || starts[source] == starts[source + 1]
        || lastReaders[input] >= lastReaders[value]
    else { return (Int32(value), Self.none) }
    let inner = windowOf[input]
    windows.append(inner == Self.none ? window : window.onto(windows[Int(inner)]))
    return (shown[input], Int32(windows.count - 1))
  }

  /// Finds out which nodes go on with what a program can begin with: of its shape, and reading it alone.
  private mutating func findFinishing() {
    isFinishing = Array(repeating: false, count: kinds.count)
    guard graph.nodes.contains(where: { $0.traits.contains(.start) }) else { return }
    var readers = [Int32](repeating: 0, count: index.count)
    for input in inputs { readers[Int(input)] += 1 }
    for output in graph.outputs { readers[index[output]] += 1 }
    for position in kinds.indices where kinds[position] == .instruction {
      let made = index[Value(position)]
      isFinishing[position] = (starts[position]..<starts[position + 1]).contains { place in
        let (value, node) = (Int(inputs[place]), Int(owners[Int(inputs[place])]))
        return readers[value] == 1 && shapes[value] == shapes[made]
          && graph.nodes[node].phase == graph.nodes[position].phase
          && (isFinishing[node] || graph.nodes[node].traits.contains(.start))
      }
    }
  }

  private mutating func findHeavy() {
    heavyBefore.reserveCapacity(kinds.count)
    var heavy: Int32 = 0
    for position in kinds.indices {
      // What is seen through is as alive as what shows it.
      for place in starts[position]..<starts[position + 1] {
        let source = Int(shown[Int(inputs[place])])
        if lastReaders[source] < position { lastReaders[source] = position }
      }
      heavyBefore.append(heavy)
      if isHeavy(position) { heavy += 1 }
    }
  }

  private func isHeavy(_ position: Int) -> Bool {
    if kinds[position] != .none || starts[position] == starts[position + 1] || isShowing[position] {
      return false
    }
    if case .view = graph.nodes[position].op.aliasing { return false }
    // The product of extents is 1 where all are, named ones too.
    return graph.nodes[position].types.contains { !$0.shape.allSatisfy { $0 == 1 } }
  }

  /// The node that makes what is seen where the operand at this place is read.
  func seenNode(at place: Int) -> Int { Int(owners[Int(shown[Int(inputs[place])])]) }

  private func rank(_ value: Int) -> Int { tilings.rank(shapes[value]) }

  // MARK: Groups

  func root(_ position: Int) -> Int? {
    var number = Int(numbers[position])
    if number < 0 { return nil }
    while groups[number].successor != number { number = groups[number].successor }
    return number
  }

  /// The tiles that a node and what it reads, which is to be of the same program, go through together; `none` where they
  /// cannot.
  private mutating func tiling(of position: Int, withOperandAt place: Int) -> Int32 {
    let input = Int(inputs[place])
    let source = Int(shown[input])
    guard kinds[Int(owners[source])] != .none,
      graph.nodes[Int(owners[source])].phase == graph.nodes[position].phase,
      mayShare(Int(owners[source]), position)
    else { return Self.none }
    // What reads parts of it would have all that is done to it made part by part, far from where it is made.
    if isFinishing[Int(owners[source])], shapes[source] != shapes[input] { return Self.none }
    let whole = tilings.whole(shapes[index[Value(position)]])
    let both = tilings.and(tilings.whole(shapes[source]), whole)
    if windowOf[input] == Self.none { return both }
    let window = windows[Int(windowOf[input])]
    let rank = rank(index[Value(position)])
    let cut = window.starts.indices.filter { window.starts[$0] != 0 }
    guard window.axes.count == rank, window.axes.indices.allSatisfy({ window.axes[$0] == $0 }),
      window.starts.count == rank, cut.count <= 1, window.steps.allSatisfy({ $0 == 1 })
    else { return Self.none }
    return cut.first.map { tilings.beginning(both, at: window.starts[$0], along: $0) } ?? both
  }

  private func mayShare(_ a: Int, _ b: Int) -> Bool { apart.isEmpty || apart[a] == apart[b] }

  /// How many levels are between what makes an operand and what reads it.
  private func step(from operand: Int, to reader: Int, at place: Int) -> Int {
    kinds[operand] == .none || kinds[reader] != .none && tilesOf[place] != Self.none ? 0 : 1
  }

  /// For each candidate the level it would best have: the least, or that of what reads it, where nothing reads it before
  /// and nothing heavy is made meanwhile.
  private func wantedLevels() -> [Int] {
    var least = [Int](repeating: 0, count: kinds.count)
    for position in kinds.indices {
      var level = 0
      for place in starts[position]..<starts[position + 1] {
        let operand = kinds[position] == .none ? Int(owners[Int(inputs[place])]) : seenNode(at: place)
        level = max(level, least[operand] + step(from: operand, to: position, at: place))
      }
      least[position] = level
    }
    var wanted = least
    var greatest = [Int](repeating: .max, count: kinds.count)
    // The level of the programs that a node could be part of, and the last node of those that reads it.
    var readers = [(level: Int, last: Int)](repeating: (.max, 0), count: kinds.count)
    for position in kinds.indices.reversed() {
      if kinds[position] == .none {
        wanted[position] = greatest[position]
      } else if greatest[position] > least[position], greatest[position] != .max,
        readers[position].level == greatest[position],
        heavyBefore[readers[position].last] == heavyBefore[position]
      {
        wanted[position] = greatest[position]
      }
      // What is seen through is read by those who look.
      if kinds[position] == .none, isShowing[position] { continue }
      for place in starts[position]..<starts[position + 1] {
        let operand = seenNode(at: place)
        let step = step(from: operand, to: position, at: place)
        greatest[operand] = min(greatest[operand], wanted[position] == .max ? .max : wanted[position] - step)
        guard kinds[position] != .none, step == 0, wanted[position] <= readers[operand].level else {
          continue
        }
        let isSame = wanted[position] == readers[operand].level
        readers[operand] = (wanted[position], isSame ? max(readers[operand].last, position) : position)
      }
    }
    return wanted
  }

  private mutating func assign(_ position: Int, notBelow wanted: Int) {
    let kind = kinds[position]
    if kind == .none {
      levels[position] = levelOfItself(position)
      return
    }
    let operands = starts[position]..<starts[position + 1]
    var level = wanted
    for place in operands {
      let node = seenNode(at: place)
      let isApart = numbers[node] != Self.none && tilesOf[place] == Self.none
      level = max(level, levels[node] + (isApart ? 1 : 0))
    }
    var joined: [Int] = []
    var common = own(position)
    for place in operands where tilesOf[place] != Self.none {
      let node = seenNode(at: place)
      guard let group = root(node), levels[node] == level else { continue }
      common = tilings.and(common, tilesOf[place])
      if !joined.contains(group) {
        joined.append(group)
        common = tilings.and(common, groups[group].tiling)
      }
    }
    // Of what is put together, nothing would be made here.
    if joined.isEmpty, kind == .joined { common = Self.none }
    if common != Self.none, isJoinable(joined, by: position) {
      levels[position] = level
      if joined.isEmpty, let (other, both) = sibling(of: position, level, common) {
        add(position, to: [other], both)
      } else {
        add(position, to: joined, common)
      }
    } else if kind == .joined {
      kinds[position] = .none
      levels[position] = levelOfItself(position)
    } else {
      levels[position] = level + 1
      add(position, to: [], tilings.whole(shapes[index[Value(position)]]))
    }
  }

  /// The level of a node that is of no program.
  private func levelOfItself(_ position: Int) -> Int {
    var level = 0
    for place in starts[position]..<starts[position + 1] {
      let node = Int(owners[Int(inputs[place])])
      level = max(level, levels[node] + (numbers[node] != Self.none ? 1 : 0))
    }
    return level
  }

  /// What a node goes through by itself.
  private mutating func own(_ position: Int) -> Int32 {
    var tiling = tilings.whole(shapes[index[Value(position)]])
    if kinds[position] != .joined { return tiling }
    for place in starts[position]..<starts[position + 1] {
      tiling = tilings.and(tiling, tilings.whole(shapes[Int(inputs[place])]))
    }
    return tiling
  }

  /// A group of the same level that reads something large that the node reads, too.
  private mutating func sibling(of position: Int, _ level: Int, _ tiling: Int32) -> (Int, Int32)? {
    let rank = rank(index[Value(position)])
    if rank == 0 { return nil }
    for place in starts[position]..<starts[position + 1] {
      let value = Int(shown[Int(inputs[place])])
      var number = Int(readingGroups[value])
      guard number >= 0, self.rank(value) == rank else { continue }
      while groups[number].successor != number { number = groups[number].successor }
      let first = groups[number].members[0]
      guard levels[first] == level, graph.nodes[first].phase == graph.nodes[position].phase,
        mayShare(first, position)
      else { continue }
      let both = tilings.and(groups[number].tiling, tiling)
      if both != Self.none, isJoinable([number], by: position) { return (number, both) }
    }
    return nil
  }

  /// Whether groups may wait for a node: not too large, and keeping no more alive behind what is heavy than they save.
  private func isJoinable(_ joined: [Int], by position: Int) -> Bool {
    var (members, operands) = (1, starts[position + 1] - starts[position])
    for number in joined {
      members += groups[number].members.count
      operands += groups[number].operands.count
    }
    guard members <= Self.mostMembers, operands <= Self.mostOperands else { return false }
    return joined.allSatisfy { number in
      guard let last = groups[number].members.last else { return true }
      return heavyBefore[last] == heavyBefore[position] || groups[number].dying <= groups[number].live
    }
  }

  private mutating func add(_ position: Int, to joined: [Int], _ tiling: Int32) {
    let number: Int
    if let first = joined.first {
      number = first
      groups[number].tiling = tiling
    } else {
      number = groups.count
      groups.append(Group(successor: number, tiling: tiling))
    }
    for other in joined.dropFirst() {
      let group = groups[other]
      groups[other].successor = number
      groups[number].members = (groups[number].members + group.members).sorted()
      groups[number].live += group.live
      groups[number].dying += group.dying
      for operand in group.operands { read(operand, by: number) }
    }
    numbers[position] = Int32(number)
    groups[number].members.append(position)
    let made = index[Value(position)]
    let rank = rank(made)
    if lastReaders[made] > position { groups[number].live += 1 }
    let operands = starts[position]..<starts[position + 1]
    for place in operands {
      let value = Int(shown[Int(inputs[place])])
      if (operands.lowerBound..<place).contains(where: { Int(shown[Int(inputs[$0])]) == value }) { continue }
      let node = Int(owners[value])
      if root(node) == number {
        if lastReaders[value] == position { groups[number].live -= 1 }
        continue
      }
      read(Int32(value), by: number)
      readingGroups[value] = Int32(number)
      let isLarge = starts[node] < starts[node + 1] && rank > 0 && self.rank(value) == rank
      if isLarge, lastReaders[value] == position { groups[number].dying += 1 }
    }
  }

  /// Counts a value among those that a group reads; they are few.
  private mutating func read(_ value: Int32, by group: Int) {
    if !groups[group].operands.contains(value) { groups[group].operands.append(value) }
  }

  // MARK: Readers

  private mutating func findReaders() {
    needed = Array(repeating: false, count: kinds.count)
    isResult = Array(repeating: false, count: index.count)
    for output in graph.outputs {
      needed[output.node] = true
      isResult[index[output]] = true
    }
    for position in kinds.indices.reversed() {
      if !isShowing[position] { needed[position] = true }
      guard needed[position] else { continue }
      let group = group(of: position)
      for place in starts[position]..<starts[position + 1] {
        let value = group == nil ? Int(inputs[place]) : Int(shown[Int(inputs[place])])
        let node = Int(owners[value])
        needed[node] = true
        if group == nil || root(node) != group { isResult[value] = true }
      }
    }
  }
}
