import FirnGraph
import FirnNotation

extension Explanation {
  /// Selections that name a scope, `body`, and none of what is in `body_1`, which numbering made of the same name.
  func numberedSiblings() -> [Finding] {
    let selections: [(label: String, selection: Selection?)] = [
      ("freezing", request.freezing), ("thawing", request.thawing),
      ("keepingTrainingMode", request.keepingTrainingMode),
    ]
    var scopes: [String] = []
    var known: Set<String> = []
    for variable in variables {
      for scope in Path.ancestors(of: variable.name).reversed() where known.insert(scope).inserted {
        scopes.append(scope)
      }
    }
    return selections.flatMap { label, selection -> [Finding] in
      // One that names nothing but places without variables leaves nothing out.
      let named = (try? selection?.resolve(in: request.selectionContext)) ?? []
      return scopes.compactMap { scope -> Finding? in
        guard
          named.contains(where: { $0.matchedBy.contains(scope) && Path.isWithin($0.variable.name, scope) })
        else { return nil }
        let others = scopes.filter { other in
          Self.isNumbered(other, like: scope) && !named.contains { Path.isWithin($0.variable.name, other) }
        }
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

  /// Whether `other` is `scope` with a number behind.
  private static func isNumbered(_ other: String, like scope: String) -> Bool {
    guard other.hasPrefix(scope + "_") else { return false }
    let number = other.dropFirst(scope.count + 1)
    return !number.isEmpty && number.allSatisfy { $0.isASCII && $0.isNumber }
  }
}
