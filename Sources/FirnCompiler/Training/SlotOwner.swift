/// Whose memory an optimiser's slot is.
package struct SlotOwner: Hashable, Sendable {
  /// The optimiser's name.
  package let optimizer: String
  /// Nil where the slot is kept once for the whole program.
  package let part: TrainedPart?

  package init(optimizer: String, part: TrainedPart?) {
    self.optimizer = optimizer
    self.part = part
  }
}
