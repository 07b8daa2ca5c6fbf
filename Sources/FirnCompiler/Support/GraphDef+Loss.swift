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

  /// - Throws: where `value`, which is to be `what`, is no scalar of numbers, or of `bool`.
  func requireNumber(_ value: Value, _ what: String, isFlag: Bool) throws(FirnError) {
    let type = type(of: value)
    guard type.shape.rank == 0, (type.dtype == .bool) == isFlag else {
      throw FirnError(
        type.shape.rank == 0 ? .typeMismatch : .shapeMismatch, "\(what) is \(type)",
        remedy: isFlag ? "give a `bool` scalar" : "give a scalar of numbers", place: name(of: value),
        location: nodes[value.node].location)
    }
  }

  /// - Throws: where `mask` does not say of each element of the variable `read` whether it is held.
  func requireMask(_ mask: Value, of read: Value) throws(FirnError) -> String {
    guard case .reads(let variable) = nodes[read.node].op.effect else {
      throw FirnError(
        .invalidArgument, "`\(name(of: read))` is no variable, so none of its elements can be held",
        remedy: "name a variable, by its path or the tensor that reads it", place: name(of: read))
    }
    let wanted = TensorType(.bool, type(of: read).shape)
    let found = type(of: mask)
    if found == wanted { return variable }
    throw FirnError(
      found.shape == wanted.shape ? .typeMismatch : .shapeMismatch,
      "`\(name(of: mask))` is \(found), and no mask of `\(variable)`",
      remedy: "give \(wanted), true where an element is held", place: name(of: mask))
  }
}
