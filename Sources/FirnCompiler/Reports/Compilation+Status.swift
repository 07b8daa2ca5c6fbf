package import FirnGraph

extension Compilation {
  /// What becomes of each variable and each scope, by what was found when compiling.
  ///
  /// - Throws: where a selection of modes names nothing that has two, or two the same.
  package func status() throws(FirnError) -> StatusReport {
    try context.verdicts(of: context.objectives, context.prunings.map(\.flow)).report.storing(
      StoredReport(context.stored, []))
  }
}
