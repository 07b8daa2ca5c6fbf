import FirnGraph
import FirnNotation

extension Explanation {
  /// Selections that name a scope, `body`, and none of what is in `body_1`, which numbering made of the same name.
  func numberedSiblings() -> [Finding] {
    let selections: [(label: String, selection: Selection?)] = [
      ("freezing", request.freezing), ("thawing", request.thawing),
      ("keepingTrainingMode", request.keepingTrainingMode),
      ("keepingInferenceMode", request.keepingInferenceMode),
    ]
    var scopes: [String] = []
    var known: Set<String> = []
    for variable in variables {
      for scope in Path.ancestors(of: variable.name).reversed() where known.insert(scope).inserted {
        scopes.append(scope)
      }
    }
    let numbered = Dictionary(grouping: scopes) { Self.stem(of: $0) }
    return selections.flatMap { label, selection -> [Finding] in
      // One that names nothing but places without variables leaves nothing out.
      let named = (try? selection?.resolve(in: request.selectionContext)) ?? []
      if named.isEmpty { return [] }
      var touched: Set<String> = []
      var chosen: Set<String> = []
      for entry in named {
        let around = Path.ancestors(of: entry.variable.name)
        touched.formUnion(around)
        chosen.formUnion(around.filter(entry.matchedBy.contains))
      }
      return scopes.compactMap { scope -> Finding? in
        guard chosen.contains(scope) else { return nil }
        let others = (numbered[scope] ?? []).filter { !touched.contains($0) }
        guard !others.isEmpty else { return nil }
        let list = others.map { "`\($0)`" }.joined(separator: ", ")
        return Finding(
          .numberedSibling,
          "`\(label): \(selection?.description ?? scope)` names `\(scope)`, but not \(list), numbered as of the same name",
          subjects: [scope] + others,
          remedy:
            "name \(others.count == 1 ? "it" : "them") too, `\(([scope] + others).joined(separator: " | "))`, "
            + "or give scopes that differ names that do")
      }
    }
  }

  /// What a scope was called before a number was put behind its name; nil where there is none.
  private static func stem(of scope: String) -> String? {
    guard let line = scope.lastIndex(of: "_") else { return nil }
    let number = scope[line...].dropFirst()
    guard !number.isEmpty, number.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    return String(scope[..<line])
  }
}
