/// Tells programs apart, and when nobody holds one any more.
final class ProgramIdentity: Sendable {}
