/// A path glob that matches by whole components: `*` within one component, `**` for any number of them.
///
/// A pattern selects what it matches and everything below it, so a bare scope selects all it contains.
struct PathPattern: Hashable, Sendable {
  let text: String
  private let components: [String]

  init(_ text: String) {
    self.text = text
    components = text.split(separator: "/").map(String.init)
  }

  /// Whether `path` or a scope it lies in matches.
  func selects(_ path: String) -> Bool {
    let parts = path.split(separator: "/").map(String.init)
    return (1...max(1, parts.count)).contains { length in
      Self.matches(components[...], parts.prefix(length))
    }
  }

  private static func matches(_ pattern: ArraySlice<String>, _ path: ArraySlice<String>) -> Bool {
    wildcardMatch(pattern, path, isAny: { $0 == "**" }) { part, component in
      wildcardMatch(
        Array(part.utf8)[...], Array(component.utf8)[...], isAny: { $0 == UInt8(ascii: "*") }, fits: ==)
    }
  }

  /// Whether `text` fits `pattern`, whose wildcards stand for any number of elements.
  ///
  /// After a mismatch only the last wildcard need take one more: what earlier ones took is never revisited.
  ///
  /// - Complexity: O(pattern · text).
  private static func wildcardMatch<Element>(
    _ pattern: ArraySlice<Element>, _ text: ArraySlice<Element>, isAny: (Element) -> Bool,
    fits: (Element, Element) -> Bool
  ) -> Bool {
    var (p, t) = (pattern.startIndex, text.startIndex)
    var resume: (p: Int, t: Int)?
    while t < text.endIndex {
      if p < pattern.endIndex, isAny(pattern[p]) {
        resume = (p + 1, t)
        p += 1
      } else if p < pattern.endIndex, fits(pattern[p], text[t]) {
        p += 1
        t += 1
      } else if let last = resume {
        resume = (last.p, last.t + 1)
        (p, t) = (last.p, last.t + 1)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy(isAny)
  }
}
