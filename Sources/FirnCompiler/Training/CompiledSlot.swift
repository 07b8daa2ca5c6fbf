package import FirnGraph

/// A variable that holds an optimiser's memory, and whose memory it is.
package struct CompiledSlot: Hashable, Sendable {
  package let variable: Variable
  package let owner: SlotOwner
  /// Whether it starts as what its owner is.
  package let startsAtValue: Bool

  package init(_ variable: Variable, of owner: SlotOwner, startsAtValue: Bool = false) {
    self.variable = variable
    self.owner = owner
    self.startsAtValue = startsAtValue
  }
}
