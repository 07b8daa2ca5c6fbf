extension Dim {
  /// What it is the sum of, in the order it prints: products of names with their coefficients, the number without names
  /// last.
  package var summands: [(coefficient: Int, names: [String])] {
    let named = terms.map { (coefficient: $0.coefficient, names: $0.names) }
    return constant != 0 || named.isEmpty ? named + [(constant, [])] : named
  }
}
