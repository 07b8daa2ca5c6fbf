/// The place in a user's program that made a node.
public struct CallSite: Hashable, Sendable, CustomStringConvertible {
  public var file: String
  public var line: Int

  public init(file: String, line: Int) {
    self.file = file
    self.line = line
  }

  package init(_ file: StaticString, _ line: UInt) {
    self.init(file: file.description, line: Int(line))
  }

  public var description: String { "\(file):\(line)" }
}
