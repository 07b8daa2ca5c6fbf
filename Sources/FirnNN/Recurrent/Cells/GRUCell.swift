public import FirnGraph
import FirnOps

/// The gated recurrent unit.
///
///     r, z = σ(x·W + b + h·U + d) of their block
///     n = tanh(x·W + b + r ∘ (h·U + d)) of its, reset after the product, or
///     n = tanh(x·W + b + (r ∘ h)·U) of its, reset before
///     h' = (1 - z) ∘ n + z ∘ h
///
/// σ is the recurrent activation. Cho et al., EMNLP 2014 (reset before; its z is 1 - z here). Resetting after the product is what cuDNN, PyTorch and
/// Keras do, and takes one product instead of two that wait for each other.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, in]`, `f32` or `f64` as all others | |
/// | `kernel` W | `[in, 3·units]`, blocks r z n, named `reset`, `update`, `new` | `kernel` |
/// | `recurrent_kernel` U | `[units, 3·units]` | `recurrent_kernel` |
/// | `bias` b | `[3·units]`, where there are biases | `bias` |
/// | `recurrent_bias` d | `[3·units]`, likewise, only where the reset comes after | `bias` |
///
/// State: h `[batch, units]`, which is the output too.
///
/// Constraints are those of the layer that runs it, `RNN`'s C1 to C7. A NaN in x reaches every later state of its
/// sequence and no other sequence.
///
/// - Complexity: 6·batch·units·(in + units) FLOPs a step for the products.
public struct GRUCell: RecurrentCell {
  private let units: Int
  private let resetAfter: Bool
  private let recurrentActivation: Activation
  private let usesBias: Bool
  private let initializers: WeightInitializers

  /// A cell of `units` elements.
  ///
  /// - Parameters:
  ///   - units: the width of the state.
  ///   - resetAfter: whether r scales the recurrent product, rather than the state it is made of.
  ///   - recurrentActivation: σ of the gates; `.keras2HardSigmoid` for weights of Keras before its version 2.3.
  ///   - usesBias: whether there are biases; PyTorch's `bias`, Keras's `use_bias`.
  ///   - initializers: first values, gate by gate where wanted.
  public init(
    _ units: Int, resetAfter: Bool = true, recurrentActivation: Activation = .sigmoid, usesBias: Bool = true,
    initializers: WeightInitializers = WeightInitializers()
  ) {
    self.units = units
    self.resetAfter = resetAfter
    self.recurrentActivation = recurrentActivation
    self.usesBias = usesBias
    self.initializers = initializers
  }

  /// `gru`, the scope of a layer that is given no name.
  public var name: String { "gru" }
  /// h, `[units]`.
  public var stateShapes: [Shape] { [Shape([units])] }

  /// Makes `kernel`, `recurrent_kernel` and, unless there are no biases, `bias` and, with reset after,
  /// `recurrent_bias`, in this order.
  public func makeWeights(_ make: CellVariables) -> GateWeights {
    make.gates(
      ["reset", "update", "new"], units: units, initializers: initializers,
      biases: !usesBias ? .none : resetAfter ? .separate : .joint)
  }

  /// h' = (1 - z) ∘ n + z ∘ h, which is the output too.
  public func step(_ input: Tensor, _ state: CellState, _ weights: GateWeights) -> CellStep {
    let hidden = state[0]
    let x = weights.inputSum(input).split(into: 3, axis: -1)
    if resetAfter {
      let h = weights.recurrentSum(state.recurrent).split(into: 3, axis: -1)
      let update = recurrentActivation(x[1] + h[1])
      let next = tanh(x[2] + recurrentActivation(x[0] + h[0]) * h[2])
      return CellStep([next + update * (hidden - next)])
    }
    let kernels = weights.recurrentKernel.split(
      sizes: [Dim(units) * 2, Dim(units)], axis: 1)
    let h = matmul(state.recurrent, kernels[0]).split(into: 2, axis: -1)
    let update = recurrentActivation(x[1] + h[1])
    let reset = recurrentActivation(x[0] + h[0])
    let next = tanh(x[2] + matmul(state.recurrent(reset * hidden), kernels[1]))
    return CellStep([next + update * (hidden - next)])
  }
}
