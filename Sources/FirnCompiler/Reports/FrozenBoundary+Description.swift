package import FirnNotation
import FirnGraph

extension FrozenBoundary: CustomStringConvertible {
  /// What is stored and what that saves, the cheaper cuts, and what keeps more from being cached.
  ///
  /// Numbers are in terms of named dimensions; ``bound(by:)`` puts in their sizes.
  public var description: String { report.description }

  package var report: TextReport {
    var report = TextReport()
    if let cut {
      var table = TextTable([.init("cached"), .init("for each example"), .init("bytes", .right)])
      for value in cut.values { table.append([value.name, value.type, value.bytes.asBytes]) }
      report.table(table)
      report.paragraph(
        "caching the frozen features saves \(cut.savedFLOPs.asFLOPs) of \(stepFLOPs.asFLOPs) a step, "
          + "for \(cut.bytesPerExample.asBytes) an example")
      for other in cheaper {
        report.paragraph(
          "or \(other.savedFLOPs.asFLOPs) for \(other.bytesPerExample.asBytes): "
            + other.values.map(\.name).joined(separator: ", "))
      }
    } else {
      report.paragraph("there are no frozen features to cache")
    }
    for obstacle in obstacles { report.paragraph("`\(obstacle.node)` \(obstacle.reason)") }
    return report
  }
}
