public import FirnGraph

extension Explanation {
  /// What changes from `before` to `after`, for thawing step by step.
  ///
  /// - Throws: what compiling either throws.
  public static func difference(
    _ before: Explanation, _ after: Explanation
  ) throws(FirnError) -> Difference {
    let old = before.variables.map { ($0.name, before.standing(of: $0).0) }
    let new = after.variables.map { ($0.name, after.standing(of: $0).0) }
    let oldStanding = Dictionary(old) { first, _ in first }
    let newStanding = Dictionary(new) { first, _ in first }
    let names = old.map(\.0) + new.map(\.0).filter { oldStanding[$0] == nil }
    let changes = names.compactMap { name in
      oldStanding[name] == newStanding[name]
        ? nil : Difference.Change(variable: name, before: oldStanding[name], after: newStanding[name])
    }
    return Difference(
      thawed: changes.filter { $0.after == .trained }.map(\.variable),
      frozen: changes.filter { $0.before == .trained }.map(\.variable), changes: changes,
      before: CostCount(try before.compiled()).total, after: CostCount(try after.compiled()).total)
  }
}
