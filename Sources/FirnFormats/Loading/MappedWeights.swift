import FirnGraph

/// What a map makes of a file; it depends on the file alone.
struct MappedWeights: MapWalk {
  /// In the order of the first of their sources in the file.
  private(set) var weights: [MappedWeight] = []
  /// Left out on purpose.
  private(set) var ignored: [String] = []
  /// What a rule was about but could not convert, and why.
  private(set) var failed: [(sources: [String], error: FirnError)] = []
  /// What a recurrent network's weight that is not in the file would be made from.
  private(set) var lacking: [String: [String]] = [:]
  /// Rules that took nothing, since others took before them what they are about.
  private(set) var idle: [String] = []

  /// A tensor on its way through the map.
  struct Item: MapWalkItem {
    let weight: MappedWeight
    /// Its first source's place in the file.
    let position: Int
    /// Another one for whatever a rule makes.
    let number: Int
  }

  private var made = 0
  static let isBackwards = false

  /// - Throws: where a pattern of the map is none, or a rule cannot be reached.
  init(_ file: Weights, by map: NameMap) throws(FirnError) {
    try map.requireEveryRuleReachable()
    var items: [Item] = []
    for (position, entry) in file.entries.enumerated() {
      items.append(item(MappedWeight(entry: entry, sources: [entry], change: ""), at: position))
    }
    let (taken, rest) = try apply(map, to: items)
    weights = Self.ordered(taken + rest).map(\.weight)
  }

  private mutating func item(_ weight: MappedWeight, at position: Int) -> Item {
    made += 1
    return Item(weight: weight, position: position, number: made)
  }

  // MARK: Rules

  mutating func apply(
    _ rules: [NameMap.Rule], to items: [Item]
  ) throws(FirnError) -> (taken: [Item], rest: [Item]) {
    let matchers = try rules.map { rule throws(FirnError) in try Matcher(rule) }
    let modules = ModuleNames(items.map { ($0.weight.target, $0.weight.shape.count) })
    var members = [[Item]](repeating: [], count: rules.count)
    var taken: [Item] = []
    var rest: [Item] = []
    for one in items {
      var number = 0
      while number < matchers.count, try !matchers[number].isAbout(one.weight.target) { number += 1 }
      if number < matchers.count { members[number].append(one) } else { rest.append(one) }
    }
    for (number, rule) in rules.enumerated() {
      if members[number].isEmpty, rule.isWritten {
        for one in items where try matchers[number].isAbout(one.weight.target) {
          idle.append("(\(rule)) takes nothing: a rule before it is about `\(one.weight.target)` as well")
          break
        }
      }
      switch rule {
      case .ignore: ignored += members[number].flatMap { $0.weight.sources.map(\.name) }
      case .rename(_, let transform):
        for one in members[number] {
          guard let target = try matchers[number].patterns[0].apply(to: one.weight.target) else { continue }
          taken += renamed(one, target, transform)
        }
      case .modules:
        for one in members[number] {
          let (path, transform) = modules.variable(one.weight.target)
          taken += renamed(one, path, transform)
        }
      case .paths:
        for one in members[number] {
          taken += renamed(one, PathNames.variable(one.weight.target), .none)
        }
      case .combine(_, let combination):
        taken += try combined(members[number], by: combination, matchers[number].patterns)
      case .recurrent(let network, let names):
        if !members[number].isEmpty { taken += parts(of: network, names, members[number], matchers[number]) }
      }
    }
    return (taken, rest)
  }

  private mutating func renamed(_ one: Item, _ target: String, _ transform: WeightTransform) -> [Item] {
    do throws(FirnError) {
      let entry = try one.weight.entry.moved(to: target, by: transform)
      let change = [one.weight.change, transform.description].filter { !$0.isEmpty }.joined(separator: ", ")
      let weight = MappedWeight(
        entry: entry, sources: one.weight.sources, change: change, joinsBiases: one.weight.joinsBiases)
      return [item(weight, at: one.position)]
    } catch {
      failed.append((one.weight.sources.map(\.name), error))
      return []
    }
  }

  /// One for each set of tensors whose names agree in what the patterns leave open.
  private mutating func combined(
    _ items: [Item], by combination: WeightCombination, _ patterns: [NamePattern.Compiled]
  ) throws(FirnError) -> [Item] {
    var order: [(target: String, holes: [String])] = []
    var groups: [[String]: [Int: Item]] = [:]
    for one in items {
      guard let (place, target) = try Self.place(of: one.weight.target, in: patterns) else { continue }
      let holes = (patterns[place].captures(in: one.weight.target) ?? [:]).map { "\($0)=\($1)" }.sorted()
      if groups[holes] == nil { order.append((target, holes)) }
      groups[holes, default: [:]][place] = one
    }
    var result: [Item] = []
    var made: Set<String> = []
    for (target, holes) in order {
      let parts = patterns.indices.compactMap { groups[holes]?[$0] }
      let sources = parts.flatMap(\.weight.sources)
      do throws(FirnError) {
        guard made.insert(target).inserted else {
          throw FirnError(
            .duplicateName, "`\(target)` would be made of these as well",
            remedy: "let the new name hold every brace of the patterns")
        }
        guard parts.count == patterns.count else {
          throw FirnError(
            .unknownName,
            "`\(target)` is made from \(patterns.count) tensors, of which \(parts.count) \(parts.count == 1 ? "is" : "are") there",
            remedy: "add the others to the file, or leave these out with `NameMap.ignoring`")
        }
        let entries = parts.map(\.weight.entry)
        let dtypes = entries.compactMap(\.storedType.dtype)
        // A type that Firn has not is told by the variable it is for.
        if dtypes.count == entries.count { try combination.requireTypes(dtypes) }
        let stored = entries[0].storedType.dtype.map(StoredType.init) ?? entries[0].storedType
        let entry = WeightEntry(
          name: target, storedType: stored, shape: try combination.shape(of: entries.map(\.shape))
        ) { () throws(FirnError) in
          try combination(entries.map { entry throws(FirnError) in try entry.array() })
        }
        let weight = MappedWeight(entry: entry, sources: sources, change: combination.description)
        result.append(item(weight, at: parts.map(\.position).min() ?? 0))
      } catch {
        failed.append((sources.map(\.name), error))
      }
    }
    return result
  }

