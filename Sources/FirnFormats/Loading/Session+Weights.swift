public import FirnGraph
public import FirnNotation
public import FirnRuntime

extension Session {
  /// The selected variables as weights to be written to a file; all but optimiser slots by default.
  ///
  /// Names, order and bytes are those of the variables in creation order, whatever is frozen (rule 10).
  ///
  /// - Throws: where the selection is faulty or names part of a variable.
  /// - Complexity: O(1) for each variable: values are shared with the session until it writes them.
  public func weights(_ selection: Selection? = nil, source: String = "session") throws(FirnError) -> Weights
  {
    let snapshot = try snapshot(selection)
    if let part = snapshot.values.first(where: { $0.block != nil }) {
      throw FirnError(
        .invalidSelection, "the selection names part of `\(part.name)`",
        remedy: "files hold whole variables: name those", place: part.name)
    }
    return try Self.weights(snapshot, source)
  }

  /// The same of all variables, averages in the place of what they are of.
  ///
  /// - Parameter name: by which name a program compiled before keeps averages (`averaging:`).
  /// - Throws: `.unknownName` where none does.
  public func weights(underAverages name: String, source: String = "session") throws(FirnError) -> Weights {
    try Self.weights(try snapshot(underAverages: name), source)
  }

  private static func weights(_ snapshot: Snapshot, _ source: String) throws(FirnError) -> Weights {
    try Weights(
      source: source, entries: snapshot.values.map { WeightEntry(name: $0.name, array: $0.array) })
  }
}
