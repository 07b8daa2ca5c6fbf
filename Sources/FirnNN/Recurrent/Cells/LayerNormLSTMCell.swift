public import FirnGraph
import FirnOps

/// A long short-term memory cell whose products and cell state are normalised over their features.
///
///     i, f, o = σ(L(x·W; α) + L(h·U; β) + b) of their block,  g = tanh(…) of its
///     c' = f ∘ c + i ∘ g,   h' = o ∘ tanh(L(c'; γ) + δ)
///     L(v; γ) = γ ∘ (v - mean v) / √(var v + ε)
///
/// Ba, Kiros & Hinton, "Layer Normalization" (2016), equations 20 to 22; the offsets of the two products are one with
/// b.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, in]`, `f32` or `f64` as all others | |
/// | `kernel` W | `[in, 4·units]`, blocks i f g o, named `input`, `forget`, `cell`, `output` | `kernel` |
/// | `recurrent_kernel` U | `[units, 4·units]` | `recurrent_kernel` |
/// | `bias` b | `[4·units]` | `bias` |
/// | `kernel_gain` α, `recurrent_gain` β | `[4·units]` | `gain` |
/// | `cell_gain` γ | `[units]` | `gain` |
/// | `cell_offset` δ | `[units]` | `bias` |
///
/// States: h and c, `[batch, units]`; the output is h.
///
/// Constraints are those of the layer that runs it, `RNN`'s C1 to C7. A NaN in x reaches every later state of its
/// sequence and no other sequence.
///
/// - Complexity: 8·batch·units·(in + units) FLOPs a step for the products.
public struct LayerNormLSTMCell: RecurrentCell {
  /// The variables of one cell.
  public struct Weights {
    let gates: GateWeights
    let kernelGain: Tensor
    let recurrentGain: Tensor
    let cellGain: Tensor
    let cellOffset: Tensor
  }

  private let units: Int
  private let forgetBias: Double
  private let epsilon: Double
  private let initializers: WeightInitializers

  /// A cell of `units` elements.
  ///
  /// - Parameters:
  ///   - units: the width of the states.
  ///   - forgetBias: first value of the forget gate's bias.
  ///   - epsilon: what is added to a variance before its root is taken.
  ///   - initializers: first values, gate by gate where wanted.
  public init(
    _ units: Int, forgetBias: Double = 1, epsilon: Double = 1e-5,
    initializers: WeightInitializers = WeightInitializers()
  ) {
    self.units = units
    self.forgetBias = forgetBias
    self.epsilon = epsilon
    self.initializers = initializers
  }

  /// `layer_norm_lstm`, the scope of a layer that is given no name.
  public var name: String { "layer_norm_lstm" }
  /// h and c, `[units]` each.
  public var stateShapes: [Shape] { [Shape([units]), Shape([units])] }

  /// Makes `kernel`, `recurrent_kernel`, `bias`, `kernel_gain`, `recurrent_gain`, `cell_gain` and `cell_offset`.
  public func makeWeights(_ make: CellVariables) -> Weights {
    initializers.reportUnused(forgetBias: forgetBias, in: make.graph)
    let gates = ["input", "forget", "cell", "output"]
    return Weights(
      gates: make.gates(
        gates, units: units,
        initializers: initializers,
        bias: .columns([
          (units, .zeros), (units, .constant(forgetBias)), (units.saturatingProduct(2), .zeros),
        ])),
      kernelGain: make(
        "kernel_gain", [units.saturatingProduct(4)], role: "gain", initializer: .ones,
        blocks: BlockNames(gates)),
      recurrentGain: make(
        "recurrent_gain", [units.saturatingProduct(4)], role: "gain", initializer: .ones,
        blocks: BlockNames(gates)),
      cellGain: make("cell_gain", [units], role: "gain", initializer: .ones),
      cellOffset: make("cell_offset", [units], role: "bias", initializer: .zeros))
  }

  /// h' and c'; h' is the output.
  public func step(_ input: Tensor, _ state: CellState, _ weights: Weights) -> CellStep {
    var sums =
      normalized(matmul(input, weights.gates.kernel), weights.kernelGain)
      + normalized(matmul(state.recurrent, weights.gates.recurrentKernel), weights.recurrentGain)
    if let bias = weights.gates.bias { sums = sums + bias }
    let gates = sums.split(into: 4, axis: -1)
    let next = sigmoid(gates[1]) * state[1] + sigmoid(gates[0]) * tanh(gates[2])
    let hidden = sigmoid(gates[3]) * tanh(normalized(next, weights.cellGain) + weights.cellOffset)
    return CellStep([hidden, next])
  }

  private func normalized(_ x: Tensor, _ gain: Tensor) -> Tensor {
    standardized(x, axes: [-1], epsilon: epsilon) * gain
  }
}
