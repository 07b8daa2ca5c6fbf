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
  private let graph: GraphDef
  private let index: ValueIndex
  /// By node, what it can be in a program.
  private let roles: [FusionRole]
  private var candidates: [Candidate?]
  /// By node, how many large values were made before by what is no candidate.
  private var heavyBefore: [Int] = []
  private var levels: [Int]
  /// By node and operand, the tiles that both go through where they are of one program; nil where they cannot be.
  private var tilings: [[Tiling?]] = []
  /// By value, the last node that reads it; past the end for outputs, -1 where none does.
  private var lastReaders: [Int]
  /// By value, what is seen in its place.
  private var shown: [Seen] = []
  /// By node, its group; one that became part of another leads to that one.
  private var numbers: [Int?]
  private var groups: [Group] = []
  /// By value, the group that read it last.
  private var readingGroups: [Int?]
  /// By node, whether anything but programs, which see through it, reads it.
  private var needed: [Bool] = []
  /// By value, whether anything but its own program reads it.
  private var isResult: [Bool] = []

  private enum Candidate {
    case instruction
    case joined
  }

  /// A value through a window; all of it, where nothing is seen through.
  private struct Seen {
    var value: Value
    var window: Window?
  }

  private struct Group {
    /// Itself, or the one it became part of.
    var successor: Int
    var tiling: Tiling
    var members: [Int] = []
    /// Values made elsewhere that it reads.
    var operands: Set<Value> = []
    /// Of these, how many are large and nothing reads later.
    var dying = 0
    /// Members that something still to come reads.
    var live = 0
  }

  /// Members and operands of a program that still keep its registers in cache, and compiling quick.
  private static let mostMembers = 96
  private static let mostOperands = 48

  init(_ graph: GraphDef) {
    self.graph = graph
    index = ValueIndex(graph)
    roles = graph.nodes.indices.map { Self.role($0, in: graph) }
    candidates = zip(graph.nodes, roles).map { Self.candidate($0, $1) }
    levels = Array(repeating: 0, count: graph.nodes.count)
    numbers = Array(repeating: nil, count: graph.nodes.count)
    lastReaders = Array(repeating: -1, count: index.count)
    readingGroups = Array(repeating: nil, count: index.count)
    for (position, node) in graph.nodes.enumerated() {
      for input in node.inputs { lastReaders[index[input]] = position }
    }
    for output in graph.outputs { lastReaders[index[output]] = graph.nodes.count }
    for position in graph.nodes.indices {
      for result in graph.nodes[position].types.indices { shown.append(see(Value(position, result))) }
    }
    var heavy = 0
    for (position, node) in graph.nodes.enumerated() {
      // What is seen through is as alive as what shows it.
      for input in node.inputs {
        let source = index[seen(input).value]
        lastReaders[source] = max(lastReaders[source], position)
      }
      heavyBefore.append(heavy)
      if isHeavy(position) { heavy += 1 }
    }
    for position in graph.nodes.indices {
      tilings.append(
        candidates[position] == nil
          ? [] : graph.nodes[position].inputs.map { tiling(of: position, with: seen($0)) })
    }
    let wanted = wantedLevels()
    for position in graph.nodes.indices { assign(position, notBelow: wanted[position]) }
    findReaders()
  }

  // MARK: Nodes

  /// Whether the node at `position` of a graph is elementwise work that a program can do.
  static func canBeInstruction(_ position: Int, in graph: GraphDef) -> Bool {
    let candidate = candidate(graph.nodes[position], role(position, in: graph))
    return if case .instruction? = candidate { true } else { false }
  }

  private static func role(_ position: Int, in graph: GraphDef) -> FusionRole {
    let node = graph.nodes[position]
    return node.inputs.isEmpty || node.op.effect != .none
      ? .none : node.op.fusionRole(in: graph.types(round: position))
  }

  private static func candidate(_ node: Node, _ role: FusionRole) -> Candidate? {
    guard node.types.count == 1, node.types[0].shape.rank <= 8 else { return nil }
    switch role {
    case .instruction: return node.op.canFail ? nil : .instruction
    case .joined: return node.op.canFail || node.inputs.count > mostOperands ? nil : .joined
    case .none, .windows: return nil
    }
  }

  private func isHeavy(_ position: Int) -> Bool {
    let node = graph.nodes[position]
    if candidates[position] != nil || node.inputs.isEmpty || isShowing(position) { return false }
    if case .view = node.op.aliasing { return false }
    return node.types.contains { $0.shape.elementCount != 1 }
  }

  private func seen(_ value: Value) -> Seen { shown[index[value]] }

  /// What a program reads where a node reads `value`.
  private func see(_ value: Value) -> Seen {
    let all = Seen(value: value)
    let node = graph.nodes[value.node]
    guard node.inputs.count == 1, case .windows(let windows) = roles[value.node] else { return all }
    let input = node.inputs[0]
    let shape = graph.type(of: input).shape
    let window = windows[value.result]
    // A part is seen through only where the whole is not kept for it alone.
    guard
      window.showsAll(of: shape, as: graph.type(of: value).shape) || node.types.count > 1
        || candidates[input.node] != nil || graph.nodes[input.node].inputs.isEmpty
        || lastReaders[index[input]] >= lastReaders[index[value]]
    else { return all }
    let source = seen(input)
    return Seen(value: source.value, window: source.window.map { window.onto($0) } ?? window)
  }

  // MARK: Groups

  private func root(_ position: Int) -> Int? {
    guard var number = numbers[position] else { return nil }
    while groups[number].successor != number { number = groups[number].successor }
    return number
  }

  /// The tiles that a node and what it reads, which is to be of the same program, go through together; nil where they
  /// cannot.
  private func tiling(of position: Int, with operand: Seen) -> Tiling? {
    guard candidates[operand.value.node] != nil,
      graph.nodes[operand.value.node].phase == graph.nodes[position].phase
    else { return nil }
    let shape = graph.nodes[position].types[0].shape
    guard let window = operand.window else {
      return Tiling(graph.type(of: operand.value).shape).and(Tiling(shape))
    }
    let cut = window.starts.indices.filter { window.starts[$0] != 0 }
    guard window.axes == Array(0..<shape.rank), window.starts.count == shape.rank, cut.count <= 1,
      window.steps.allSatisfy({ $0 == 1 })
    else { return nil }
    let both = Tiling(graph.type(of: operand.value).shape).and(Tiling(shape))
    return cut.first.map { both?.beginning(at: window.starts[$0], along: $0) } ?? both
  }

  /// For each candidate the level it would best have: the least, or that of what reads it, where nothing reads it before
  /// and nothing heavy is made meanwhile.
  private func wantedLevels() -> [Int] {
    func step(from operand: Int, to reader: Int, _ tiling: Tiling?) -> Int {
      candidates[operand] == nil || candidates[reader] != nil && tiling != nil ? 0 : 1
    }
    var least = [Int](repeating: 0, count: graph.nodes.count)
    for (position, node) in graph.nodes.enumerated() {
      for (number, input) in node.inputs.enumerated() {
        let operand = candidates[position] == nil ? input.node : seen(input).value.node
        let tiling = tilings[position].isEmpty ? nil : tilings[position][number]
        least[position] = max(least[position], least[operand] + step(from: operand, to: position, tiling))
      }
    }
    var wanted = least
    var greatest = [Int](repeating: .max, count: graph.nodes.count)
    // The level of the programs that a node could be part of, and the last node of those that reads it.
    var readers = [(level: Int, last: Int)](repeating: (.max, 0), count: graph.nodes.count)
    for (position, node) in graph.nodes.enumerated().reversed() {
      if candidates[position] == nil {
        wanted[position] = greatest[position]
      } else if greatest[position] > least[position], greatest[position] != .max,
        readers[position].level == greatest[position],
        heavyBefore[readers[position].last] == heavyBefore[position]
      {
        wanted[position] = greatest[position]
      }
      // What is seen through is read by those who look.
      if candidates[position] == nil, isShowing(position) { continue }
      for (number, input) in node.inputs.enumerated() {
        let operand = seen(input).value.node
        let tiling = tilings[position].isEmpty ? nil : tilings[position][number]
        let step = step(from: operand, to: position, tiling)
        greatest[operand] = min(greatest[operand], wanted[position] == .max ? .max : wanted[position] - step)
        guard candidates[position] != nil, step == 0, wanted[position] <= readers[operand].level else {
          continue
        }
        let isSame = wanted[position] == readers[operand].level
        readers[operand] = (wanted[position], isSame ? max(readers[operand].last, position) : position)
      }
    }
    return wanted
  }

  private func isShowing(_ node: Int) -> Bool {
    let results = graph.nodes[node].types.indices
    return !results.isEmpty && results.allSatisfy { seen(Value(node, $0)).window != nil }
  }

  private mutating func assign(_ position: Int, notBelow wanted: Int) {
    let node = graph.nodes[position]
    guard let candidate = candidates[position] else {
      levels[position] = levelOfItself(position)
      return
    }
    let operands = node.inputs.map { seen($0) }
    let tilings = tilings[position]
    var level = wanted
    for (operand, tiling) in zip(operands, tilings) {
      level = max(
        level, levels[operand.value.node] + (numbers[operand.value.node] != nil && tiling == nil ? 1 : 0))
    }
    var joined: [Int] = []
    var common: Tiling? = own(position, candidate)
    for (operand, tiling) in zip(operands, tilings) {
      guard let tiling, let group = root(operand.value.node), levels[operand.value.node] == level else {
        continue
      }
      common = common?.and(tiling)
      if !joined.contains(group) {
        joined.append(group)
        common = common?.and(groups[group].tiling)
      }
    }
    // Of what is put together, nothing would be made here.
    if joined.isEmpty, case .joined = candidate { common = nil }
    if let tiling = common, isJoinable(joined, by: position) {
      levels[position] = level
      if joined.isEmpty, let (other, both) = sibling(of: position, level, tiling) {
        add(position, to: [other], both)
      } else {
        add(position, to: joined, tiling)
      }
    } else if case .joined = candidate {
      candidates[position] = nil
      levels[position] = levelOfItself(position)
    } else {
      levels[position] = level + 1
      add(position, to: [], Tiling(node.types[0].shape))
    }
  }

  /// The level of a node that is of no program.
  private func levelOfItself(_ position: Int) -> Int {
    graph.nodes[position].inputs.reduce(0) { level, input in
      max(level, levels[input.node] + (numbers[input.node] != nil ? 1 : 0))
    }
  }

  /// What a node goes through by itself.
  private func own(_ position: Int, _ candidate: Candidate) -> Tiling? {
    let node = graph.nodes[position]
    let whole = Tiling(node.types[0].shape)
    guard case .joined = candidate else { return whole }
    return node.inputs.reduce(whole) { tiling, input in tiling?.and(Tiling(graph.type(of: input).shape)) }
  }

  /// A group of the same level that reads something large that the node reads, too.
  private func sibling(of position: Int, _ level: Int, _ tiling: Tiling) -> (Int, Tiling)? {
    let node = graph.nodes[position]
    guard node.types[0].shape.rank > 0 else { return nil }
    for input in node.inputs {
      let value = seen(input).value
      guard graph.type(of: value).shape.rank == node.types[0].shape.rank,
        var number = readingGroups[index[value]]
      else { continue }
      while groups[number].successor != number { number = groups[number].successor }
      let first = groups[number].members[0]
      guard levels[first] == level, graph.nodes[first].phase == node.phase,
        let both = groups[number].tiling.and(tiling), isJoinable([number], by: position)
      else { continue }
      return (number, both)
    }
    return nil
  }

  /// Whether groups may wait for a node: not too large, and keeping no more alive behind what is heavy than they save.
  private func isJoinable(_ joined: [Int], by position: Int) -> Bool {
    let members = joined.reduce(1) { $0 + groups[$1].members.count }
    let operands = joined.reduce(graph.nodes[position].inputs.count) { $0 + groups[$1].operands.count }
    guard members <= Self.mostMembers, operands <= Self.mostOperands else { return false }
    return joined.allSatisfy { number in
      let group = groups[number]
      guard let last = group.members.last else { return true }
      return heavyBefore[last] == heavyBefore[position] || group.dying <= group.live
    }
  }

  private mutating func add(_ position: Int, to joined: [Int], _ tiling: Tiling) {
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
      groups[number].operands.formUnion(group.operands)
    }
    numbers[position] = number
    groups[number].members.append(position)
    let node = graph.nodes[position]
    if lastReaders[index[Value(position)]] > position { groups[number].live += 1 }
    var counted: [Value] = []
    for input in node.inputs {
      let value = seen(input).value
      if counted.contains(value) { continue }
      counted.append(value)
      if root(value.node) == number {
        if lastReaders[index[value]] == position { groups[number].live -= 1 }
        continue
      }
      groups[number].operands.insert(value)
      readingGroups[index[value]] = number
      let isLarge =
        !graph.nodes[value.node].inputs.isEmpty
        && graph.type(of: value).shape.rank == node.types[0].shape.rank && node.types[0].shape.rank > 0
      if isLarge, lastReaders[index[value]] == position { groups[number].dying += 1 }
    }
  }

  // MARK: Programs

  /// The program of a node; nil where it is run by itself.
  func group(of position: Int) -> Int? {
    guard let number = root(position) else { return nil }
    // One node alone is worth a program where that saves writing out what it reads.
    let members = groups[number].members
    let isWorthwhile = members.count > 1 || graph.nodes[members[0]].inputs.contains { seen($0).window != nil }
    return isWorthwhile ? number : nil
  }

  /// In order.
  func members(of group: Int) -> [Int] { groups[group].members }

  private mutating func findReaders() {
    needed = Array(repeating: false, count: graph.nodes.count)
    isResult = Array(repeating: false, count: index.count)
    for output in graph.outputs {
      needed[output.node] = true
      isResult[index[output]] = true
    }
    for position in graph.nodes.indices.reversed() {
      if !isShowing(position) { needed[position] = true }
      guard needed[position] else { continue }
      let group = group(of: position)
      for input in graph.nodes[position].inputs {
        let value = group == nil ? input : seen(input).value
        needed[value.node] = true
        if group == nil || root(value.node) != group { isResult[index[value]] = true }
      }
    }
  }

  /// Whether the node is made at all: not if only programs read it, who see through it.
  func isNeeded(_ position: Int) -> Bool { needed[position] }

  /// The nodes that must be there for the node at `position`, or the program it is part of.
  func operands(of position: Int) -> [Int] {
    guard let group = group(of: position) else { return graph.nodes[position].inputs.map(\.node) }
    return groups[group].members.flatMap { member in
      graph.nodes[member].inputs.map { seen($0).value.node }.filter { root($0) != group }
    }
  }

  /// The op of a program, what it reads and which nodes its results stand for.
  func program(of group: Int) -> (op: Fused, operands: [Value], results: [Int]) {
    let members = groups[group].members
    func isInside(_ value: Value) -> Bool { root(value.node) == group }
    // Nodes that are computed, or shown, keep their names; inputs are called what is around, by names of one component.
    var names: Set<String> = []
    for member in members {
      for name in [graph.nodes[member].name] + shownNames(member, isInside) where Path.depth(of: name) == 1 {
        names.insert(name)
      }
    }
    var body: [Node] = []
    var operands: [Value] = []
    var places: [Value: Value] = [:]
    for member in members {
      for input in graph.nodes[member].inputs {
        let value = seen(input).value
        guard !isInside(value), places[value] == nil else { continue }
        let type = graph.type(of: value)
        let wanted = Path.last(of: graph.nodes[value.node].name)
        var (name, number) = (wanted, 0)
        while !names.insert(name).inserted {
          number += 1
          name = "\(wanted)_\(number)"
        }
        places[value] = Value(body.count)
        body.append(Node(op: FusedInput(operands.count, type: type), inputs: [], types: [type], name: name))
        operands.append(value)
      }
    }
    func place(_ value: Value) -> Value {
      if let known = places[value] { return known }
      var node = graph.nodes[value.node]
      node.inputs = node.inputs.map(place)
      for result in node.types.indices { places[Value(value.node, result)] = Value(body.count, result) }
      body.append(node)
      return Value(body.count - 1, value.result)
    }
    for member in members { _ = place(Value(member)) }
    let results = members.filter { isResult[index[Value($0)]] }
    let definition = GraphDef(nodes: body, outputs: results.map { place(Value($0)) })
    return (Fused(body: definition, domain: groups[group].tiling.shape), operands, results)
  }

  /// The names of what shows a node of a program values of other nodes.
  private func shownNames(_ member: Int, _ isInside: (Value) -> Bool) -> [String] {
    var names: [String] = []
    for var value in graph.nodes[member].inputs {
      while !isInside(value), seen(value).window != nil {
        names.append(graph.nodes[value.node].name)
        value = graph.nodes[value.node].inputs[0]
      }
    }
    return names
  }
}
