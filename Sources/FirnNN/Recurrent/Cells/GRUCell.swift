public import FirnGraph
import FirnOps

/// The gated recurrent unit.
///
///     r, z = σ(x·W + b + h·U + d) of their block
///     n = tanh(x·W + b + r ∘ (h·U + d)) of its, reset after the product, or
///     n = tanh(x·W + b + (r ∘ h)·U) of its, reset before
///     h' = (1 - z) ∘ n + z ∘ h
///
/// Cho et al., EMNLP 2014 (reset before; its z is 1 - z here). Resetting after the product is what cuDNN, PyTorch and
/// Keras do, and takes one product instead of two that wait for each other.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, in]`, `f32` or `f64` as all others | |
/// | `kernel` W | `[in, 3·units]`, blocks r z n, named `reset`, `update`, `new` | `kernel` |
/// | `recurrent_kernel` U | `[units, 3·units]` | `recurrent_kernel` |
/// | `bias` b | `[3·units]` | `bias` |
/// | `recurrent_bias` d | `[3·units]`, only where the reset comes after | `bias` |
///
/// State: h `[batch, units]`, which is the output too.
///
/// Constraints are those of the layer that runs it, `RNN`'s C1 to C7. A NaN in x reaches every later state of its
/// sequence and no other sequence.
///
/// - Complexity: 6·batch·units·(in + units) FLOPs a step for the products.
public struct GRUCell: RecurrentCell {
  /// The variables of one cell.
  public struct Weights {
    let gates: GateWeights
    let recurrentBias: Tensor?
  }

  private let units: Int
  private let resetAfter: Bool
  private let initializers: WeightInitializers

  /// A cell of `units` elements.
  ///
  /// - Parameters:
  ///   - units: the width of the state.
  ///   - resetAfter: whether r scales the recurrent product, rather than the state it is made of.
  ///   - initializers: first values, gate by gate where wanted.
  public init(
    _ units: Int, resetAfter: Bool = true, initializers: WeightInitializers = WeightInitializers()
  ) {
    self.units = units
    self.resetAfter = resetAfter
    self.initializers = initializers
  }

  /// `gru`, the scope of a layer that is given no name.
  public var name: String { "gru" }
  /// h, `[units]`.
  public var stateShapes: [Shape] { [Shape([units])] }

  /// Makes `kernel`, `recurrent_kernel`, `bias` and, with reset after, `recurrent_bias`, in this order.
  public func makeWeights(_ make: CellVariables) -> Weights {
    let gates = ["reset", "update", "new"]
    return Weights(
      gates: make.gates(gates, units: units, initializers: initializers, hasRecurrentBias: resetAfter),
      recurrentBias: resetAfter
        ? make(
          "recurrent_bias", [3 * units], role: "bias", initializer: initializers.recurrentBias ?? .zeros,
          blocks: BlockNames(gates)) : nil)
  }

  /// h' = (1 - z) ∘ n + z ∘ h, which is the output too.
  public func step(_ input: Tensor, _ state: CellState, _ weights: Weights) -> CellStep {
    let hidden = state[0]
    let x = (matmul(input, weights.gates.kernel) + weights.gates.bias).split(into: 3, axis: -1)
    if let bias = weights.recurrentBias {
      let h = (matmul(state.recurrent, weights.gates.recurrentKernel) + bias).split(into: 3, axis: -1)
      let update = sigmoid(x[1] + h[1])
      let next = tanh(x[2] + sigmoid(x[0] + h[0]) * h[2])
      return CellStep([next + update * (hidden - next)])
    }
    let kernels = weights.gates.recurrentKernel.split(
      sizes: [Dim(2 * units), Dim(units)], axis: 1)
    let h = matmul(state.recurrent, kernels[0]).split(into: 2, axis: -1)
    let update = sigmoid(x[1] + h[1])
    let reset = sigmoid(x[0] + h[0])
    let next = tanh(x[2] + matmul(state.recurrent(reset * hidden), kernels[1]))
    return CellStep([next + update * (hidden - next)])
  }
}
