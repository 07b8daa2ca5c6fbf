public import FirnGraph

/// A variable that a selection names, in whole or in part.
public struct SelectedVariable: Hashable, Sendable {
  /// The declaration.
  public let variable: Variable
  /// How much of it is meant.
  public let region: Region
  /// The parts of the selection that name it, as they were written.
  public let matchedBy: [String]

  /// A variable, or part of one, and what named it.
  public init(variable: Variable, region: Region, matchedBy: [String]) {
    self.variable = variable
    self.region = region
    self.matchedBy = matchedBy
  }
}
