/// Columns beside names, in as few tables as the width allows.
///
/// Numbers in terms of named dimensions can be too wide for one table, and cut they would say nothing.
package struct TextColumns: Sendable, Hashable {
  /// Columns that stay in one table, such as a figure and what it is compared with.
  package struct Group: Sendable, Hashable {
    package var columns: [TextTable.Column]
    /// As many cells as there are columns for each name; missing ones are empty.
    package var rows: [[String]]
    /// Whether it begins a table of its own wherever there is more than one.
    package var startsTable = false

    package init(_ columns: [TextTable.Column], rows: [[String]], startsTable: Bool = false) {
      self.columns = columns
      self.rows = rows
      self.startsTable = startsTable
    }
  }

  package let title: String
  package let names: [String]
  package private(set) var groups: [Group]

  package init(_ title: String, _ names: [String], _ groups: [Group] = []) {
    self.title = title
    self.names = names
    self.groups = groups
  }

  package mutating func append(_ columns: [TextTable.Column], rows: [[String]]) {
    groups.append(Group(columns, rows: rows))
  }

  /// The tables, each beginning with the names; a group that is too wide stands alone.
  ///
  /// - Parameter width: what lines may fill; nil for one table.
  package func tables(width: Int?) -> [TextTable] {
    guard let width else { return [table(of: groups[...])] }
    var tables: [TextTable] = []
    var start = 0
    for end in groups.indices.dropFirst()
    where groups[end].startsTable || table(of: groups[start...end]).width > width {
      tables.append(table(of: groups[start..<end]))
      start = end
    }
    return tables + [table(of: groups[start...])]
  }

  private func table(of groups: ArraySlice<Group>) -> TextTable {
    var table = TextTable([.init(title, .name)] + groups.flatMap(\.columns))
    for (number, name) in names.enumerated() {
      table.append(
        [name]
          + groups.flatMap { group in
            group.columns.indices.map { column in
              let row = number < group.rows.count ? group.rows[number] : []
              return column < row.count ? row[column] : ""
            }
          })
    }
    return table
  }
}
