import FirnGraph

extension OptimizerSlot: CustomStringConvertible {
  /// Name, type and first value: `first_moment : f32[3,4], zeros`.
  public var description: String { "\(name) : \(type), \(initializer)" }
}

extension ParameterUpdate: CustomStringConvertible {
  /// What moves, and what its update is made from, in a few lines.
  public var description: String {
    "update of \(part)\n  value     \(value)\n  gradient  \(gradient)"
      + lines("\n  slots     ", slots) + lines("\n  shared    ", sharedSlots)
  }
}

extension UpdatedParameter: CustomStringConvertible {
  /// The part after the step, and its slots, in a few lines.
  public var description: String { "value  \(value)" + lines("\nslots  ", slots) }
}

/// The tensors behind a heading; nothing where there are none.
private func lines(_ heading: String, _ tensors: [Tensor]) -> String {
  tensors.isEmpty ? "" : heading + tensors.map(\.description).joined(separator: ", ")
}
