import FirnGraph
import FirnOps

/// What steps make of shadows: the nodes that move each towards its source as the step leaves that.
struct ShadowUpdates {
  private let shadows: [Variable]
  private let sources: Set<String>
  private let declared: [String: Variable]
  /// What the step assigns to state, by variable.
  private var assigned: [String: Value] = [:]
  /// What the trained parts of each source are after the step.
  private var moved: [String: [(part: TrainedPart, value: Tensor)]] = [:]
  /// For each source that is trained, whether its step is made in a run; nil for in every one.
  private var due: [String: [Tensor?]] = [:]

  init(of graph: GraphDef) {
    shadows = graph.variables.filter { $0.shadow != nil }
    sources = Set(shadows.compactMap(\.shadow?.source))
    guard !shadows.isEmpty else {
      declared = [:]
      return
    }
    declared = Dictionary(graph.variables.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for position in graph.nodes.indices where graph.nodes[position].traits.contains(.writes) {
      let node = graph.nodes[position]
      guard case .writes(let name) = node.op.effect, let value = node.inputs.first else { continue }
      assigned[name] = value
    }
  }

  func isFollowed(_ variable: String) -> Bool { sources.contains(variable) }

  /// What the step makes of a variable.
  mutating func record(
    _ values: [(part: TrainedPart, value: Tensor)], of variable: Variable, due: [Tensor?]
  ) {
    guard isFollowed(variable.name), !values.isEmpty else { return }
    moved[variable.name] = values
    self.due[variable.name] = due
  }

  /// Moves the shadows of what this program trains, those declared together as one.
  func append(to graph: Graph) {
    var groups: [[Variable]] = []
    for variable in shadows {
      if let last = groups.last?.last, last.location == variable.location,
        last.shadow?.counter == variable.shadow?.counter,
        last.shadow?.interval == variable.shadow?.interval, Self.isBeside(last, variable)
      {
        groups[groups.count - 1].append(variable)
      } else {
        groups.append([variable])
      }
    }
    for group in groups where group.contains(where: { moved[$0.shadow?.source ?? ""] != nil }) {
      append(group, to: graph)
    }
  }

  /// Whether the paths of two shadows and those of their sources begin alike, as where one call declared both.
  private static func isBeside(_ a: Variable, _ b: Variable) -> Bool {
    func scopes(_ variable: Variable) -> (String, String) {
      let (own, source) = (variable.name, variable.shadow?.source ?? "")
      let common = zip(own.reversed(), source.reversed()).prefix { $0 == $1 }.count
      return (String(own.dropLast(common)), String(source.dropLast(common)))
    }
    return scopes(a) == scopes(b)
  }

  private func append(_ group: [Variable], to graph: Graph) {
    var isDue = Self.any(group.flatMap { due[$0.shadow?.source ?? ""] ?? [] })
    if let counter = group[0].shadow?.counter, let declaration = declared[counter],
      let interval = group[0].shadow?.interval
    {
      graph.section("update/" + counter, phase: .update) {
        let steps = graph.append(ReadVariable(declaration), [], name: "steps")[0]
        let next = steps + 1
        let isLast = greaterEqual(next, Double(interval))
        let count = select(where: isLast, next.filled(0), otherwise: next)
        assign(isDue.map { select(where: $0, count, otherwise: steps) } ?? count, to: declaration, in: graph)
        isDue = isDue.map { logicalAnd($0, isLast) } ?? isLast
      }
    }
    for variable in group {
      guard let shadow = variable.shadow, let source = declared[shadow.source] else { continue }
      if let other = assigned[variable.name] {
        graph.report(
          FirnError(
            .invalidGraph,
            "one run would write `\(variable.name)` twice: by `\(Tensor(graph, other).name)` and as \(shadow)",
            remedy:
              "declare the shadow with `statistics: .own` where batches move it, or leave its scope out of "
              + "`keepingTrainingMode:`", place: variable.name))
        continue
      }
      graph.section("update/" + variable.name, phase: .update) {
        let old = graph.append(ReadVariable(variable), [], name: "shadow")[0]
        let new = after(source, in: graph)
        let next = shadow.decay == 0 ? new : old + (1 - shadow.decay) * (new - old)
        assign(isDue.map { select(where: $0, next, otherwise: old) } ?? next, to: variable, in: graph)
      }
    }
  }

  /// What a source is after the step.
  private func after(_ source: Variable, in graph: Graph) -> Tensor {
    if let value = assigned[source.name] { return Tensor(graph, value) }
    let parts = moved[source.name] ?? []
    if let whole = parts.first(where: { $0.part.block == nil }) { return whole.value }
    let before = graph.append(ReadVariable(source), [], name: "source")[0]
    guard let axis = parts.first?.part.block?.axis else { return before }
    return Compiler.joined(parts, axis: axis, of: source, and: before)
  }

  private func assign(_ value: Tensor, to variable: Variable, in graph: Graph) {
    _ = graph.append(AssignVariable(variable.name), [value])
  }

  /// Whether any of several things is so, where nil is what always is.
  private static func any(_ flags: [Tensor?]) -> Tensor? {
    var result: Tensor?
    var seen: Set<Tensor> = []
    for flag in flags {
      guard let flag else { return nil }
      guard seen.insert(flag).inserted else { continue }
      result = result.map { logicalOr($0, flag) } ?? flag
    }
    return result
  }
}
