import FirnGraph

/// Tensors on their way through a map, there or back: the same steps round what the rules do.
protocol MapWalk {
  associatedtype Item: MapWalkItem

  /// Whether of maps that run one after the other the last one begins.
  static var isBackwards: Bool { get }

  /// What the rules are about, as they make it, and all else.
  mutating func apply(
    _ rules: [NameMap.Rule], to items: [Item]
  ) throws(FirnError) -> (taken: [Item], rest: [Item])
}

/// A tensor on its way.
protocol MapWalkItem {
  /// Where the first of what it is made from stood.
  var position: Int { get }
  /// Another one for whatever a rule makes.
  var number: Int { get }
}

extension MapWalk {
  static func ordered(_ items: [Item]) -> [Item] {
    items.sorted { ($0.position, $0.number) < ($1.position, $1.number) }
  }

  /// What the map is about, as it makes it, and all else.
  mutating func apply(
    _ map: NameMap, to items: [Item]
  ) throws(FirnError) -> (taken: [Item], rest: [Item]) {
    switch map.form {
    case .rules(let rules): return try apply(rules, to: items)
    case .first(let a, let b):
      let first = try apply(a, to: items)
      let second = try apply(b, to: first.rest)
      return (first.taken + second.taken, second.rest)
    case .then(let a, let b):
      let first = try apply(Self.isBackwards ? b : a, to: items)
      let untouched = Set(first.rest.map(\.number))
      let second = try apply(Self.isBackwards ? a : b, to: Self.ordered(first.taken + first.rest))
      return (
        second.taken + second.rest.filter { !untouched.contains($0.number) },
        second.rest.filter { untouched.contains($0.number) }
      )
    }
  }
}
