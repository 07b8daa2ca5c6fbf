/// The place in a user's program that made a node, or the node of an imported model that it is made of.
public struct CallSite: Hashable, Sendable, CustomStringConvertible {
  /// The module and file, as `#fileID` gives them: `App/Model.swift`.
  ///
  /// Of an imported model the file's name, and the node's operator and name, behind that of the node it is called from.
  public var file: String
  /// The line, or the node's number in its graph, from 1.
  public var line: Int

  /// A line of a file.
  public init(file: String, line: Int) {
    self.file = file
    self.line = line
  }

  package init(_ file: StaticString, _ line: UInt) {
    self.init(file: file.description, line: Int(line))
  }

  /// As compilers write it: `App/Model.swift:12`.
  public var description: String { "\(file):\(line)" }
}
