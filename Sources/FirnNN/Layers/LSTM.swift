public import FirnGraph
import FirnOps

/// A long short-term memory layer as one `scan`.
///
///     i, f, o = σ(x·W + h·U + b) of their block,  g = tanh(…) of its
///     c' = f ∘ c + i ∘ g,   h' = o ∘ tanh(c')
///
/// Hochreiter & Schmidhuber, Neural Computation 9 (1997), with the forget gate of Gers, Schmidhuber & Cummins (2000).
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[batch, time, in]` | |
/// | `kernel` | `[in, 4·units]`, blocks i f g o, named `input`, `forget`, `cell`, `output` | `kernel` |
/// | `recurrent_kernel` | `[units, 4·units]` | `recurrent_kernel` |
/// | `bias` | `[4·units]` | `bias` |
///
/// Constraints: (C1) x has three axes, the last a known number.
///
/// - Complexity: 8·batch·units·(in + units) FLOPs a step for the products.
public final class LSTM: Layer {
  /// What a call returns.
  public struct Output {
    /// The hidden state after every step, `[batch, time, units]`.
    public let sequence: Tensor
    /// The state after the last step, `[batch, units]`.
    public let hidden: Tensor
    public let cell: Tensor
  }

  private let units: Int
  private let forgetBias: Double
  private let trainable: Bool?
  private var scope: LayerScope
  private var variables: (kernel: Tensor, recurrentKernel: Tensor, bias: Tensor)?

  /// - Parameter forgetBias: first value of the forget gate's bias; 1 by default (Jozefowicz et al., ICML 2015).
  public init(
    _ units: Int, forgetBias: Double = 1, trainable: Bool? = nil, name: String = "lstm",
    file: StaticString = #fileID, line: UInt = #line
  ) {
    self.units = units
    self.forgetBias = forgetBias
    self.trainable = trainable
    scope = LayerScope(name, file, line)
  }

  /// The hidden state after the last step, `[batch, units]`.
  public func callAsFunction(_ input: Tensor) -> Tensor { run(input).hidden }

  /// Runs over the time axis from a state of zeros.
  public func run(_ input: Tensor) -> Output {
    let poison = Tensor.poisoned(in: input.graph)
    return scope.enter(input) { graph in
      guard input.rank == 3, let features = input.extent(-1).value else {
        let fault = report(
          "lstm: \(input.type) is not [batch, time, features] with a known number of features",
          remedy: "give three axes, the last of a fixed extent", constraint: "C1", input)
        return Output(sequence: fault, hidden: fault, cell: fault)
      }
      let weights = variables ?? makeVariables(in: graph, features: features, dtype: input.dtype)
      variables = weights
      let zeros = graph.constant(0, dtype: input.dtype).broadcast(to: [input.extent(0), Dimension(units)])
      let (states, outputs) = scan(over: [input.transposed([1, 0, 2])], initial: [zeros, zeros]) { step in
        let (hidden, cell) = self.step(
          step.slices[0], hidden: step.carries[0], cell: step.carries[1], weights)
        return ScanResult(carries: [hidden, cell], outputs: [hidden])
      }
      return Output(sequence: outputs[0].transposed([1, 0, 2]), hidden: states[0], cell: states[1])
    } ?? Output(sequence: poison, hidden: poison, cell: poison)
  }

  private func step(
    _ input: Tensor, hidden: Tensor, cell: Tensor,
    _ weights: (kernel: Tensor, recurrentKernel: Tensor, bias: Tensor)
  ) -> (Tensor, Tensor) {
    let gates = (matmul(input, weights.kernel) + matmul(hidden, weights.recurrentKernel) + weights.bias)
      .split(into: 4, axis: -1)
    let next = sigmoid(gates[1]) * cell + sigmoid(gates[0]) * tanh(gates[2])
    return (sigmoid(gates[3]) * tanh(next), next)
  }

  private func makeVariables(
    in graph: Graph, features: Int, dtype: DType
  ) -> (kernel: Tensor, recurrentKernel: Tensor, bias: Tensor) {
    let gates = BlockNames(["input", "forget", "cell", "output"])
    return (
      graph.variable(
        "kernel", shape: Shape([features, 4 * units]), dtype: dtype, role: "kernel", trainable: trainable,
        blocks: gates),
      graph.variable(
        "recurrent_kernel", shape: Shape([units, 4 * units]), dtype: dtype, role: "recurrent_kernel",
        initializer: .orthogonal(), trainable: trainable, blocks: gates),
      graph.variable(
        "bias", shape: Shape([4 * units]), dtype: dtype, role: "bias",
        initializer: .columns([(units, .zeros), (units, .constant(forgetBias)), (2 * units, .zeros)]),
        trainable: trainable, blocks: gates)
    )
  }
}
