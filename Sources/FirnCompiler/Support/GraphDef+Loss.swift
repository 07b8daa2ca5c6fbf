import FirnGraph

extension GraphDef {
  /// - Throws: `.notScalar` where `loss` is nothing that can be minimised.
  func requireScalar(_ loss: Value) throws(FirnError) {
    let type = type(of: loss)
    guard type.shape.rank == 0, type.dtype.isFloatingPoint else {
      throw FirnError(
        .notScalar, "the loss is \(type), not a floating-point scalar",
        remedy: "reduce it, for instance with `mean()`", place: name(of: loss),
        location: nodes[loss.node].location)
    }
  }
}
