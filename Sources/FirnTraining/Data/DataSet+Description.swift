import FirnGraph
import FirnNotation
import FirnRuntime

extension DataSet: CustomStringConvertible {
  /// How many examples there are, and the columns with their types, in one line.
  public var description: String {
    "\(NumberFormat.count(count)) examples: "
      + columns.map { "\($0.name) \($0.array.type)" }.joined(separator: ", ")
  }
}
