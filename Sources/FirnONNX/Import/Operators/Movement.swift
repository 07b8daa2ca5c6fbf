import FirnGraph
import FirnOps

extension Operator {
  /// What `Slice` takes of each axis, from attributes before opset 10, from inputs since.
  private struct Cut {
    var axis: Int
    var start: Dim
    var end: Dim
    var step: Int
    var extent: Dim

    /// First and past-the-last place where it goes forward; of one that goes backward, of the same elements.
    var bounds: (from: Dim, to: Dim) {
      func clamped(_ place: Dim, _ low: Int, _ highOffset: Int) -> Dim {
        // -1 is the last place, and beyond the end is the end; a named place is taken as it stands.
        var result = place
        if let number = place.value {
          if let extent = extent.value {
            let counted = number < 0 ? number.addingReportingOverflow(extent).partialValue : number
            return Dim(Swift.min(Swift.max(counted, low), extent + highOffset))
          }
          if number >= Int(Int32.max) { return extent + Dim(highOffset) }
          if number <= -Int(Int32.max) { return Dim(low) }
          result = number < 0 ? extent + place : place
        } else if result.isLess(than: extent) == false {
          return extent + Dim(highOffset)
        }
        return result
      }
      if step > 0 {
        let from = clamped(start, 0, 0)
        let to = clamped(end, 0, 0)
        return to.isAtMost(from) == true ? (from, from) : (from, to)
      }
      let from = clamped(start, 0, -1)
      // Below the first place is -1, which no counting from the end reaches.
      var to = clamped(end, -1, -1)
      if let number = end.value, number < 0, let extent = extent.value, number < -extent { to = -1 }
      return from.isAtMost(to) == true ? (from + 1, from + 1) : (to + 1, from + 1)
    }
  }

  private static func cuts(_ c: OperatorCall, of shape: Shape) throws(FirnError) -> [Cut] {
    let starts: [Dim]
    let ends: [Dim]
    var axes: [Int]?
    var steps: [Int]?
    if let values = c.ints("starts") {
      starts = values.map { Dim($0) }
      ends = (c.ints("ends") ?? []).map { Dim($0) }
      axes = c.ints("axes")
    } else {
      starts = try c.dims(1, "starts")
      ends = try c.dims(2, "ends")
      if c.has(3) { axes = try c.integers(3, "axes") }
      if c.has(4) { steps = try c.integers(4, "steps") }
    }
    let places = try c.axes(axes ?? Array(starts.indices), rank: shape.rank)
    guard ends.count == starts.count, places.count == starts.count,
      (steps ?? []).allSatisfy({ $0 != 0 && (-(1 << 31)...1 << 31).contains($0) }),
      steps == nil || steps?.count == starts.count, Set(places).count == places.count
    else {
      throw FirnError(
        .shapeMismatch, "starts, ends, axes and steps do not fit each other",
        remedy: "check the file with onnx.checker")
    }
    return places.indices.map { index in
      Cut(
        axis: places[index], start: starts[index], end: ends[index], step: steps?[index] ?? 1,
        extent: shape[places[index]])
    }
  }

