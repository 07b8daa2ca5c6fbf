import FirnGraph
import FirnOps

extension Operator {
  /// A function of one tensor with the node's attributes.
  private static func activation(
    _ name: String, _ means: String,
    _ function: @escaping @Sendable (Tensor, OperatorCall) -> Tensor
  ) -> Operator {
    Operator(name, means: means) { c throws(FirnError) in try c.mapped { function($0, c) } }
  }

  static let activations: [Operator] = [
    unary("Relu", "`relu`") { $0.dtype == .i32 ? maximum($0, 0) : relu($0) },
    unary("Sigmoid", "`sigmoid`") { sigmoid($0) },
    unary("Tanh", "`tanh`") { tanh($0) },
    unary("Softplus", "`softplus`") { softplus($0) },
    unary("Softsign", "`softsign`") { softsign($0) },
    unary("HardSwish", "`hardSwish`") { hardSwish($0) },
    unary("Mish", "`mish`") { mish($0) },
    activation("Gelu", "`gelu`, `geluTanh` where asked for") { x, c in
      c.string("approximate", "none") == "tanh" ? geluTanh(x) : gelu(x)
    },
    activation("LeakyRelu", "`leakyReLU`") { x, c in leakyReLU(x, alpha: c.float("alpha", 0.01)) },
    activation("Elu", "`elu`") { x, c in elu(x, alpha: c.float("alpha", 1)) },
    activation("Selu", "`selu`") { x, c in
      selu(x, alpha: c.float("alpha", 1.6732632423543772), scale: c.float("gamma", 1.0507009873554805))
    },
    activation("Celu", "`celu`") { x, c in celu(x, alpha: c.float("alpha", 1)) },
    activation("ThresholdedRelu", "`thresholdedReLU`") { x, c in
      thresholdedReLU(x, threshold: c.float("alpha", 1))
    },
    activation("HardSigmoid", "`hardSigmoid`") { x, c in
      hardSigmoid(x, slope: c.float("alpha", 0.2), offset: c.float("beta", 0.5))
    },
    activation("Swish", "`silu`, `x σ(αx)`") { x, c in
      let alpha = c.float("alpha", 1)
      return alpha == 1 ? silu(x) : x * sigmoid(x * alpha)
    },
    activation("Shrink", "`shrink`") { x, c in
      shrink(x, threshold: c.float("lambd", 0.5), bias: c.float("bias", 0))
    },
    Operator("SwiGLU", means: "`silu` of one, times the other") { c throws(FirnError) in
      let alpha = c.float("alpha", 1)
      return try c.combined { a, b in (alpha == 1 ? silu(a) : a * sigmoid(a * alpha)) * b }
    },
    Operator("PRelu", means: "`prelu`") { c throws(FirnError) in
      var slope = LaidTensor(try c.weight(1, role: "slope"))
      let rank = try c.shape(0).rank
      if c.version < 7, slope.rank == 1, rank > 2 {
        // One for each channel.
        let ones = [Dim](repeating: 1, count: rank - 2)
        slope = LaidTensor(slope.tensor.reshaped(to: Shape([slope.extent(0)] + ones)))
      }
      let (tensors, isChannelsLast) = OperatorCall.aligned([try c.laid(0), slope])
      return [.of(prelu(tensors[0], slope: tensors[1]), isChannelsLast: isChannelsLast)]
    },
    Operator("Clip", means: "`minimum`, `maximum`") { c throws(FirnError) in
      let x = try c.laid(0)
      var result = x.tensor
      if let low = c.float("min") { result = maximum(result, low) }
      if let high = c.float("max") { result = minimum(result, high) }
      if c.has(1) { result = maximum(result, try c.tensor(1).reshaped(to: .scalar)) }
      if c.has(2) { result = minimum(result, try c.tensor(2).reshaped(to: .scalar)) }
      return [.of(result, isChannelsLast: x.isChannelsLast)]
    },
  ]
}
