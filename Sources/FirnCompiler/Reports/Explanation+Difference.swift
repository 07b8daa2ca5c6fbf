public import FirnGraph

extension Explanation {
  /// What changes from `before` to `after`, for thawing step by step.
  ///
  /// - Throws: what compiling either throws.
  public static func difference(
    _ before: Explanation, _ after: Explanation
  ) throws(FirnError) -> Difference {
    let (old, new) = (before.outcomes, after.outcomes)
    let known = Set(before.variables.map(\.name))
    var (thawed, frozen, changes): ([String], [String], [Difference.Change]) = ([], [], [])
    for variable in before.variables + after.variables.filter({ !known.contains($0.name) }) {
      let name = variable.name
      let (a, b) = (old[name], new[name])
      if a?.status == b?.status, a?.trained == b?.trained { continue }
      thawed += parts(of: b?.trained, without: a?.trained, of: variable)
      frozen += parts(of: a?.trained, without: b?.trained, of: variable)
      changes.append(
        Difference.Change(
          variable: name, before: a?.status, after: b?.status, blocksBefore: a?.blocks ?? [],
          blocksAfter: b?.blocks ?? []))
    }
    return Difference(
      thawed: thawed, frozen: frozen, changes: changes, before: try before.total(),
      after: try after.total())
  }

  /// What becomes of a variable, and what of it a gradient really moves.
  private struct Outcome {
    var status: TrainingStatus
    var trained: Region?
    var blocks: [String] { trained?.blocks.map(\.description) ?? [] }
  }

  private var outcomes: [String: Outcome] {
    var result: [String: Outcome] = [:]
    for variable in variables {
      let (status, _) = verdicts.verdict(on: variable)
      let moves = status == .trained || status == .partly
      result[variable.name] = Outcome(
        status: status, trained: moves ? trainability.trainedRegion(variable.name) : nil)
    }
    return result
  }

  /// What `region` has and `other` has not, as selections write it.
  private static func parts(of region: Region?, without other: Region?, of variable: Variable) -> [String] {
    var rest = region
    // What blocks along another axis leave are no blocks; then all of them are named.
    do throws(FirnError) { rest = try Region.difference(region, other, of: variable) } catch {}
    return switch rest {
    case nil: []
    case .whole: [variable.name]
    case .blocks(let blocks): blocks.map { variable.name + $0.description }
    }
  }
}
