public import FirnGraph
import FirnOps

/// The long short-term memory cell, with peepholes and projection where asked for.
///
///     i, f, o = σ(x·W + h·U + b + d) of their block,  g = tanh(…) of its
///     c' = f ∘ c + i ∘ g,   h' = (o ∘ tanh(c'))·P
///
/// With peepholes p, i and f see p∘c and o sees p∘c' before the σ. Without projection P is absent; so are b and d as the
/// cell's biases say, d unless there are two. σ is the recurrent activation.
///
/// Hochreiter & Schmidhuber, Neural Computation 9 (1997), with the forget gate of Gers, Schmidhuber & Cummins (2000),
/// the peepholes of Gers & Schmidhuber (IJCNN 2000), the projection of Sak, Senior & Beaufays (Interspeech 2014).
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, in]`, `f32` or `f64` as all others | |
/// | `kernel` W | `[in, 4·units]`, blocks i f g o, named `input`, `forget`, `cell`, `output` | `kernel` |
/// | `recurrent_kernel` U | `[hidden, 4·units]` | `recurrent_kernel` |
/// | `bias` b | `[4·units]`, unless there is none | `bias` |
/// | `recurrent_bias` d | `[4·units]`, where there are two | `bias` |
/// | `peephole` p | `[3·units]`, blocks i f o | `peephole` |
/// | `projection` P | `[units, hidden]` | `projection` |
///
/// States: h `[batch, hidden]`, where hidden is the projection's width, else units; c `[batch, units]`. The output is
/// h.
///
/// Constraints are those of the layer that runs it, `RNN`'s C1 to C7. A NaN in x reaches every later state of its
/// sequence and no other sequence.
///
/// - Complexity: 8·batch·units·(in + hidden) FLOPs a step for the products, 2·batch·units·hidden for the projection.
public struct LSTMCell: RecurrentCell {
  /// The variables of one cell.
  public struct Weights {
    let gates: GateWeights
    let peephole: Tensor?
    let projection: Tensor?
  }

  private let units: Int
  private let forgetBias: Double
  private let hasPeepholes: Bool
  private let projection: Int?
  private let recurrentActivation: Activation
  private let biases: RecurrentBiases
  private let initializers: WeightInitializers

  /// A cell of `units` elements; without peepholes and projection unless asked for.
  ///
  /// - Parameters:
  ///   - units: the width of the states.
  ///   - forgetBias: first value of the forget gate's bias; 1 by default (Jozefowicz et al., ICML 2015).
  ///   - hasPeepholes: whether the gates see the cell's state.
  ///   - projection: the width h is projected to; nil for none.
  ///   - recurrentActivation: σ of the gates; `.keras2HardSigmoid` for weights of Keras before its version 2.3.
  ///   - biases: one, none, or two as PyTorch trains them.
  ///   - initializers: first values, gate by gate where wanted.
  public init(
    _ units: Int, forgetBias: Double = 1, hasPeepholes: Bool = false, projection: Int? = nil,
    recurrentActivation: Activation = .sigmoid, biases: RecurrentBiases = .joint,
    initializers: WeightInitializers = WeightInitializers()
  ) {
    self.units = units
    self.forgetBias = forgetBias
    self.hasPeepholes = hasPeepholes
    self.projection = projection
    self.recurrentActivation = recurrentActivation
    self.biases = biases
    self.initializers = initializers
  }

  /// `lstm`, the scope of a layer that is given no name.
  public var name: String { "lstm" }
  /// h, as wide as the projection, else units, and c, `[units]`.
  public var stateShapes: [Shape] { [Shape([projection ?? units]), Shape([units])] }

  /// Makes `kernel`, `recurrent_kernel`, the biases, then `peephole` and `projection` where asked for.
  public func makeWeights(_ make: CellVariables) -> Weights {
    initializers.reportUnused(forgetBias: forgetBias, in: make.graph)
    return Weights(
      gates: make.gates(
        ["input", "forget", "cell", "output"], units: units, stateWidth: projection,
        initializers: initializers, biases: biases,
        bias: .columns([
          (units, .zeros), (units, .constant(forgetBias)), (units.saturatingProduct(2), .zeros),
        ])),
      peephole: hasPeepholes
        ? make(
          "peephole", [units.saturatingProduct(3)], role: "peephole", initializer: .zeros,
          blocks: BlockNames(["input", "forget", "output"])) : nil,
      projection: projection.map { make("projection", [units, $0], role: "projection") })
  }

  /// h' and c'; h' is the output.
  public func step(_ input: Tensor, _ state: CellState, _ weights: Weights) -> CellStep {
    let cell = state[1]
    var gates =
      weights.gates.sum(input, state.recurrent).split(into: 4, axis: -1)
    let peepholes = weights.peephole?.split(into: 3, axis: 0)
    if let peepholes {
      gates[0] += peepholes[0] * cell
      gates[1] += peepholes[1] * cell
    }
    let next = recurrentActivation(gates[1]) * cell + recurrentActivation(gates[0]) * tanh(gates[2])
    if let peepholes { gates[3] += peepholes[2] * next }
    let hidden = recurrentActivation(gates[3]) * tanh(next)
    return CellStep([weights.projection.map { matmul(hidden, $0) } ?? hidden, next])
  }
}
