package import FirnNotation

/// What lint found, in the order of codes.
public struct LintReport: Hashable, Sendable, RandomAccessCollection {
  private let findings: [Finding]

  package init(_ findings: [Finding]) { self.findings = findings }

  /// The first finding, 0.
  public var startIndex: Int { 0 }
  /// How many findings there are.
  public var endIndex: Int { findings.count }
  /// One of them.
  public subscript(position: Int) -> Finding { findings[position] }
}

extension LintReport: Codable {
  /// Reads a list of findings.
  public init(from decoder: any Decoder) throws { findings = try [Finding](from: decoder) }

  /// Writes a list of findings.
  public func encode(to encoder: any Encoder) throws { try findings.encode(to: encoder) }
}

extension LintReport: CustomStringConvertible {
  /// A paragraph for each finding, and how many there are.
  public var description: String { report.description }

  package var report: TextReport {
    var report = TextReport()
    guard !findings.isEmpty else {
      report.line("nothing found")
      return report
    }
    for finding in findings { report.append(finding.report) }
    report.line(findings.count == 1 ? "1 finding" : "\(findings.count) findings")
    return report
  }
}

extension Finding: CustomStringConvertible, CustomDebugStringConvertible {
  /// Code, message, places, remedy and page, as a paragraph.
  public var description: String { report.description }

  /// Code and message, in one line.
  public var debugDescription: String { "\(code.rawValue) \(severity.rawValue): \(message)" }

  var report: TextReport {
    var report = TextReport()
    report.paragraph(message, indent: 5, first: "\(code.rawValue) \(severity.rawValue): ")
    for place in places {
      guard let location = place.location else { continue }
      report.paragraph("at \(place.path) (\(location))", indent: 5)
    }
    report.paragraph("remedy: " + remedy, indent: 5)
    report.paragraph("see " + page, indent: 5)
    return report
  }
}
