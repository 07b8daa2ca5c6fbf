public import FirnGraph
import FirnOps

/// Layer normalisation: `(x - mean) / √(variance + ε) · gamma + beta`, each example by its own statistics.
///
/// | | shape | role |
/// | --- | --- | --- |
/// | x | `[…, features]`, `f32` or `f64` as all others | |
/// | `gamma`, `beta` | the extents of the axes normalised over, as a rule `[features]`; ones and zeros at first | `gain`, `bias` |
/// | result | as x | |
///
/// PyTorch's `LayerNorm`, Keras's `LayerNormalization`. Mean and variance (divided by n) are over the given axes
/// together, the last one by default; training and inference are the same.
///
///     LayerNorm()                                      // nn.LayerNorm(features)
///     LayerNorm(axes: [-2, -1])                        // nn.LayerNorm([rows, features])
///     LayerNorm(usesGain: false, usesBias: false)      // nn.LayerNorm(features, elementwise_affine=False)
///
/// Constraints: (C1) the extents of the axes are numbers, and the same in every call; (C2) ε is positive; (C3) the axes
/// are x's, one or more, and each is named once.
///
/// Ba, Kiros and Hinton, 2016, equation 4.
///
/// - Complexity: three passes over x, about 8 FLOPs an element.
public final class LayerNorm: Layer {
  private let axes: [Int]
  private let epsilon: Double
  private let usesGain: Bool
  private let usesBias: Bool
  private let trainable: Bool?
  private var variables: Variables?
  var scope: LayerScope

  private struct Variables {
    let extents: [Int]
    let gamma: Tensor?
    let beta: Tensor?
  }

  /// A norm over as many features as the first call has.
  ///
  /// - Parameters:
  ///   - axes: what mean and variance are over, counted from the end where negative; as many last ones as PyTorch's
  ///     `normalized_shape` has extents, or Keras's `axis`.
  ///   - epsilon: what is added to a variance before its root is taken, PyTorch's default; Keras's is 1e-3.
  ///   - usesGain: whether there is a gamma; Keras's `scale`. Without both it is PyTorch's `elementwise_affine=False`.
  ///   - usesBias: whether there is a beta; PyTorch's `bias`, Keras's `center`.
  ///   - trainable: false declares the variables frozen, unless a compilation thaws them; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    axes: [Int] = [-1], epsilon: Double = 1e-5, usesGain: Bool = true, usesBias: Bool = true,
    trainable: Bool? = nil, name: String = "layer_norm", file: StaticString = #fileID, line: UInt = #line
  ) {
    self.axes = axes
    self.epsilon = epsilon
    self.usesGain = usesGain
    self.usesBias = usesBias
    self.trainable = trainable
    scope = LayerScope(name, otherwise: "layer_norm", file, line)
  }

  /// x normalised, of its shape and type; constraints C1 to C3.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      let axes = axes.map { $0 < 0 ? $0 + input.rank : $0 }.sorted()
      guard !axes.isEmpty, axes.allSatisfy((0..<input.rank).contains), Set(axes).count == axes.count else {
        return report(
          "layer norm: axes \(self.axes) of \(input.type)",
          remedy: "name one or more of its \(input.rank) axes, each once; the last is -1",
          code: .invalidArgument, constraint: "C3", input)
      }
      if let fault = epsilonFault(of: input, "layer norm", epsilon, "C2") { return fault }
      let extents = axes.compactMap { input.extent($0).value }
      guard extents.count == axes.count else {
        return report(
          "layer norm: not all axes \(self.axes) of \(input.type) have a known number of features",
          remedy: "give the axes that are normalised over fixed extents", constraint: "C1", input)
      }
      if let known = variables?.extents, known != extents {
        return report(
          "layer norm: the input has \(Shape(extents)) features, the layer \(Shape(known))",
          remedy: "make one layer for each width", constraint: "C1", input)
      }
      let variables = variables ?? makeVariables(in: graph, extents, dtype: input.dtype)
      self.variables = variables
      /// A variable with an axis for each of the input's, up to where broadcasting adds them.
      func spread(_ variable: Tensor) -> Tensor {
        if axes == Array(input.rank - axes.count..<input.rank) { return variable }
        return variable.reshaped(
          to: Shape((0..<input.rank).map { axis in axes.firstIndex(of: axis).map { extents[$0] } ?? 1 }))
      }
      var result = standardized(input, axes: axes, epsilon: epsilon)
      if let gamma = variables.gamma { result = result * spread(gamma) }
      if let beta = variables.beta { result = result + spread(beta) }
      return result
    } ?? .poisoned(in: input.graph)
  }

  private func makeVariables(in graph: Graph, _ extents: [Int], dtype: DType) -> Variables {
    func variable(_ name: String, _ role: String, _ initializer: Initializer) -> Tensor {
      normVariable(name, Shape(extents), role, initializer, in: graph, dtype: dtype, trainable: trainable)
    }
    return Variables(
      extents: extents, gamma: usesGain ? variable("gamma", "gain", .ones) : nil,
      beta: usesBias ? variable("beta", "bias", .zeros) : nil)
  }
}

extension LayerNorm: ScopedLayer {}
