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
    guard let first = pattern.first else { return path.isEmpty }
    if first == "**" {
      return (path.startIndex...path.endIndex).contains { matches(pattern.dropFirst(), path[$0...]) }
    }
    guard let component = path.first, glob(Array(first.utf8)[...], Array(component.utf8)[...]) else {
      return false
    }
    return matches(pattern.dropFirst(), path.dropFirst())
  }

  private static func glob(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    if first == UInt8(ascii: "*") {
      return (text.startIndex...text.endIndex).contains { glob(pattern.dropFirst(), text[$0...]) }
    }
    return text.first == first && glob(pattern.dropFirst(), text.dropFirst())
  }
}
