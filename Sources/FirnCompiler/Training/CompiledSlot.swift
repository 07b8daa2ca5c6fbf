package import FirnGraph

/// A variable that holds an optimiser's memory, and whose memory it is.
package struct CompiledSlot: Hashable, Sendable {
  package let variable: Variable
  package let owner: SlotOwner
  /// Whether it starts as what its owner is.
  package let startsAtValue: Bool
  /// The slot that counts the runs of the window it is a sum over, with which it begins anew; nil for all else.
  package let window: String?

  package init(
    _ variable: Variable, of owner: SlotOwner, startsAtValue: Bool = false, window: String? = nil
  ) {
    self.variable = variable
    self.owner = owner
    self.startsAtValue = startsAtValue
    self.window = window
  }
}
