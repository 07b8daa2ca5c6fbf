import FirnGraph
import FirnOps

extension Operator {
  private static let domain = "ai.onnx.preview.training"

  /// For each of several tensors: its new value and new state, from value, gradient and state.
  private static func update(
    _ c: OperatorCall, states: Int,
    _ function: (_ value: Tensor, _ gradient: Tensor, _ state: [Tensor]) -> (Tensor, [Tensor])
  ) throws(FirnError) -> [ImportedValue] {
    let groups = states + 2
    guard c.inputs.count > 2, (c.inputs.count - 2) % groups == 0 else {
      throw FirnError(
        .invalidGraph, "it has \(c.inputs.count) inputs", remedy: "check the file with onnx.checker")
    }
    let count = (c.inputs.count - 2) / groups
    var values: [Tensor] = []
    var slots: [[Tensor]] = []
    for index in 0..<count {
      var state: [Tensor] = []
      for slot in 0..<states { state.append(try c.tensor(2 + (2 + slot) * count + index)) }
      let (value, new) = function(try c.tensor(2 + index), try c.tensor(2 + count + index), state)
      values.append(value)
      slots.append(new)
    }
    return (values + (0..<states).flatMap { slot in slots.map { $0[slot] } }).map { .of($0) }
  }

  static let training: [Operator] = [
    Operator("Gradient", domain: domain, means: "`gradients`", differs: "of the sum of `y`") {
      c throws(FirnError) in
      func value(_ name: String) throws(FirnError) -> Tensor {
        guard let value = c.environment[name] else {
          throw FirnError(.invalidGraph, "it names `\(name)`, which is nothing", remedy: "check the model")
        }
        return try c.importer.tensor(value).plain
      }
      var variables: [Tensor] = []
      for name in c.strings("xs") ?? [] { variables.append(try value(name)) }
      let y = try value(c.string("y", ""))
      return c.graph.gradients(of: [y.rank == 0 ? y : y.sum()], withRespectTo: variables).map { .of($0) }
    },
    Operator("Adagrad", domain: domain, means: "its formula") { c throws(FirnError) in
      let (rate, steps) = (try c.tensor(0).reshaped(to: .scalar), try c.tensor(1).reshaped(to: .scalar))
      let decay = c.float("decay_factor", 0)
      let step = rate / (steps.cast(to: rate.dtype) * decay + 1)
      let (norm, epsilon) = (c.float("norm_coefficient", 0), c.float("epsilon", 0))
      return try update(c, states: 1) { x, g, state in
        let gradient = x * norm + g
        let squares = state[0] + square(gradient)
        return (x - step * gradient / (sqrt(squares) + epsilon), [squares])
      }
    },
    Operator("Momentum", domain: domain, means: "its formula") { c throws(FirnError) in
      let (rate, steps) = (try c.tensor(0).reshaped(to: .scalar), try c.tensor(1).reshaped(to: .scalar))
      let (alpha, norm) = (c.float("alpha", 0), c.float("norm_coefficient", 0))
      let isNesterov = c.string("mode", "standard") == "nesterov"
      let isFirst = equal(steps, 0)
      let beta = select(
        where: isFirst, rate.graph.constant(1, dtype: rate.dtype),
        otherwise: rate.graph.constant(c.float("beta", 1), dtype: rate.dtype))
      return try update(c, states: 1) { x, g, state in
        let gradient = x * norm + g
        let velocity = state[0] * alpha + gradient * beta
        let step = isNesterov ? gradient + velocity * alpha : velocity
        return (x - rate * step, [velocity])
      }
    },
    Operator("Adam", domain: domain, means: "its formula") { c throws(FirnError) in
      let (rate, steps) = (try c.tensor(0).reshaped(to: .scalar), try c.tensor(1).reshaped(to: .scalar))
      let (alpha, beta) = (c.float("alpha", 0.9), c.float("beta", 0.999))
      let (norm, after, epsilon) = (
        c.float("norm_coefficient", 0), c.float("norm_coefficient_post", 0), c.float("epsilon", 0)
      )
      let count = steps.cast(to: rate.dtype)
      let corrected = rate * sqrt(1 - pow(beta, count)) / (1 - pow(alpha, count))
      let step = select(where: equal(steps, 0), rate, otherwise: corrected)
      return try update(c, states: 2) { x, g, state in
        let gradient = x * norm + g
        let mean = state[0] * alpha + gradient * (1 - alpha)
        let squares = state[1] * beta + square(gradient) * (1 - beta)
        let next = x - step * mean / (sqrt(squares) + epsilon)
        return (next * (1 - after), [mean, squares])
      }
    },
  ]
}
