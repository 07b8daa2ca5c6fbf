package import FirnGraph

/// A variable that holds an optimiser's memory, and whose memory it is.
package struct CompiledSlot: Hashable, Sendable {
  package let variable: Variable
  package let owner: SlotOwner

  package init(_ variable: Variable, of owner: SlotOwner) {
    self.variable = variable
    self.owner = owner
  }
}
