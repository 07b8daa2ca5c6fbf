public import FirnGraph

/// A variable that a selection names, in whole or in part.
public struct SelectedVariable: Hashable, Sendable {
  public let variable: Variable
  public let region: Region
  /// The parts of the selection that name it, as they were written.
  public let matchedBy: [String]

  public init(variable: Variable, region: Region, matchedBy: [String]) {
    self.variable = variable
    self.region = region
    self.matchedBy = matchedBy
  }
}
