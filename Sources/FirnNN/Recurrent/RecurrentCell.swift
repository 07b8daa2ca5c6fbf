public import FirnGraph
import FirnOps

/// What one step of a recurrent network computes; `RNN` runs it along a sequence.
///
/// A cell of one's own is these three members and is compiled as the built-in ones are:
///
///     struct PartlyFixed: RecurrentCell {
///       let stateShapes: [Shape] = [[8]]
///       func makeWeights(_ make: CellVariables) -> (fixed: Tensor, trainable: Tensor) {
///         (make("W_fixed", [make.features, 8]), make("W_trainable", [8, 8], initializer: .orthogonal()))
///       }
///       func step(_ input: Tensor, _ state: CellState, _ weights: (fixed: Tensor, trainable: Tensor)) -> CellStep {
///         CellStep([tanh(matmul(input, weights.fixed) + matmul(state.recurrent, weights.trainable))])
///       }
///     }
///     let last = RNN(PartlyFixed())(sequence)
public protocol RecurrentCell {
  associatedtype Weights

  /// The scope a layer of this cell gets where it is given no name.
  var name: String { get }

  /// The shape of each state below the batch axis; at least one.
  var stateShapes: [Shape] { get }

  /// The shape of the output below the batch axis; nil, the default, where the output is the first state.
  var outputShape: Shape? { get }

  /// Makes the variables, once for a layer, or for each layer and direction of a stack.
  func makeWeights(_ make: CellVariables) -> Weights

  /// One step: `input` is `[batch, features]`, each state `[batch, …]`.
  func step(_ input: Tensor, _ state: CellState, _ weights: Weights) -> CellStep
}

extension RecurrentCell {
  public var name: String { "rnn" }
  public var outputShape: Shape? { nil }
}

/// The state as a step of a cell sees it.
public struct CellState {
  let tensors: [Tensor]
  /// What the first state is multiplied by before products read it.
  let mask: Tensor?

  public subscript(index: Int) -> Tensor { tensors[index] }

  /// The first state as products should read it: with a layer's `stateDropout`, elements are dropped, the same ones at
  /// every step.
  ///
  /// Gal & Ghahramani, NeurIPS 2016, equation 7. What a cell carries over elementwise is `state[0]`, without the mask.
  public var recurrent: Tensor { mask.map { tensors[0] * $0 } ?? tensors[0] }

  /// `tensor`, computed from the first state, as products should read it.
  public func recurrent(_ tensor: Tensor) -> Tensor { mask.map { tensor * $0 } ?? tensor }
}

/// What a step of a cell hands on.
public struct CellStep {
  let output: Tensor?
  let state: [Tensor]

  /// - Parameters:
  ///   - state: the next state, shaped as the cell's `stateShapes` say.
  ///   - output: nil for the first state; anything else needs the cell's `outputShape`.
  public init(_ state: [Tensor], output: Tensor? = nil) {
    self.state = state
    self.output = output
  }
}
