public import FirnGraph
import FirnOps

/// The plain recurrent cell.
///
///     h' = activation(x·W + h·U + b)
///
/// Elman, Cognitive Science 14 (1990).
///
/// | | shape | role |
/// | --- | --- | --- |
/// | `kernel` W | `[in, units]` | `kernel` |
/// | `recurrent_kernel` U | `[units, units]` | `recurrent_kernel` |
/// | `bias` b | `[units]` | `bias` |
///
/// - Complexity: 2·batch·units·(in + units) FLOPs a step for the products.
public struct SimpleRNNCell: RecurrentCell {
  private let units: Int
  private let activation: Activation

  public init(_ units: Int, activation: Activation = .tanh) {
    self.units = units
    self.activation = activation
  }

  public var name: String { "rnn" }
  public var stateShapes: [Shape] { [Shape([units])] }

  public func makeWeights(_ make: CellVariables) -> GateWeights { make.gates([], units: units) }

  public func step(_ input: Tensor, _ state: CellState, _ weights: GateWeights) -> CellStep {
    CellStep([
      activation(
        matmul(input, weights.kernel) + matmul(state.recurrent, weights.recurrentKernel) + weights.bias)
    ])
  }
}
