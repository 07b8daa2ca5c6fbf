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
    unary("Softsign", "`x / (1 + |x|)`") { $0 / (abs($0) + 1) },
    unary("HardSwish", "`hardSwish`") { hardSwish($0) },
    unary("Mish", "`x tanh(softplus(x))`") { $0 * tanh(softplus($0)) },
    activation("Gelu", "`gelu`, by tanh where asked for") { x, c in
      guard c.string("approximate", "none") == "tanh" else { return gelu(x) }
      let inner = (x + x * square(x) * 0.044715) * 0.7978845608028654
      return x * (tanh(inner) + 1) * 0.5
    },
    activation("LeakyRelu", "`leakyReLU`") { x, c in leakyReLU(x, alpha: c.float("alpha", 0.01)) },
    activation("Elu", "`elu`") { x, c in elu(x, alpha: c.float("alpha", 1)) },
    activation("Selu", "`elu`, scaled") { x, c in
      elu(x, alpha: c.float("alpha", 1.6732632423543772)) * c.float("gamma", 1.0507009873554805)
    },
    activation("Celu", "`max(x, 0) + min(α (e^(x/α) - 1), 0)`") { x, c in
      let alpha = c.float("alpha", 1)
      return maximum(x, 0) + minimum(expm1(x / alpha) * alpha, 0)
    },
    activation("ThresholdedRelu", "`x` where `x > α`, else 0") { x, c in
      select(where: greater(x, c.float("alpha", 1)), x, otherwise: x * 0)
    },
    activation("HardSigmoid", "`αx + β`, clipped") { x, c in
      minimum(maximum(x * c.float("alpha", 0.2) + c.float("beta", 0.5), 0), 1)
    },
    activation("Swish", "`silu`, `x σ(αx)`") { x, c in
      let alpha = c.float("alpha", 1)
      return alpha == 1 ? silu(x) : x * sigmoid(x * alpha)
    },
    activation("Shrink", "`select`") { x, c in
      let (bias, limit) = (c.float("bias", 0), c.float("lambd", 0.5))
      let low = select(where: less(x, -limit), x + bias, otherwise: x * 0)
      return select(where: greater(x, limit), x - bias, otherwise: low)
    },
    Operator("SwiGLU", means: "`silu` of one, times the other") { c throws(FirnError) in
      let alpha = c.float("alpha", 1)
      return try c.combined { a, b in (alpha == 1 ? silu(a) : a * sigmoid(a * alpha)) * b }
    },
    Operator("PRelu", means: "`max(x, 0) + slope · min(x, 0)`") { c throws(FirnError) in
      let slope = LaidTensor(try c.weight(1, role: "slope"))
      let (tensors, isChannelsLast) = OperatorCall.aligned([try c.laid(0), slope])
      let (x, s) = (tensors[0], tensors[1])
      return [.of(maximum(x, 0) + s * minimum(x, 0), isChannelsLast: isChannelsLast)]
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
