public import FirnGraph

/// What happened to the optimiser slots of a variable, or of one block of it, when a program was compiled.
public struct SlotReport: Hashable, Sendable {
  public enum Origin: String, Hashable, Sendable {
    case kept
    case fresh
    /// The variable is no longer trained; should a later program train it, its memory starts fresh.
    case dropped
  }

  public let variable: String
  /// The block they are of; nil for the whole variable.
  public let block: Block?
  public let origin: Origin
}
