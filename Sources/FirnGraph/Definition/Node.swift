/// One operation of a graph with its operands.
public struct Node: Sendable {
  package var op: any Op
  package var inputs: [Value]
  /// The types of its results.
  public package(set) var types: [TensorType]
  /// A path of scopes and a last component, unique in the graph.
  public package(set) var name: String
  public package(set) var phase: Phase
  public package(set) var location: CallSite?

  package init(
    op: any Op, inputs: [Value], types: [TensorType], name: String, phase: Phase = .forward,
    location: CallSite? = nil
  ) {
    self.op = op
    self.inputs = inputs
    self.types = types
    self.name = name
    self.phase = phase
    self.location = location
  }

  /// The op's name, as text and DOT show it.
  public var mnemonic: String { op.mnemonic }

  /// The path of the scope it stands in; empty at the top.
  public var scope: String { Path.parent(of: name) }

  /// The part of a step a node belongs to.
  public enum Phase: String, Hashable, Sendable, CaseIterable {
    /// Written by the user.
    case forward
    /// An adjoint, or what is needed only for one.
    case backward
    /// The optimiser's.
    case update
  }
}

extension Node: Hashable {
  public static func == (a: Node, b: Node) -> Bool {
    a.name == b.name && a.phase == b.phase && a.inputs == b.inputs && a.types == b.types
      && a.op.isEqual(to: b.op)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(inputs)
    hasher.combine(types)
  }
}

/// Paths of names joined by `/`.
package enum Path {
  package static func parent(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  package static func last(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  package static func joined(_ scope: String, _ name: String) -> String {
    scope.isEmpty ? name : scope + "/" + name
  }

  /// Whether `path` is `scope` itself or lies below it; whole components only.
  package static func isWithin(_ path: String, _ scope: String) -> Bool {
    scope.isEmpty || path == scope || path.hasPrefix(scope + "/")
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
    !path.isEmpty
      && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
        !part.isEmpty
          && part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
              UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
              true
            default: false
            }
          }
      }
  }
}
