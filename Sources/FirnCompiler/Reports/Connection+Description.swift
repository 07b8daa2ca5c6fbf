import FirnGraph
package import FirnNotation

extension Connection: CustomStringConvertible {
  /// The path as a table, or the nodes that cut every path.
  public var description: String { report(of: nil).description }

  /// - Parameter what: source and target in words, where they are known.
  package func report(of what: String?) -> TextReport {
    let gradient = what.map { "the gradient of \($0)" } ?? "the gradient"
    var report = TextReport()
    switch verdict {
    case .connected:
      report.line("\(gradient) passes along \(path.count == 1 ? "1 node" : "\(path.count) nodes"):")
      var table = TextTable([.init("node", .name), .init("op"), .init("made at")])
      for place in path { table.append([place.path, place.op, place.location?.description ?? ""]) }
      report.table(table)
    case .unconnected:
      report.line("there is no path for \(gradient)")
    case .cut:
      report.line("every path for \(gradient) is cut:")
      report.table(Self.table(of: cuts))
      if opening != cuts {
        report.line()
        report.line("on the path with the fewest cuts:")
        report.table(Self.table(of: opening))
      }
    }
    return report
  }

  private static func table(of cuts: [CuttingNode]) -> TextTable {
    var table = TextTable([.init("node", .name), .init("cut by"), .init("made at"), .init("inside")])
    for cut in cuts {
      table.append([
        cut.node.name, cut.kind.rawValue, cut.node.location?.description ?? "",
        cut.inside.joined(separator: ", "),
      ])
    }
    return table
  }
}

extension CuttingNode: CustomStringConvertible {
  /// Kind and node in one line: `stop_gradient at encoder/stop_gradient (Model.swift:12)`.
  public var description: String {
    "\(kind.rawValue) at \(node.path)" + (node.location.map { " (\($0))" } ?? "")
      + (inside.isEmpty ? "" : ", inside: " + inside.joined(separator: ", "))
  }
}

extension NodePlace: CustomStringConvertible {
  /// Path, op and line of the program: `lstm/scan › matmul : matmul (Model.swift:12)`.
  public var description: String { "\(path) : \(op)" + (location.map { " (\($0))" } ?? "") }
}

extension VariableExplanation: CustomStringConvertible {
  /// Status and reason, then the path from the loss or what cuts it.
  public var description: String { report.description }

  package var report: TextReport {
    var report = TextReport()
    report.line("\(variable): \(status.rawValue)")
    report.paragraph(reason, indent: 2)
    if !readers.isEmpty { report.paragraph("read in " + StatusReport.readersInWords(readers), indent: 2) }
    if let connection {
      report.line()
      report.append(connection.report(of: "the loss by `\(variable)`"))
    }
    return report
  }
}
