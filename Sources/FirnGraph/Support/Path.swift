/// Paths of names joined by `/`.
package enum Path {
  package static func parent(of path: String) -> String {
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? ""
  }

  package static func last(of path: String) -> String {
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.utf8.index(after: $0)...]) } ?? path
  }

  /// How many components it has; none where it is empty.
  package static func depth(of path: String) -> Int {
    path.isEmpty ? 0 : path.utf8.count { $0 == UInt8(ascii: "/") } + 1
  }

  package static func joined(_ scope: String, _ name: String) -> String {
    if scope.isEmpty { return name }
    var path = ""
    path.reserveCapacity(scope.utf8.count + 1 + name.utf8.count)
    path += scope
    path += "/"
    path += name
    return path
  }

  /// Whether `path` is `scope` itself or lies below it; whole components only.
  package static func isWithin(_ path: String, _ scope: String) -> Bool {
    guard !scope.isEmpty, path.hasPrefix(scope) else { return scope.isEmpty }
    let rest = path.utf8.dropFirst(scope.utf8.count)
    return rest.isEmpty || rest.first == UInt8(ascii: "/")
  }

  /// Whether `path` lies in `scope` and in no scope inside it.
  package static func isDirectly(_ path: String, in scope: String) -> Bool {
    isWithin(path, scope) && depth(of: path) == depth(of: scope) + 1
  }

  /// `path` without the leading `scope`, or as it stands where it does not lie within.
  package static func relative(_ path: String, to scope: String) -> String {
    isWithin(path, scope) && !scope.isEmpty ? String(path.dropFirst(scope.count + 1)) : path
  }

  /// Every enclosing scope, innermost first, without the root.
  package static func ancestors(of path: String) -> [String] {
    var result: [String] = []
    var current = parent(of: path)
    while !current.isEmpty {
      result.append(current)
      current = parent(of: current)
    }
    return result
  }

  /// Whether every component is made of letters, digits, `_`, `-` and `.`.
  package static func isValid(_ path: String) -> Bool {
    path.utf8.withContiguousStorageIfAvailable { isValid($0) } ?? isValid(Array(path.utf8))
  }

  private static func isValid(_ path: some Sequence<UInt8>) -> Bool {
    var isStart = true
    for byte in path {
      switch byte {
      case UInt8(ascii: "/") where !isStart: isStart = true
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
        isStart = false
      default: return false
      }
    }
    return !isStart
  }
}
