public import FirnGraph

/// A node as reports name it.
public struct NodePlace: Hashable, Sendable, Codable {
  public let name: String
  public let op: String
  public let scope: String
  public let file: String?
  public let line: Int?

  init(_ node: Node) {
    name = node.name
    op = node.mnemonic
    scope = node.scope
    file = node.location?.file
    line = node.location?.line
  }

  /// Where the user's program made it.
  public var location: SourceLocation? {
    if let file, let line { SourceLocation(file: file, line: line) } else { nil }
  }
}
