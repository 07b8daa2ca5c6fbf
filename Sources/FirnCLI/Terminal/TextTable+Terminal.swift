import FirnNotation

extension TextTable {
  /// The table as it is shown in a terminal or, if the output goes elsewhere, as plain text.
  func text(for terminal: Terminal) -> String {
    text(width: terminal.tableWidth, rule: terminal.usesStyles ? "─" : "-", header: terminal.bold)
  }
}
