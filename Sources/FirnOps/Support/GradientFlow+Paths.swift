internal import FirnGraph

extension GradientFlow {
  /// From no path at all to one that passes.
  private var rank: Int {
    switch self {
    case .notDifferentiable: 0
    case .stopped: 1
    case .zero: 2
    case .passes: 3
    }
  }

  /// The flow along a path of two edges.
  func followed(by next: GradientFlow) -> GradientFlow { next.rank < rank ? next : self }

  /// Takes a second path beside this one into account.
  mutating func join(_ other: GradientFlow) { if other.rank > rank { self = other } }
}
