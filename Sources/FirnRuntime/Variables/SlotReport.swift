public import FirnGraph

/// What happened to the optimiser's slots of a variable, or of one block of it, when a program was compiled.
///
/// A slot is what an optimiser remembers from step to step, such as Adam's moments: PyTorch's `optimizer.state`.
public struct SlotReport: Hashable, Sendable {
  /// Where the memory comes from.
  public enum Origin: String, Hashable, Sendable {
    /// As the last program of this optimiser left it.
    case kept
    /// Zeros, or whatever the optimiser starts from.
    case fresh
    /// The variable is no longer trained; should a later program train it, its memory starts fresh.
    case dropped
  }

  /// Its path.
  public let variable: String
  /// The block they are of; nil for the whole variable.
  public let block: Block?
  /// What happened to the slots.
  public let origin: Origin
}
