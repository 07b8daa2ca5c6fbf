import FirnGraph
import FirnNotation

/// What the groups of an optimiser make of each part that it moves.
package struct GroupSettings: Sendable {
  struct Entry: Hashable, Sendable {
    var rate: ParameterGroup.Rate?
    var weightDecay: Double?
  }

  private var entries: [TrainedPart: Entry] = [:]

  subscript(part: TrainedPart) -> Entry { entries[part] ?? Entry() }

  /// Parts that are moved at a rate of 0, in the order of variables.
  private(set) var still: [TrainedPart] = []

  init() {}

  /// - Throws: `.invalidSelection` for a group that names nothing, or part of what is trained as one;
  ///   `.invalidArgument` for rates and decays that are negative or not finite.
  init(
    of optimizer: any Optimizer, _ context: SelectionContext, _ trainability: Trainability
  ) throws(FirnError) {
    let groups = optimizer.groups
    if groups.isEmpty, optimizer.fixedRate != 0 { return }
    let parts = trainability.variables.flatMap { trainability.parts(of: $0) }
    for group in groups {
      try Self.check(group, of: optimizer)
      switch group.target {
      case .selection(let selection):
        let named = Dictionary(
          try selection.resolve(in: context).map { ($0.variable.name, $0.region) }, uniquingKeysWith: { $1 })
        for part in parts {
          guard let region = named[part.variable.name],
            try part.isNamed(by: region, "the group `\(selection)` of `\(optimizer.name)`")
          else { continue }
          set(part, group.rate, group.weightDecay)
        }
      case .layers(let scope):
        let children = Self.children(of: scope, among: trainability.variables)
        guard !children.isEmpty else {
          throw FirnError(
            .invalidSelection,
            "`\(optimizer.name)` has rates for the layers of `\(scope)`, where no variable is",
            remedy: "give the path of a scope", place: optimizer.name)
        }
        guard case .times(let factor)? = group.rate else { continue }
        let places = Dictionary(
          children.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        for part in parts {
          guard let child = Self.child(of: scope, holding: part.variable.name), let place = places[child]
          else { continue }
          let power = (place + 1..<children.count).reduce(1.0) { product, _ in product * factor }
          set(part, .times(power), nil)
        }
      }
    }
    still = parts.filter { part in
      switch self[part].rate {
      case .fixed(let rate): rate == 0
      case .times(let factor): factor == 0 || optimizer.fixedRate == 0
      case nil: optimizer.fixedRate == 0
      }
    }
  }

  private mutating func set(_ part: TrainedPart, _ rate: ParameterGroup.Rate?, _ weightDecay: Double?) {
    var entry = self[part]
    entry.rate = rate ?? entry.rate
    entry.weightDecay = weightDecay ?? entry.weightDecay
    entries[part] = entry
  }

  private static func check(_ group: ParameterGroup, of optimizer: any Optimizer) throws(FirnError) {
    let rate: Double? =
      switch group.rate {
      case .times(let rate), .fixed(let rate): rate
      case nil: nil
      }
    let isLayered = if case .layers = group.target { true } else { false }
    for (what, number) in [("rate", rate), ("weight decay", group.weightDecay)] {
      guard let number, !(number.isFinite && number >= 0) || (isLayered && number == 0) else { continue }
      throw FirnError(
        .invalidArgument, "`\(optimizer.name)` has a group with \(what) \(number)",
        remedy: isLayered ? "give a finite factor above 0" : "give a finite number of at least 0",
        place: optimizer.name)
    }
  }

  /// In creation order.
  private static func children(of scope: String, among variables: [Variable]) -> [String] {
    var seen: Set<String> = []
    return variables.compactMap { child(of: scope, holding: $0.name) }.filter { seen.insert($0).inserted }
  }

  private static func child(of scope: String, holding name: String) -> String? {
    guard scope.isEmpty || name.hasPrefix(scope + "/") else { return nil }
    let rest = scope.isEmpty ? name[...] : name.dropFirst(scope.count + 1)
    return String(rest.prefix { $0 != "/" })
  }
}

extension TrainedPart {
  /// Whether a region of its variable has all of it.
  ///
  /// - Parameter what: what names the region, for the error.
  /// - Throws: `.invalidSelection` where it has some of it.
  func isNamed(by region: Region, _ what: String) throws(FirnError) -> Bool {
    let own: Region = block.map { .blocks([$0]) } ?? .whole
    let shared = try Region.overlap(own, region, of: variable)
    guard let shared, shared != own else { return shared != nil }
    throw FirnError(
      .invalidSelection, "\(what) names a part of `\(self)`, which is trained as one",
      remedy: "name all of it, or train its parts by objectives of their own", place: variable.name)
  }
}
