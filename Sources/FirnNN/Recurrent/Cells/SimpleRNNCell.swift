public import FirnGraph
import FirnOps

/// The plain recurrent cell.
///
///     h' = activation(x·W + h·U + b + d)
///
/// b and d are as the cell's biases say, d absent unless there are two.
///
/// Elman, Cognitive Science 14 (1990).
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, in]`, `f32` or `f64` as all others | |
/// | `kernel` W | `[in, units]` | `kernel` |
/// | `recurrent_kernel` U | `[units, units]` | `recurrent_kernel` |
/// | `bias` b | `[units]`, unless there is none | `bias` |
/// | `recurrent_bias` d | `[units]`, where there are two | `bias` |
///
/// State: h `[batch, units]`, which is the output too.
///
/// Constraints are those of the layer that runs it, `RNN`'s C1 to C7. A NaN in x reaches every later state of its
/// sequence and no other sequence.
///
/// - Complexity: 2·batch·units·(in + units) FLOPs a step for the products.
public struct SimpleRNNCell: RecurrentCell {
  private let units: Int
  private let activation: Activation
  private let biases: RecurrentBiases
  private let initializers: WeightInitializers

  /// A cell of `units` elements.
  ///
  /// - Parameters:
  ///   - units: the width of the state.
  ///   - activation: what is applied to the sum of the products.
  ///   - biases: one, none, or two as PyTorch trains them.
  ///   - initializers: first values of kernels and bias.
  public init(
    _ units: Int, activation: Activation = .tanh, biases: RecurrentBiases = .joint,
    initializers: WeightInitializers = WeightInitializers()
  ) {
    self.units = units
    self.activation = activation
    self.biases = biases
    self.initializers = initializers
  }

  /// `rnn`, the scope of a layer that is given no name.
  public var name: String { "rnn" }
  /// h, `[units]`.
  public var stateShapes: [Shape] { [Shape([units])] }

  /// Makes `kernel`, `recurrent_kernel` and the biases, in this order.
  public func makeWeights(_ make: CellVariables) -> GateWeights {
    make.gates([], units: units, initializers: initializers, biases: biases)
  }

  /// h' = activation(x·W + h·U + b + d), which is the output too.
  public func step(_ input: Tensor, _ state: CellState, _ weights: GateWeights) -> CellStep {
    CellStep([activation(weights.sum(input, state.recurrent))])
  }
}
