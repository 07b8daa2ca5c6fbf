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
///
/// A first call of its layer makes the variables; the step is then built once, as the body of a `scan`, and so must do
/// the same whatever the position. A fault in it goes on record in the graph and is thrown where a program is compiled.
public protocol RecurrentCell {
  /// The variables of one layer and direction, as `makeWeights` gives them and `step` takes them.
  associatedtype Weights

  /// The scope a layer of this cell gets where it is given no name; `rnn` by default.
  var name: String { get }

  /// The shape of each state below the batch axis; at least one.
  var stateShapes: [Shape] { get }

  /// The shape of the output below the batch axis; nil, the default, where the output is the first state.
  var outputShape: Shape? { get }

  /// Makes the variables, once for a layer, or for each layer and direction of a stack.
  ///
  /// - Parameter make: makes one in the layer's scope, and knows the width and type of the input.
  func makeWeights(_ make: CellVariables) -> Weights

  /// One step: from the input and the states before it to the states after it, and the output.
  ///
  /// - Parameters:
  ///   - input: `[batch, features]` of the sequence, or of the outputs of the layer below.
  ///   - state: each `[batch, …]`, shaped as `stateShapes` say.
  ///   - weights: what `makeWeights` gave.
  /// - Returns: as many states, of the same shapes and type; another return is an error of constraint C7.
  func step(_ input: Tensor, _ state: CellState, _ weights: Weights) -> CellStep
}

extension RecurrentCell {
  /// `rnn`.
  public var name: String { "rnn" }
  /// Nil: the output is the first state.
  public var outputShape: Shape? { nil }

  /// As many layers as asked for, each with variables of its own.
  ///
  /// Nothing, which a layer refuses, for a number of which no stack can be.
  func stacked(_ count: Int) -> [any RecurrentCell] {
    (0...stackLimit).contains(count) ? Array(repeating: self, count: count) : []
  }
}

/// The state as a step of a cell sees it, each `[batch, …]` in the order of the cell's `stateShapes`.
public struct CellState {
  let tensors: [Tensor]
  /// What the first state is multiplied by before products read it.
  let mask: Tensor?

  /// The state at `index`, as the step before left it.
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

  /// The states after the step, and its output.
  ///
  /// - Parameters:
  ///   - state: the next state, shaped as the cell's `stateShapes` say.
  ///   - output: nil for the first state; anything else needs the cell's `outputShape`.
  public init(_ state: [Tensor], output: Tensor? = nil) {
    self.state = state
    self.output = output
  }
}

/// How many layers a stack may have.
let stackLimit = 1 << 12
