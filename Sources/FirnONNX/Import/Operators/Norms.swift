import FirnGraph
import FirnOps

extension Operator {
  /// (x - mean) / √(variance + ε) over some axes, which stay.
  static func normalized(_ x: Tensor, _ axes: [Int], _ epsilon: Double) -> (
    y: Tensor, mean: Tensor, scale: Tensor
  ) {
    let mean = x.mean(axes: axes, keepingAxes: true)
    let centred = x - mean
    let scale = rsqrt(square(centred).mean(axes: axes, keepingAxes: true) + epsilon)
    return (centred * scale, mean, scale)
  }

  static let norms: [Operator] = [
    Operator(
      "BatchNormalization", means: "moving averages as state; training mode follows the compile mode",
      differs: "averages that are initialisers move in training mode whatever `training_mode` says"
    ) { c throws(FirnError) in try BatchNormalization(c).results() },
    Operator("LayerNormalization", means: "`mean`, `rsqrt`") { c throws(FirnError) in
      let x = try c.tensor(0)
      let axis = try c.axis(c.int("axis", -1), rank: x.rank)
      let (y, mean, scale) = normalized(x, Array(axis..<x.rank), c.float("epsilon", 1e-5))
      var result = y * (try c.weight(1, role: "gain"))
      if c.has(2) { result = result + (try c.weight(2, role: "beta")) }
      return [.of(result), .of(mean), .of(scale)]
    },
    Operator("RMSNormalization", means: "`rootMeanSquareNormalized`") { c throws(FirnError) in
      let x = try c.tensor(0)
      let axis = try c.axis(c.int("axis", -1), rank: x.rank)
      let y = rootMeanSquareNormalized(x, axes: Array(axis..<x.rank), epsilon: c.float("epsilon", 1e-5))
      return [.of(y * (try c.weight(1, role: "gain")))]
    },
    Operator("InstanceNormalization", means: "`standardized` over the spatial axes") { c throws(FirnError) in
      let x = try c.laid(0)
      try c.requireRank(x.rank, atLeast: 3)
      let image = x.channelsLast
      let axes = Array(1..<image.rank - 1)
      let y = standardized(image, axes: axes, epsilon: c.float("epsilon", 1e-5))
      // Ones and zeros of a norm without weights are none either.
      if c.isFilled(1, with: 1), c.isFilled(2, with: 0) { return [.of(y, isChannelsLast: true)] }
      return [
        .of(y * (try c.weight(1, role: "gain")) + (try c.weight(2, role: "beta")), isChannelsLast: true)
      ]
    },
    Operator("GroupNormalization", means: "`standardized` over groups of channels") { c throws(FirnError) in
      let x = try c.laid(0)
      let groups = c.int("num_groups", 1)
      let image = x.channelsLast
      guard x.rank >= 2, groups > 0, let part = image.extent(-1).divided(exactlyBy: Dim(groups)) else {
        throw FirnError(
          .shapeMismatch, "\(groups) groups of \(x.extent(1)) channels", remedy: "check the model")
      }
      // What an exporter has taken apart says the shape that it put together again, or how many axes its weights had.
      let wanted = c.ints("firn.shape").map { Shape($0) }
      if let wanted, wanted.rank < 2 || wanted[0] != x.shape[0] || wanted[1] != x.shape[1] {
        throw c.unsupported("a group norm of \(x.shape) that gives \(wanted)")
      }
      if let rank = c.int("firn.rank") {
        guard rank == x.rank - 1, try c.shape(1) == [x.extent(1)] else {
          throw c.unsupported(
            "a group norm of \(x.shape) with weights of \(try c.shape(1)) along axis \(-rank)")
        }
      }
      /// The result, in the shape that is wanted of it.
      func shaped(_ y: Tensor) -> [ImportedValue] {
        let result = LaidTensor(y, isChannelsLast: true)
        guard let wanted, wanted != x.shape else { return [.tensor(result)] }
        return [.of(result.plain.reshaped(to: wanted))]
      }
      let spatial = Array(image.shape.dimensions.dropLast())
      let parts = image.reshaped(to: Shape(spatial + [Dim(groups), part]))
      let axes = Array(1..<image.rank - 1) + [image.rank]
      let y = standardized(parts, axes: axes, epsilon: c.float("epsilon", 1e-5))
      let gain = try c.weight(1, role: "gain")
      let bias = try c.weight(2, role: "beta")
      // Before opset 21 there is one scale for a group.
      if gain.shape == [Dim(groups)], part != 1 {
        let column: Shape = [Dim(groups), 1]
        let scaled = y * gain.reshaped(to: column) + bias.reshaped(to: column)
        return shaped(scaled.reshaped(to: image.shape))
      }
      return shaped(y.reshaped(to: image.shape) * gain + bias)
    },
    Operator("MeanVarianceNormalization", means: "`mean`, `rsqrt`") { c throws(FirnError) in
      let x = try c.laid(0)
      let axes = try c.axes(c.ints("axes") ?? [0, 2, 3], rank: x.rank).map { x.place(of: $0) }.sorted()
      let mean = x.tensor.mean(axes: axes, keepingAxes: true)
      let centred = x.tensor - mean
      let deviation = sqrt(square(centred).mean(axes: axes, keepingAxes: true))
      return [.of(centred / (deviation + 1e-9), isChannelsLast: x.isChannelsLast)]
    },
    Operator("LpNormalization", means: "`sum`, `/`") { c throws(FirnError) in
      let x = try c.tensor(0)
      let axis = try c.axis(c.int("axis", -1), rank: x.rank)
      let size =
        c.int("p", 2) == 1
        ? abs(x).sum(axes: [axis], keepingAxes: true) : sqrt(square(x).sum(axes: [axis], keepingAxes: true))
      let isZero = equal(size, 0)
      let safe = select(where: isZero, x.graph.constant(1, dtype: x.dtype), otherwise: size)
      return [.of(x / safe)]
    },
    Operator("LRN", means: "`localResponseNormalized`") { c throws(FirnError) in
      let x = try c.laid(0)
      try c.requireRank(x.rank, atLeast: 2)
      let result = localResponseNormalized(
        x.channelsLast, size: c.int("size", 1), alpha: c.float("alpha", 0.0001), beta: c.float("beta", 0.75),
        bias: c.float("bias", 1))
      return [.of(result, isChannelsLast: true)]
    },
    Operator(
      "Dropout", means: "`dropout`, in training mode", differs: "masks are Firn's own, so is their seed"
    ) {
      c throws(FirnError) in
      let x = try c.laid(0)
      // A model that was exported for inference keeps its nodes, and drops where Firn trains.
      var ratio = c.float("ratio", 0.5)
      if c.has(1) { ratio = try c.scalar(1, "ratio") }
      let isTraining = c.has(2) ? try c.scalar(2, "training_mode") != 0 : false
      if c.wants(1), isTraining, ratio != 0 {
        throw c.unsupported("the mask of a dropout in training mode")
      }
      let y = ratio == 0 ? x.tensor : dropout(x.tensor, rate: ratio)
      let mask = c.wants(1) ? logicalOr(equal(x.tensor, x.tensor), notEqual(x.tensor, x.tensor)) : x.tensor
      return [.of(y, isChannelsLast: x.isChannelsLast), .of(mask, isChannelsLast: x.isChannelsLast)]
    },
  ]
}

