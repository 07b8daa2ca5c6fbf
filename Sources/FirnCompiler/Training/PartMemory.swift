/// What is remembered of a part under one name: an optimiser's, or that of averages.
package struct PartMemory: Hashable, Sendable {
  package var owner: String
  package var slots: [OptimizerSlot]
}
