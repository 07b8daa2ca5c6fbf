/// Another way to what a node computes, up to rounding: an operand is made into something beforehand, and what reads that
/// has less to do.
package struct Preparation: Sendable {
  /// Makes what is read of the operand.
  package var prepare: any Op
  /// Reads it in place of the op.
  package var op: any Op
  /// What reports call it: `winograd 2×2`.
  package var name: String
  /// How far results are off, relative to the greatest, on random numbers of these extents; nil where the bound that the
  /// pages state for all extents is all there is to say.
  package var error: Double?

  package init(_ prepare: any Op, then op: any Op, name: String, error: Double? = nil) {
    (self.prepare, self.op, self.name, self.error) = (prepare, op, name, error)
  }
}
