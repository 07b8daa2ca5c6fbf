public import FirnGraph
package import FirnNotation

/// For each trained variable, what freezing it too would save, in creation order.
public struct PinReport: Hashable, Sendable, RandomAccessCollection {
  private let pins: [Pin]

  package init(_ pins: [Pin]) { self.pins = pins }

  /// The first variable, 0.
  public var startIndex: Int { 0 }
  /// How many variables there are.
  public var endIndex: Int { pins.count }
  /// What one variable's freezing would save.
  public subscript(position: Int) -> Pin { pins[position] }

  /// The report with every name of `binding` replaced by its number; other names stay.
  public func bound(by binding: DimBinding) -> PinReport { PinReport(pins.map { $0.bound(by: binding) }) }
}

extension PinReport: Codable {
  /// Reads a list of pins.
  public init(from decoder: any Decoder) throws { pins = try [Pin](from: decoder) }

  /// Writes a list of pins.
  public func encode(to encoder: any Encoder) throws { try pins.encode(to: encoder) }
}

extension PinReport: CustomStringConvertible {
  /// A table, or a sentence where fewer than two variables are trained.
  public var description: String { report.description }

  package var report: TextReport {
    var report = TextReport()
    guard !pins.isEmpty else {
      report.line("fewer than two variables are trained, so no other could be frozen")
      return report
    }
    var columns = TextColumns("freezing too", pins.map(\.variable))
    for part in CostPart.all where part.name != "forward" && part.name != "update" {
      let title = part.name == "backward" ? "saves backward" : part.name
      columns.append([.init(title, .right)], rows: pins.map { [part.text(of: $0.saved)] })
    }
    columns.append(
      [.init("what it alone keeps")], rows: pins.map { [$0.kept.map(\.name).joined(separator: ", ")] })
    report.columns(columns)
    return report
  }
}

extension Pin {
  /// The pin with every name of `binding` replaced by its number; other names stay.
  public func bound(by binding: DimBinding) -> Pin {
    Pin(
      variable: variable, saved: saved.bound(by: binding),
      kept: kept.map { KeptValue(name: $0.name, bytes: $0.bytes.bound(by: binding)) })
  }
}

extension Pin: CustomStringConvertible {
  /// In one line: `freezing lstm/kernel too saves 3.1 MFLOP backward, …; it alone keeps lstm/transpose (32.0 KiB)`.
  public var description: String {
    "freezing \(variable) too saves \(saved.summary)"
      + (kept.isEmpty ? "" : "; it alone keeps " + kept.map(\.description).joined(separator: ", "))
  }
}

extension KeptValue: CustomStringConvertible {
  /// Name and size: `lstm/transpose (32.0 KiB)`.
  public var description: String { "\(name) (\(bytes.asBytes))" }
}
