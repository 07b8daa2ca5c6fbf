import FirnGraph
package import FirnNotation

extension StatusReport: CustomStringConvertible {
  /// What becomes of every scope, then of every variable with the reason, as two tables.
  public var description: String { report.description }

  package var report: TextReport {
    var report = TextReport()
    if !scopes.isEmpty {
      var table = TextTable([
        .init("scope", .name), .init("status"), .init("mode"), .init("parameters", .right),
        .init("trained", .right),
      ])
      for scope in scopes {
        table.append([
          scope.path, scope.status.rawValue, scope.mode.rawValue, NumberFormat.count(scope.count),
          NumberFormat.count(scope.trainedCount),
        ])
      }
      report.table(table)
      report.line()
    }
    report.append(Self.listing(variables))
    return report
  }

  /// The table of some variables.
  package static func listing(_ variables: [VariableEntry]) -> TextReport {
    var report = TextReport()
    guard !variables.isEmpty else {
      report.line("no variables")
      return report
    }
    var table = TextTable([.init("variable", .name), .init("status"), .init("because"), .init("read in")])
    for entry in variables {
      table.append([
        entry.name, entry.statusText, entry.reason, readersInWords(entry.readers),
      ])
    }
    report.table(table)
    return report
  }

  /// Scopes that read a variable, of which the one around all has no path.
  static func readersInWords(_ readers: [String]) -> String {
    readers.map { $0.isEmpty ? "the top scope" : $0 }.joined(separator: ", ")
  }
}

extension StatusReport.VariableEntry: CustomStringConvertible {
  /// In one line: `encoder/kernel: frozen, it is frozen by …`.
  public var description: String { "\(name): \(statusText), \(reason)" }

  /// With the type that it is stored in: `frozen, bfloat16`.
  package var statusText: String { status.rawValue + (stored.map { ", \($0)" } ?? "") }
}

extension StatusReport.ScopeEntry: CustomStringConvertible {
  /// In one line: `encoder: frozen, inference mode, 0 of 160,000 trained`.
  public var description: String {
    "\(path): \(status.rawValue), \(mode.rawValue) mode, \(NumberFormat.count(trainedCount)) of "
      + "\(NumberFormat.count(count)) trained"
  }
}