  private static func place(
    of name: String, in patterns: [NamePattern.Compiled]
  ) throws(FirnError) -> (place: Int, target: String)? {
    for (place, pattern) in patterns.enumerated() {
      if let target = try pattern.apply(to: name) { return (place, target) }
    }
    return nil
  }

  /// What can be made of the weights of a network that are there.
  private mutating func parts(
    of network: RecurrentNetwork, _ names: RecurrentNames, _ items: [Item], _ matcher: Matcher
  ) -> [Item] {
    var arrays: [String: NDArray] = [:]
    var byWeight: [String: Item] = [:]
    for one in items {
      guard let weight = matcher.weight(one.weight.target) else { continue }
      do throws(FirnError) {
        if let other = byWeight[weight] {
          throw FirnError(
            .duplicateName, "`\(other.weight.target)` is `\(weight)` of the network as well",
            remedy: "leave one out with `NameMap.ignoring`")
        }
        arrays[weight] = try one.weight.entry.array()
        byWeight[weight] = one
      } catch {
        failed.append((one.weight.sources.map(\.name), error))
      }
    }
    func sources(_ weights: [String]) -> [WeightEntry] {
      weights.compactMap { byWeight[$0] }.sorted { $0.position < $1.position }.flatMap(\.weight.sources)
    }
    do throws(FirnError) {
      if let reason = names.refusal(of: network) {
        throw FirnError(
          .invalidArgument, reason, remedy: "give one prefix, or one for each layer and direction")
      }
      let converted = try network.convertingWhatIsThere(
        arrays, from: names.layout, to: .firn(scope: names.scope))
      for (weight, error) in converted.faults { failed.append((sources([weight]).map(\.name), error)) }
      for weight in converted.unused {
        failed.append(
          (
            sources([weight]).map(\.name),
            FirnError(
              .unknownName, "what it is to be joined with is missing",
              remedy: "add it to the file, or leave this out with `NameMap.ignoring`")
          ))
      }
      for (target, missing) in converted.lacking {
        lacking[target] = missing.map { names.file($0, of: network) }
      }
      return converted.arrays.map { name, array, weights, isSum in
        let sources = sources(weights)
        let weight = MappedWeight(
          entry: WeightEntry(name: name, array: array), sources: sources,
          change: "converted as a recurrent network" + (isSum ? ", the sum of two biases" : ""),
          joinsBiases: isSum && !sources.contains(where: \.isZero))
        let position = weights.compactMap { byWeight[$0]?.position }.min() ?? 0
        return item(weight, at: position)
      }
    } catch {
      failed.append((items.flatMap { $0.weight.sources.map(\.name) }, error))
      return []
    }
  }
}

extension WeightEntry {
  /// Whether every element is 0, as of the second bias in what was written from a layer of one.
  fileprivate var isZero: Bool {
    do throws(FirnError) {
      return try array().doubles.allSatisfy { $0 == 0 }
    } catch {
      return false
    }
  }
}

/// Tells the names that a rule is about.
private struct Matcher {
  let patterns: [NamePattern.Compiled]
  private let rule: NameMap.Rule
  private let weights: Set<String>

  init(_ rule: NameMap.Rule) throws(FirnError) {
    self.rule = rule
    switch rule {
    case .rename(let pattern, _), .ignore(let pattern): patterns = [try pattern.compiled()]
    case .combine(let sources, _):
      patterns = try sources.map { pattern throws(FirnError) in try pattern.compiled() }
    case .modules, .paths, .recurrent: patterns = []
    }
    weights =
      if case .recurrent(let network, let names) = rule { network.names(in: names.layout) } else { [] }
  }

  func isAbout(_ name: String) throws(FirnError) -> Bool {
    switch rule {
    case .modules: return true
    case .paths: return PathNames.variable(name) != name
    case .recurrent: return weight(name) != nil
    case .rename, .ignore, .combine:
      for pattern in patterns where try pattern.apply(to: name) != nil { return true }
      return false
    }
  }

  /// What a tensor is called among a recurrent network's weights.
  func weight(_ name: String) -> String? {
    guard case .recurrent(let network, let names) = rule else { return nil }
    return names.weight(name, of: network, among: weights)
  }
}

extension NameMap.Rule {
  /// Whether a user wrote it, for names he has in mind; ready rules are for whatever comes.
  fileprivate var isWritten: Bool {
    switch self {
    case .rename, .ignore: true
    case .modules, .paths, .combine, .recurrent: false
    }
  }
}
