public import FirnGraph
import FirnOps

/// Makes the variables of a cell in the scope of its layer: `lstm/kernel`, in a stack `lstm/layer_0/forward/kernel`.
public struct CellVariables {
  let graph: Graph
  let trainable: Bool?
  /// The last extent of the input: `in` of the cells' tables.
  public let features: Int
  /// The element type of the input, which the variables have too.
  public let dtype: DType

  /// A variable of the layer, of the input's element type, frozen where the layer is `trainable: false`.
  ///
  /// - Parameters:
  ///   - name: its name below the layer's scope.
  ///   - shape: positive numbers.
  ///   - role: what it is to its layer; selections can ask for it.
  ///   - initializer: its first value; the scope's default, else Glorot uniform.
  ///   - blocks: names of equal blocks along one axis, such as gates; selections can ask for them.
  public func callAsFunction(
    _ name: String, _ shape: [Int], role: String = "", initializer: Initializer? = nil,
    blocks: BlockNames? = nil
  ) -> Tensor {
    graph.variable(
      name, shape: Shape(shape), dtype: dtype, role: role, initializer: initializer, trainable: trainable,
      blocks: blocks)
  }

  /// The kernel, recurrent kernel and biases of a cell, the last axis of each in blocks of `units`, one for each gate.
  func gates(
    _ names: [String], units: Int, stateWidth: Int? = nil, initializers: WeightInitializers,
    biases: RecurrentBiases = .joint, bias: Initializer = .zeros
  ) -> GateWeights {
    var kinds: Set<PartialKeyPath<WeightInitializers>> = [\.recurrentKernel]
    if biases != .none { kinds.insert(\.bias) }
    if biases == .separate { kinds.insert(\.recurrentBias) }
    initializers.reportUnused(besides: kinds, in: graph)
    let blocks = names.count > 1 ? BlockNames(names) : nil
    let width = units.saturatingProduct(max(names.count, 1))
    return GateWeights(
      kernel: self(
        "kernel", [features, width], role: "kernel", initializer: initializers.kernel, blocks: blocks),
      recurrentKernel: self(
        "recurrent_kernel", [stateWidth ?? units, width], role: "recurrent_kernel",
        initializer: initializers.recurrentKernel ?? .orthogonal(), blocks: blocks),
      bias: biases == .none
        ? nil : self("bias", [width], role: "bias", initializer: initializers.bias ?? bias, blocks: blocks),
      recurrentBias: biases == .separate
        ? self(
          "recurrent_bias", [width], role: "bias", initializer: initializers.recurrentBias ?? .zeros,
          blocks: blocks) : nil)
  }
}

/// The variables that cells share: kernel, recurrent kernel and biases, each in blocks of one gate along its last axis.
public struct GateWeights {
  let kernel: Tensor
  let recurrentKernel: Tensor
  let bias: Tensor?
  let recurrentBias: Tensor?

  /// x·W, with the first bias.
  func inputSum(_ input: Tensor) -> Tensor { Self.sum(matmul(input, kernel), bias) }

  /// h·U, with the second bias.
  func recurrentSum(_ state: Tensor) -> Tensor { Self.sum(matmul(state, recurrentKernel), recurrentBias) }

  /// x·W + h·U, with the biases there are.
  func sum(_ input: Tensor, _ state: Tensor) -> Tensor {
    Self.sum(
      Self.sum(matmul(input, kernel) + matmul(state, recurrentKernel), bias), recurrentBias)
  }

  private static func sum(_ product: Tensor, _ bias: Tensor?) -> Tensor {
    bias.map { product + $0 } ?? product
  }
}
