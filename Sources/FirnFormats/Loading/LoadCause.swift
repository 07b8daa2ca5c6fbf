import FirnGraph

/// The one reason why no name of a file is that of a variable, where there is one: what would have to be said to load it.
package struct LoadCause {
  package let message: String
  /// A call that loads.
  let remedy: String
  /// Options of the command that make up for it, before any others.
  package let options: [String]

  /// How many beginnings of names are tried.
  private static let most = 32

  /// - Returns: nil where nothing makes names and shapes fit.
  /// - Complexity: that of a load's plan, for each of at most 32 beginnings and a few maps and scopes.
  static func found(
    _ weights: Weights, targets: [Variable], scope: String?, mapping: NameMap
  ) -> LoadCause? {
    let wanted = shapes(of: targets, below: scope ?? "")
    let beginnings = beginnings(weights)
    let maps: [(map: NameMap, name: String?)] =
      [(mapping, nil)] + (mapping == .identity ? [(.pyTorch, ".pyTorch"), (.keras, ".keras")] : [])
    var best: (fits: Int, beginning: String, map: String?)?
    for (map, name) in maps {
      for beginning in [""] + beginnings {
        guard let part = beginning.isEmpty ? weights : try? weights.below(beginning) else { continue }
        let fitting = fits(part, map, wanted)
        if fitting > best?.fits ?? 0 { best = (fitting, beginning, name) }
      }
    }
    guard let best else {
      return deeper(weights, targets: targets, mapping: mapping)
    }
    let map = best.map.map { ", mapping: \($0)" } ?? (mapping == .identity ? "" : ", mapping: …")
    let framework = best.map.map { $0 == ".pyTorch" ? "PyTorch" : "Keras" }
    guard !best.beginning.isEmpty else {
      guard let framework else { return nil }
      return LoadCause(
        message: "the names in \(weights.source) are those of \(framework)",
        remedy: "write `load(weights\(map))`", options: ["--map \(framework.lowercased())"])
    }
    let count = weights.entries.count { $0.name.hasPrefix(best.beginning) }
    return LoadCause(
      message:
        "\(count) name\(count == 1 ? "" : "s") in \(weights.source) begin with `\(best.beginning)`: load from there"
        + (framework.map { ", as those of \($0)" } ?? ""),
      remedy: "write `load(weights.below(\"\(best.beginning)\")\(map))`",
      options: ["--map \(best.beginning)="] + (framework.map { ["--map \($0.lowercased())"] } ?? []))
  }

  /// Variables that lie deeper than the file says.
  private static func deeper(_ weights: Weights, targets: [Variable], mapping: NameMap) -> LoadCause? {
    var best: (fits: Int, scope: String)?
    var seen: Set<String> = []
    for variable in targets {
      var path = variable.name.split(separator: "/")
      while path.popLast() != nil, !path.isEmpty {
        let scope = path.joined(separator: "/")
        guard seen.count < Self.most, seen.insert(scope).inserted else { continue }
        let fitting = fits(weights, mapping, shapes(of: targets, below: scope))
        if fitting > best?.fits ?? 0 { best = (fitting, scope) }
      }
    }
    guard let best else { return nil }
    return LoadCause(
      message: "the names in \(weights.source) are those of variables in `\(best.scope)`",
      remedy: "write `load(weights, into: \"\(best.scope)\", …)`", options: ["--into \(best.scope)"])
  }

  /// Shapes of variables in a scope, by their names there.
  private static func shapes(of variables: [Variable], below scope: String) -> [String: [Int]] {
    var shapes: [String: [Int]] = [:]
    for variable in variables where variable.name != scope && Path.isWithin(variable.name, scope) {
      let name = variable.name.dropFirst(scope.isEmpty ? 0 : scope.count + 1)
      shapes[String(name)] = ArrayType(variable.type)?.shape
    }
    return shapes
  }

  /// How many of a file's tensors are for these variables; 0 for less than half of what there could be.
  private static func fits(_ weights: Weights, _ map: NameMap, _ shapes: [String: [Int]]) -> Int {
    guard let mapped = try? MappedWeights(weights, by: map) else { return 0 }
    let fits = mapped.weights.count { shapes[$0.target] == $0.shape }
    let count = mapped.weights.count { !$0.isCount || shapes[$0.target] != nil }
    return 2 * fits >= min(count, shapes.count) ? fits : 0
  }

  /// What names of the file begin with, up to a dot or slash, those of most names first.
  private static func beginnings(_ weights: Weights) -> [String] {
    var counts: [String: Int] = [:]
    var order: [String] = []
    for entry in weights.entries {
      for (depth, end) in entry.name.indices.filter({ [".", "/"].contains(entry.name[$0]) }).enumerated()
      where depth < 8 {
        let beginning = String(entry.name[...end])
        if counts[beginning] == nil { order.append(beginning) }
        counts[beginning, default: 0] += 1
      }
    }
    let ranked = order.enumerated().sorted {
      (-(counts[$0.element] ?? 0), $0.offset) < (-(counts[$1.element] ?? 0), $1.offset)
    }
    return ranked.prefix(most).map(\.element)
  }
}