/// One batch norm: by the moving averages of the file, or by the batch.
private struct BatchNormalization {
  private let c: OperatorCall
  private let x: LaidTensor
  private let image: Tensor

  init(_ call: OperatorCall) throws(FirnError) {
    c = call
    x = try call.laid(0)
    image = x.channelsLast
  }

  func results() throws(FirnError) -> [ImportedValue] {
    guard image.rank >= 2, c.inputs.count >= 5 else {
      throw FirnError(
        .invalidGraph, "it has \(c.inputs.count) inputs, not 5", remedy: "check the file with onnx.checker")
    }
    let gain = try c.weight(1, role: "gain")
    let bias = try c.weight(2, role: "beta")
    let movingMean = try c.weight(3, role: "moving_mean")
    let movingVariance = try c.weight(4, role: "moving_variance")
    let isTraining = c.flag("training_mode")
    let epsilon = c.float("epsilon", 1e-5)
    let share = 1 - c.float("momentum", 0.9)
    let isState = movingMean.variable != nil && movingVariance.variable != nil && image.graph.parent == nil
    guard isState || isTraining else {
      return [.of(scaled(movingMean, movingVariance, gain, bias, epsilon), isChannelsLast: true)]
    }
    let axes = Array(0..<image.rank - 1)
    let mean = image.mean(axes: axes)
    let variance = square(image - mean).mean(axes: axes)
    guard isState else {
      return [
        .of(scaled(mean, variance, gain, bias, epsilon), isChannelsLast: true),
        .of(movingMean + (mean - movingMean) * share),
        .of(movingVariance + (variance - movingVariance) * share),
      ]
    }
    let usedMean = byMode(training: mean, inference: movingMean)
    let usedVariance = byMode(training: variance, inference: movingVariance)
    let graph = c.graph
    graph.assign(movingMean + (mean - movingMean) * share, to: movingMean, whenTraining: usedMean)
    // PyTorch averages the variance that is divided by n - 1, whatever ONNX says.
    var spread = variance
    if c.importer.model.producer == "pytorch" {
      let count = graph.sampleCount(image.shape.dimensions.dropLast().reduce(1, *), dtype: image.dtype)
      spread = variance * (count / (count - 1))
    }
    graph.assign(
      movingVariance + (spread - movingVariance) * share, to: movingVariance, whenTraining: usedVariance)
    return [
      .of(scaled(usedMean, usedVariance, gain, bias, epsilon), isChannelsLast: true), .of(movingMean),
      .of(movingVariance),
    ]
  }

  private func scaled(
    _ mean: Tensor, _ variance: Tensor, _ gain: Tensor, _ bias: Tensor, _ epsilon: Double
  ) -> Tensor {
    let scale = gain * rsqrt(variance + epsilon)
    return image * scale + (bias - mean * scale)
  }
}
