import FirnFiles
public import FirnGraph
import FirnNotation
import FirnOps

/// Graphs as files of the text form, by custom named `*.firn`.
extension GraphDef {
  /// Reads a graph file.
  ///
  /// - Throws: `.file` where it cannot be read, `.parse` with line, column and a caret where it is no graph.
  public init(contentsOfFile path: String) throws(FirnError) {
    let text = try TextFile.read(path)
    do throws(FirnError) {
      try self.init(parsing: text, catalogue: .standard)
    } catch {
      var error = error
      error.place = path
      throw error
    }
  }

  /// Writes the graph's text, source locations included, whole or not at all.
  ///
  /// - Throws: `.file` where it cannot be written.
  public func write(toFile path: String) throws(FirnError) {
    try TextFile.write(text(includingLocations: true), to: path)
  }
}

extension Graph {
  /// Writes what has been built so far as a graph file.
  ///
  /// - Throws: the faults of the graph, if it has any, and `.file` where the file cannot be written.
  public func write(to path: String) throws(FirnError) {
    try validate()
    try definition.write(toFile: path)
  }
}
