public import FirnGraph
import FirnOps

/// Zeroes elements with probability `rate` and scales the others by 1 / (1 - rate), in training mode only.
///
/// Srivastava et al., JMLR 15 (2014). In inference, and in a frozen scope of a training program, it is the identity.
/// The mask depends on the session's seed, the run, the node's path and the element, not on threads. To drop in a
/// frozen scope all the same, compile with `keepingTrainingMode:`; not to in one that learns, with
/// `keepingInferenceMode:`.
///
/// Constraints, `dropout`'s: (C3) x is floating point; (C4) the rate is in 0...1.
///
/// - Complexity: 1 FLOP an element in training mode, of which no mask is kept; nothing in inference.
public final class Dropout: Layer {
  private let rate: Double
  var scope: LayerScope

  /// A layer without variables.
  ///
  /// - Parameters:
  ///   - rate: the share zeroed, on 0...1, as in PyTorch and Keras; TensorFlow 1 states what is kept.
  ///   - name: its scope, and part of what masks depend on.
  public init(_ rate: Double, name: String = "dropout", file: StaticString = #fileID, line: UInt = #line) {
    self.rate = rate
    scope = LayerScope(name, otherwise: "dropout", file, line)
  }

  /// x with elements dropped, of its shape and type, in training mode; x itself else.
  ///
  /// Constraints C3 and C4 are the layer's.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { _ in dropout(input, rate: rate) } ?? .poisoned(in: input.graph)
  }
}

extension Dropout: ScopedLayer {}
