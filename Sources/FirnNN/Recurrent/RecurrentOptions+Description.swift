import FirnOps

extension RecurrentOptions: CustomStringConvertible {
  /// Layout and initial state, and what else is not as by default, in one line.
  public var description: String {
    let recomputation: String? =
      switch self.recomputation {
      case .none: nil
      case .every(let count): "recomputation every \(count) steps"
      }
    let parts = [
      layout == .batchMajor ? "batch major" : "time major",
      "initial state \(initialState)",
      isReversed ? "from the end" : nil,
      stateDropout == 0 ? nil : "state dropout \(stateDropout)",
      recomputation,
    ]
    return parts.compactMap(\.self).joined(separator: ", ")
  }
}

extension InitialState: CustomStringConvertible {
  /// `zeros`, `carried`, or `learned from` and the first value.
  public var description: String {
    switch self {
    case .zeros: "zeros"
    case .learned(let initializer): "learned from \(initializer)"
    case .carried: "carried"
    }
  }
}
