import FirnGraph

extension RecurrentOutput: CustomStringConvertible {
  /// The tensors with their types, a line for each kind.
  public var description: String {
    func listed(_ tensors: [Tensor]) -> String { tensors.map(\.description).joined(separator: ", ") }
    return """
      sequence  \(sequence)
      last      \(last)
      states    \(listed(states))
      """ + (carry.isEmpty ? "" : "\ncarry     \(listed(carry))")
  }
}
