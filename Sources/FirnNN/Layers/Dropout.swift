public import FirnGraph
import FirnOps

/// Zeroes elements with probability `rate` and scales the others by 1 / (1 - rate), in training mode only.
///
/// Srivastava et al., JMLR 15 (2014). In inference, and in a frozen scope of a training program, it is the identity.
/// The mask depends on the session's seed, the run, the node's path and the element, not on threads.
public final class Dropout: Layer {
  private let rate: Double
  var scope: LayerScope

  /// - Parameter rate: the share zeroed, on 0...1.
  public init(_ rate: Double, name: String = "dropout", file: StaticString = #fileID, line: UInt = #line) {
    self.rate = rate
    scope = LayerScope(name, file, line)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { _ in dropout(input, rate: rate) } ?? .poisoned(in: input.graph)
  }
}

extension Dropout: ScopedLayer {}
