import FirnGraph
import FirnRuntime

/// What a map would have made these variables from: the map run backwards.
struct UnmappedWeights: MapWalk {
  /// In the order of the first of the variables each is made from.
  private(set) var entries: [WeightEntry] = []

  struct Item: MapWalkItem {
    let entry: WeightEntry
    let position: Int
    let number: Int
  }

  private var made = 0
  static let isBackwards = true

  /// - Throws: `.invalidArgument` where a rule does not run backwards or would be read by another rule.
  init(_ variables: [WeightEntry], by map: NameMap) throws(FirnError) {
    try map.requireEveryRuleReachable()
    var items: [Item] = []
    for (position, entry) in variables.enumerated() { items.append(item(entry, at: position)) }
    let (taken, rest) = try apply(map, to: items)
    entries = Self.ordered(taken + rest).map(\.entry)
  }

  private mutating func item(_ entry: WeightEntry, at position: Int) -> Item {
    made += 1
    return Item(entry: entry, position: position, number: made)
  }

  // MARK: Rules

  mutating func apply(
    _ rules: [NameMap.Rule], to items: [Item]
  ) throws(FirnError) -> (taken: [Item], rest: [Item]) {
    var rest = items
    var taken: [Item] = []
    for (number, rule) in rules.enumerated() {
      let undone = try undo(rule, items: rest)
      for one in undone.taken { try Self.require(one.entry.name, isReadBy: number, of: rules) }
      taken += undone.taken
      rest = undone.rest
    }
    return (taken, rest)
  }

  private mutating func undo(
    _ rule: NameMap.Rule, items: [Item]
  ) throws(FirnError) -> (taken: [Item], rest: [Item]) {
    var taken: [Item] = []
    var rest: [Item] = []
    switch rule {
    case .ignore: return ([], items)
    case .rename(let pattern, let transform):
      guard let backwards = try pattern.compiledBackwards() else { throw Self.oneWay(rule) }
      let forwards = try pattern.compiled()
      for one in items {
        guard let name = (try? backwards.apply(to: one.entry.name)) ?? nil,
          try forwards.apply(to: name) == one.entry.name
        else {
          rest.append(one)
          continue
        }
        guard let inverse = transform.inverse else { throw Self.oneWay(rule) }
        taken.append(item(try one.entry.moved(to: name, by: inverse), at: one.position))
      }
    case .combine(let patterns, _):
      for pattern in patterns {
        let target = try pattern.compiledTarget()
        for one in items where target.captures(in: one.entry.name) != nil { throw Self.oneWay(rule) }
      }
      return ([], items)
    case .modules:
      for one in items {
        let (name, transform) = ModuleNames.module(one.entry.name, rank: one.entry.shape.count)
        let entry = try one.entry.moved(to: name, by: transform)
        taken.append(item(name.hasSuffix("num_batches_tracked") ? entry.widened : entry, at: one.position))
      }
    case .paths:
      for one in items {
        let name = PathNames.file(one.entry.name)
        if name == one.entry.name {
          rest.append(one)
        } else {
          taken.append(item(one.entry.renamed(name), at: one.position))
        }
      }
    case .recurrent(let network, let names):
      let layout = RecurrentLayout.firn(scope: names.scope)
      let wanted = network.names(in: layout)
      rest = items.filter { !wanted.contains($0.entry.name) }
      taken = try undo(network, names, items.filter { wanted.contains($0.entry.name) })
    }
    return (taken, rest)
  }

  private mutating func undo(
    _ network: RecurrentNetwork, _ names: RecurrentNames, _ items: [Item]
  ) throws(FirnError) -> [Item] {
    if let reason = names.refusal(of: network) {
      throw FirnError(
        .invalidArgument, reason, remedy: "give one prefix, or one for each layer and direction")
    }
    var arrays: [String: NDArray] = [:]
    for one in items { arrays[one.entry.name] = try one.entry.array() }
    let converted = try network.convertingWhatIsThere(
      arrays, from: .firn(scope: names.scope), to: names.layout)
    try FirnError.throwing(
      converted.faults.map(\.error), "the weights in `\(names.scope)` are not those of \(network)")
    if let unused = converted.unused.first {
      throw FirnError(
        .unknownName,
        "`\(unused)` has no form of its own in \(names.layout): what it is joined with is missing",
        remedy: "write the whole layer, with the `RecurrentNetwork` that it is", place: unused)
    }
    let positions = Dictionary(items.map { ($0.entry.name, $0.position) }, uniquingKeysWith: { $1 })
    return converted.arrays.map { name, array, sources, _ in
      item(
        WeightEntry(name: names.file(name, of: network), array: array),
        at: sources.compactMap { positions[$0] }.min() ?? 0)
    }
  }

  // MARK: Refusing

  private static func oneWay(_ rule: NameMap.Rule) -> FirnError {
    FirnError(
      .invalidArgument, "the rule (\(rule)) does not run backwards",
      remedy:
        "save with a map without it: `.renaming` and `.prefix` run backwards, transforms that lose nothing too"
    )
  }

  /// - Throws: where a rule before the one that gave a name is about it too, and would read it otherwise.
  private static func require(
    _ name: String, isReadBy number: Int, of rules: [NameMap.Rule]
  ) throws(FirnError) {
    for rule in rules[..<number] {
      let patterns: [NamePattern] =
        switch rule {
        case .rename(let pattern, _), .ignore(let pattern): [pattern]
        case .combine(let patterns, _): patterns
        case .modules, .paths, .recurrent: []
        }
      for pattern in patterns where try pattern.compiled().apply(to: name) != nil {
        throw FirnError(
          .invalidArgument, "`\(name)`, as (\(rules[number])) has it in the file, is read by (\(rule))",
          remedy: "save with a map that reads each name one way", place: name)
      }
    }
  }
}
