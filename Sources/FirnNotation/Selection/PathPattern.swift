import FirnGraph

/// A path glob that matches by whole components: `*` within one component, `**` for any number of them.
///
/// A pattern selects what it matches and everything below it, so a bare scope selects all it contains.
struct PathPattern: Hashable, Sendable {
  let text: String

  init(_ text: String) { self.text = text }

  var hasWildcards: Bool { text.utf8.contains(UInt8(ascii: "*")) }

  /// The pattern split once, for matching against many paths.
  func compiled() -> Compiled { Compiled(PathComponents(text).bytes) }

  struct Compiled {
    private let components: [[UInt8]]
    /// The same, and any number of others below.
    private let below: [[UInt8]]

    fileprivate init(_ components: [[UInt8]]) {
      self.components = components
      below = components + [Self.anything]
    }

    /// Whether `path` or a scope it lies in matches.
    ///
    /// - Complexity: O(pattern · path).
    func selects(_ path: PathComponents) -> Bool {
      wildcardMatch(below, path.bytes, isAny: { $0 == Self.anything }) { part, component in
        wildcardMatch(part, component, isAny: { $0 == UInt8(ascii: "*") }, fits: ==)
      }
    }

    /// Whether `path` itself matches.
    ///
    /// - Complexity: O(pattern · path).
    func names(_ path: PathComponents) -> Bool {
      wildcardMatch(components, path.bytes, isAny: { $0 == Self.anything }) { part, component in
        wildcardMatch(part, component, isAny: { $0 == UInt8(ascii: "*") }, fits: ==)
      }
    }

    private static let anything = Array("**".utf8)
  }
}

/// A path split at its slashes.
struct PathComponents {
  let bytes: [[UInt8]]

  init(_ path: String) { bytes = path.utf8.split(separator: UInt8(ascii: "/")).map(Array.init) }
}

/// Whether `text` fits `pattern`, whose wildcards stand for any number of elements.
///
/// After a mismatch only the last wildcard need take one more: what earlier ones took is never revisited.
///
/// - Complexity: O(pattern · text).
private func wildcardMatch<Element>(
  _ pattern: [Element], _ text: [Element], isAny: (Element) -> Bool, fits: (Element, Element) -> Bool
) -> Bool {
  var (p, t) = (0, 0)
  var resume: (p: Int, t: Int)?
  while t < text.count {
    if p < pattern.count, isAny(pattern[p]) {
      resume = (p + 1, t)
      p += 1
    } else if p < pattern.count, fits(pattern[p], text[t]) {
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
