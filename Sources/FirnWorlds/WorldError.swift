/// What went wrong between the members of a world: which of them says so, what, and what to do.
///
/// After one the world is of no more use: its members may stand at different places of the program.
public struct WorldError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The member that says so; nil where there is no world yet.
  public var rank: Int?
  /// What happened, and where.
  public var message: String
  /// What can be done about it.
  public var remedy: String

  /// An error of one member, or of none.
  public init(rank: Int? = nil, _ message: String, remedy: String) {
    self.rank = rank
    self.message = message
    self.remedy = remedy
  }

  /// Who says what, and below it the remedy.
  public var description: String {
    let place = rank.map { " (rank \($0))" } ?? ""
    return "error[world]\(place): \(message)\n  remedy: \(remedy)"
  }
}
