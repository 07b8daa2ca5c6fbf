public import FirnGraph

/// What a selection names, as an ordered table: one row for each variable, in creation order.
public struct SelectionTable: Hashable, Sendable, Codable {
  /// A variable, in whole or in part.
  public struct Row: Hashable, Sendable, Codable {
    /// The variable's path.
    public let path: String
    /// Its element type, as graph text has it: `f32`.
    public let dtype: String
    /// The extents of the whole variable.
    public let shape: [Int]
    /// What of it is selected.
    public let region: Region
    /// Number of elements selected.
    public let count: Int
    /// Bytes the selected elements occupy.
    public let bytes: Int
    /// Empty where it has no role.
    public let role: String
    /// What it was declared as; what a program makes of it is the program's to say.
    public let status: TrainingStatus
    /// The parts of the selection that name it, as its text form writes them.
    public let matchedBy: [String]

    /// Element type, extents and selected blocks: `f32[5,4][0..<3]`.
    public var type: String {
      let extents = shape.map(String.init).joined(separator: ",")
      return "\(dtype)[\(extents)]" + (region == .whole ? "" : region.description)
    }
  }

  /// The selection, in its text form.
  public let selection: String
  /// What is selected, in creation order.
  public let rows: [Row]

  /// Number of elements selected in all.
  public var count: Int { rows.reduce(0) { $0 + $1.count } }
  /// Bytes the selected elements occupy.
  public var bytes: Int { rows.reduce(0) { $0 + $1.bytes } }
}

extension Selection {
  /// What it names, as a table.
  ///
  /// - Throws: as `resolve(in:)` does.
  package func table(in context: SelectionContext) throws(FirnError) -> SelectionTable {
    let rows = try resolve(in: context).map { selected in
      let variable = selected.variable
      let shape = variable.type.shape.extents ?? []
      let count = selected.region.elementCount(extents: shape)
      return SelectionTable.Row(
        path: variable.name, dtype: variable.type.dtype.rawValue, shape: shape, region: selected.region,
        count: count, bytes: count * variable.type.dtype.byteCount, role: variable.role,
        status: variable.declaredStatus,
        matchedBy: selected.matchedBy)
    }
    return SelectionTable(selection: description, rows: rows)
  }
}
