public import FirnGraph

/// A node as reports name it.
public struct NodePlace: Hashable, Sendable, Codable {
  /// Its path in the graph, or in the loop's body it stands in.
  public let name: String
  /// Its op, as graph text has it: `matmul`.
  public let op: String
  /// The scope it stands in; empty at the top.
  public let scope: String
  /// The file of the program that made it, or of the model with its node, as `CallSite.file` has it.
  ///
  /// Nil where that is not known.
  public let file: String?
  /// The line there, or the node's number.
  public let line: Int?
  /// The loops in whose bodies it stands, outermost first, by their names there.
  public let loops: [String]

  init(_ node: Node, in loops: [String] = []) {
    self.loops = loops
    name = node.name
    op = node.mnemonic
    scope = node.scope
    file = node.location?.file
    line = node.location?.line
  }

  /// Its name behind those of its loops: `lstm/scan › recurrent/matmul`.
  public var path: String { (loops + [name]).joined(separator: " › ") }

  /// Where the user's program made it.
  public var location: CallSite? {
    if let file, let line { CallSite(file: file, line: line) } else { nil }
  }
}
