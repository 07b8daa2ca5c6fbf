package import FirnCompiler

/// Whose memory an optimiser's slot is.
package struct SlotOwner: Hashable, Sendable {
  package let optimizer: String
  /// Nil where the slot is kept once for the whole program.
  package let part: TrainedPart?
}
