import FirnGraph
import FirnOps

extension Operator {
  /// Along an axis; before opset 13 over all axes from there on, as one.
  private static func overAxis(
    _ c: OperatorCall, _ function: (Tensor, Int) -> Tensor
  ) throws(FirnError) -> [ImportedValue] {
    let x = try c.laid(0)
    if c.version >= 13 {
      let axis = try c.axis(c.int("axis", -1), rank: x.rank)
      return [.of(function(x.tensor, x.place(of: axis)), isChannelsLast: x.isChannelsLast)]
    }
    let axis = try c.axis(c.int("axis", 1), rank: x.rank)
    let plain = x.plain
    let (outer, inner) = (plain.shape.dimensions[..<axis], plain.shape.dimensions[axis...])
    let flat = plain.reshaped(to: [outer.reduce(1, *), inner.reduce(1, *)])
    return [.of(function(flat, 1).reshaped(to: plain.shape))]
  }

  /// Whether an element is where the first greatest is, as numbers.
  private static func hardmax(_ x: Tensor, _ axis: Int) -> Tensor {
    let chosen = oneHot(x.argmax(axis: axis), depth: x.extent(axis), dtype: x.dtype)
    let last = x.rank - 1
    var order = Array(0..<last)
    order.insert(last, at: axis)
    return chosen.transposed(order)
  }

  /// The mean or sum of -w[label] log p[label], of labels that count.
  private static func negativeLogLikelihood(
    _ c: OperatorCall, of logarithms: Tensor, isChannelsLast: Bool
  ) throws(FirnError) -> Tensor {
    let labels = LaidTensor(try c.tensor(1))
    let classes = logarithms.extent(-1)
    let ignored = c.int("ignore_index")
    let type = logarithms.dtype
    // An ignored label need not be a class.
    let own = ignored.map { number in
      select(
        where: equal(labels.tensor, Double(number)), labels.tensor.graph.constant(0, dtype: .i32),
        otherwise: labels.tensor)
    }
    let chosen = oneHot(own ?? labels.tensor, depth: classes, dtype: type)
    let weights = c.has(2) ? try c.tensor(2) : nil
    var losses = -(logarithms * chosen).sum(axes: [logarithms.rank - 1])
    var counts = weights.map { (chosen * $0).sum(axes: [chosen.rank - 1]) }
    if let counts { losses = losses * counts }
    if let ignored {
      let isWanted = notEqual(labels.tensor, Double(ignored))
      losses = select(where: isWanted, losses, otherwise: losses.graph.constant(0, dtype: type))
      counts =
        counts.map { select(where: isWanted, $0, otherwise: $0.graph.constant(0, dtype: type)) }
        ?? isWanted.cast(to: type)
    }
    switch c.string("reduction", "mean") {
    case "none": return losses
    case "sum": return losses.sum()
    default: return counts.map { losses.sum() / $0.sum() } ?? losses.mean()
    }
  }

  private static func lastChannels(_ x: LaidTensor) -> Tensor {
    x.rank == 1 ? x.tensor.expandingAxis(at: 0) : x.channelsLast
  }

  static let losses: [Operator] = [
    Operator("Softmax", means: "`softmax`") { c throws(FirnError) in try overAxis(c) { softmax($0, axis: $1) }
    },
    Operator("LogSoftmax", means: "`logSoftmax`") { c throws(FirnError) in
      try overAxis(c) { logSoftmax($0, axis: $1) }
    },
    Operator("Hardmax", means: "`oneHot` of `argmax`") { c throws(FirnError) in
      try overAxis(c) { hardmax($0, $1) }
    },
    Operator("NegativeLogLikelihoodLoss", means: "`oneHot`, `sum`") { c throws(FirnError) in
      let x = try c.laid(0)
      return [.of(try negativeLogLikelihood(c, of: lastChannels(x), isChannelsLast: true))]
    },
    Operator("SoftmaxCrossEntropyLoss", means: "`logSoftmax`, `oneHot`, `sum`") { c throws(FirnError) in
      let x = try c.laid(0)
      let logarithms = logSoftmax(lastChannels(x))
      let loss = try negativeLogLikelihood(c, of: logarithms, isChannelsLast: true)
      return [.of(loss), .of(logarithms, isChannelsLast: true)]
    },
  ]
}