  static let movement: [Operator] = [
    Operator(
      "Transpose", means: "`transposed`",
      fold: { (c, inputs) throws(FirnError) in
        inputs[0].flatMap { x in x.transposed(c.ints("perm") ?? x.shape.indices.reversed()) }
      }
    ) { c throws(FirnError) in
      // A weight that is turned before its use is laid so.
      if case .stored(let stored) = try c.value(0) {
        let axes = Array(stored.message.dimensions.indices)
        let order = c.ints("perm") ?? axes.reversed()
        if order.sorted() == axes { return [.turned(stored, order: order)] }
      }
      let x = try c.laid(0)
      let order = c.ints("perm") ?? Array((0..<x.rank).reversed())
      guard order.sorted() == Array(0..<x.rank) else {
        throw FirnError(
          .shapeMismatch, "perm \(order) of \(x.rank) axes", remedy: "check the file with onnx.checker")
      }
      // Channels that are put first are still last in the graph.
      if !x.isChannelsLast, x.rank > 2, order == [0, x.rank - 1] + Array(1..<x.rank - 1) {
        return [.of(x.tensor, isChannelsLast: true)]
      }
      return [.of(x.tensor.transposed(order.map { x.place(of: $0) }))]
    },
    Operator(
      "Concat", means: "`concatenate`",
      fold: { (c, inputs) throws(FirnError) in
        let parts = inputs.compactMap { $0 }
        guard let first = parts.first, first.shape.count == 1, parts.allSatisfy({ $0.shape.count == 1 })
        else {
          return nil
        }
        let values = parts.flatMap(\.values)
        return KnownIntegers(shape: [values.count], values: values, isBool: first.isBool)
      }
    ) { c throws(FirnError) in
      var parts: [LaidTensor] = []
      for index in c.inputs.indices where c.has(index) { parts.append(try c.laid(index)) }
      guard let first = parts.first else { throw c.unsupported("a concatenation of nothing") }
      let axis = try c.axis(c.int("axis", 1), rank: first.rank)
      let isChannelsLast = parts.contains { $0.isChannelsLast } && parts.allSatisfy { $0.rank == first.rank }
      let model = LaidTensor(first.tensor, isChannelsLast: isChannelsLast)
      let tensors = parts.map { isChannelsLast ? $0.channelsLast : $0.plain }
      return [.of(concatenate(tensors, axis: model.place(of: axis)), isChannelsLast: isChannelsLast)]
    },
    Operator("Split", means: "`split`") { c throws(FirnError) in
      let x = try c.laid(0)
      let axis = try c.axis(c.int("axis", 0), rank: x.rank)
      let extent = x.shape[axis]
      var sizes: [Dim]
      if let given = c.ints("split") {
        sizes = given.map { Dim($0) }
      } else if c.has(1) {
        sizes = try c.dims(1, "split")
      } else {
        let count = c.int("num_outputs", c.node.outputs.count)
        guard (1...Swift.max(1, c.node.outputs.count)).contains(count) else {
          throw c.unsupported("\(count) parts for \(c.node.outputs.count) outputs")
        }
        if let whole = extent.divided(exactlyBy: Dim(count)) {
          sizes = Array(repeating: whole, count: count)
        } else {
          // The last part is what is left.
          let number = try c.numbers([extent], "the extent that is split")[0]
          let part = (number + count - 1) / count
          sizes = (0..<count).map { Dim(Swift.max(0, Swift.min(part, number - $0 * part))) }
        }
      }
      let parts = x.tensor.split(sizes: sizes, axis: x.place(of: axis))
      return parts.map { .of($0, isChannelsLast: x.isChannelsLast) }
    },
    Operator(
      "Slice", means: "`sliced`, `reversed`",
      fold: { (c, inputs) throws(FirnError) in
        guard let x = inputs[0] else { return nil }
        var result: KnownIntegers? = x
        for cut in try cuts(c, of: Shape(x.shape)) {
          let (from, to) = cut.bounds
          guard let low = from.value, let high = to.value, let current = result else { return nil }
          let size = Swift.abs(cut.step)
          let places =
            cut.step > 0
            ? Array(stride(from: low, to: high, by: size))
            : Array(stride(from: high - 1, through: low, by: -size))
          var shape = current.shape
          shape[cut.axis] = places.count
          result = current.gathered(shape) { index in
            var source = index
            source[cut.axis] = places[index[cut.axis]]
            return source
          }
        }
        return result
      }
    ) { c throws(FirnError) in
      let x = try c.laid(0)
      var result = x.tensor
      for cut in try cuts(c, of: x.shape) {
        let (from, to) = cut.bounds
        let place = x.place(of: cut.axis)
        let isWhole = from == 0 && to == cut.extent
        if !isWhole || cut.step > 1 {
          var starts = [Dim](repeating: 0, count: result.rank)
          var limits = result.shape.dimensions
          var steps = [Int](repeating: 1, count: result.rank)
          (starts[place], limits[place]) = (from, to)
          if cut.step > 0 { steps[place] = cut.step }
          result = result.sliced(starts: starts, limits: limits, steps: steps)
        }
        if cut.step < 0 {
          result = result.reversed(axes: [place])
          if cut.step < -1 { result = result.sliced(axis: place, by: -cut.step) }
        }
        // Its fault is on record; it has no axes to go on with.
        if result.isPoisoned { break }
      }
      return [.of(result, isChannelsLast: x.isChannelsLast)]
    },
    Operator("Pad", means: "`padded`") {
      c throws(FirnError) in
      let x = try c.laid(0)
      var pads: [Int]
      if let attribute = c.ints("pads") ?? c.ints("paddings") {
        pads = attribute
      } else {
        pads = try c.integers(1, "pads")
      }
      var axes = Array(0..<x.rank)
      if c.has(3) { axes = try c.axes(c.integers(3, "axes"), rank: x.rank) }
      guard pads.count == 2 * axes.count, pads.allSatisfy({ (-(1 << 31)...1 << 31).contains($0) }),
        Set(axes).count == axes.count
      else {
        throw FirnError(
          .shapeMismatch, "\(pads.count) pads for \(axes.count) axes", remedy: "check the model")
      }
      var result = x.tensor
      // What is negative is cut off first.
      for (index, axis) in axes.enumerated() {
        let (low, high) = (pads[index], pads[axes.count + index])
        if low >= 0 && high >= 0 || result.isPoisoned { continue }
        let place = x.place(of: axis)
        result = result.sliced(
          axis: place, from: Dim(Swift.max(0, -low)), to: result.shape[place] - Dim(Swift.max(0, -high)))
        pads[index] = Swift.max(0, low)
        pads[axes.count + index] = Swift.max(0, high)
      }
      if result.isPoisoned { return [.of(result)] }
      var low = [Dim](repeating: 0, count: x.rank)
      var high = low
      for (index, axis) in axes.enumerated() {
        low[x.place(of: axis)] = Dim(pads[index])
        high[x.place(of: axis)] = Dim(pads[axes.count + index])
      }
      guard let mode = try paddingMode(c) else {
        var value = c.float("value", 0)
        if c.has(2) { value = try c.scalar(2, "constant_value") }
        return [.of(result.padded(low: low, high: high, value: value), isChannelsLast: x.isChannelsLast)]
      }
      guard pads.allSatisfy({ $0 < 1 << 24 }) else { throw c.unsupported("so wide a padding") }
      // A narrow axis is mirrored as often as it takes, each time by a node.
      for axis in 0..<x.rank {
        let width = Swift.max(low[axis].value ?? 0, high[axis].value ?? 0)
        let extent = Swift.max(1, (result.shape[axis].value ?? width) - 1)
        guard width / extent < 1 << 10 else { throw c.unsupported("so wide a padding of \(extent)") }
      }
      return [.of(result.padded(low: low, high: high, mode: mode), isChannelsLast: x.isChannelsLast)]
    },
    Operator("Tile", means: "`tiled`") { c throws(FirnError) in
      [.of(try c.tensor(0).tiled(by: c.dims(1, "repeats")))]
    },
    Operator("CenterCropPad", means: "`sliced`, `padded`") { c throws(FirnError) in
      let x = try c.tensor(0)
      let wanted = try c.integers(1, "shape")
      let axes = try c.axes(c.ints("axes") ?? Array(0..<x.rank), rank: x.rank)
      var result = x
      for (axis, size) in zip(axes, wanted) {
        let extent = try c.numbers([x.shape[axis]], "an extent that is cropped")[0]
        guard (0..<1 << 31).contains(size) else { throw c.unsupported("an extent of \(size)") }
        if size < extent {
          let start = (extent - size) / 2
          result = result.sliced(axis: axis, from: Dim(start), to: Dim(start + size))
        } else if size > extent {
          var low = [Dim](repeating: 0, count: x.rank)
          var high = low
          low[axis] = Dim((size - extent) / 2)
          high[axis] = Dim(size - extent - (size - extent) / 2)
          result = result.padded(low: low, high: high)
        }
      }
      return [.of(result)]
    },
    Operator("Trilu", means: "`upperTriangle`, `lowerTriangle`") { c throws(FirnError) in
      let x = try c.tensor(0)
      let k = c.has(1) ? try c.scalar(1, "k") : 0
      // Beyond the matrix it does not matter how far.
      let diagonal = Int(Swift.min(Swift.max(k, -0x1p30), 0x1p30))
      let numbers = x.dtype == .bool ? x.cast(to: .i32) : x
      let result =
        c.flag("upper", true)
        ? numbers.upperTriangle(diagonal: diagonal) : numbers.lowerTriangle(diagonal: diagonal)
      return [.of(result.cast(to: x.dtype))]
    },
    Operator("ReverseSequence", means: "`reversedSequences`") { c throws(FirnError) in
      [
        .of(
          try c.tensor(0).reversedSequences(
            lengths: c.tensor(1), batchAxis: c.int("batch_axis", 1), timeAxis: c.int("time_axis", 0)))
      ]
    },
  ]

  /// How `Pad` fills; nil for a value.
  private static func paddingMode(_ c: OperatorCall) throws(FirnError) -> PaddingMode? {
    switch c.string("mode", "constant") {
    case "constant": nil
    case "edge": .edge
    case "wrap": .wrap
    case "reflect": .reflect
    case let other: throw c.unsupported("the mode `\(other)`")
    }
  }
}
