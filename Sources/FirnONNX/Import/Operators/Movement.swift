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
        return to.isLess(than: from) == true ? (from, from) : (from, to)
      }
      let from = clamped(start, 0, -1)
      // Below the first place is -1, which no counting from the end reaches.
      var to = clamped(end, -1, -1)
      if let number = end.value, number < 0, let extent = extent.value, number < -extent { to = -1 }
      return from.isLess(than: to) == true ? (from + 1, from + 1) : (to + 1, from + 1)
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
      }
      return [.of(result, isChannelsLast: x.isChannelsLast)]
    },
    Operator("Pad", means: "`padded`, or `gather` of mirrored, repeated or wrapped places") {
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
      var value = c.float("value", 0)
      if c.has(2) { value = try c.scalar(2, "constant_value") }
      var result = x.tensor
      // What is negative is cut off first.
      for (index, axis) in axes.enumerated() {
        let (low, high) = (pads[index], pads[axes.count + index])
        if low >= 0, high >= 0 { continue }
        let place = x.place(of: axis)
        result = result.sliced(
          axis: place, from: Dim(Swift.max(0, -low)), to: result.shape[place] - Dim(Swift.max(0, -high)))
        pads[index] = Swift.max(0, low)
        pads[axes.count + index] = Swift.max(0, high)
      }
      let mode = c.string("mode", "constant")
      if mode == "constant" {
        var low = [Dim](repeating: 0, count: x.rank)
        var high = low
        for (index, axis) in axes.enumerated() {
          low[x.place(of: axis)] = Dim(pads[index])
          high[x.place(of: axis)] = Dim(pads[axes.count + index])
        }
        return [.of(result.padded(low: low, high: high, value: value), isChannelsLast: x.isChannelsLast)]
      }
      for (index, axis) in axes.enumerated() where pads[index] > 0 || pads[axes.count + index] > 0 {
        let place = x.place(of: axis)
        let extent = try c.numbers([result.shape[place]], "an extent that is padded")[0]
        guard extent > 0 else { throw c.unsupported("padding of an empty axis") }
        guard pads[index] + extent + pads[axes.count + index] < 1 << 24 else {
          throw c.unsupported("so wide a padding")
        }
        // As they are worked out, and as the constant.
        try c.importer.keep(
          2 * (pads[index] + extent + pads[axes.count + index]) * MemoryLayout<Int32>.stride)
        let places = (-pads[index]..<extent + pads[axes.count + index]).map { at -> Int32 in
          switch mode {
          case "edge": return Int32(Swift.min(Swift.max(at, 0), extent - 1))
          case "wrap": return Int32(((at % extent) + extent) % extent)
          default:
            let period = Swift.max(1, 2 * (extent - 1))
            let within = ((at % period) + period) % period
            return Int32(within < extent ? within : period - within)
          }
        }
        result = gather(result, indices: result.graph.constant(NDArray(places)), axis: place)
      }
      return [.of(result, isChannelsLast: x.isChannelsLast)]
    },
    Operator("Tile", means: "`broadcast`, `reshaped`") { c throws(FirnError) in
      let x = try c.tensor(0)
      let repeats = try c.dims(1, "repeats")
      guard repeats.count == x.rank else {
        throw FirnError(.shapeMismatch, "\(repeats.count) repeats of \(x.type)", remedy: "check the model")
      }
      var split: [Dim] = []
      var spread: [Dim] = []
      for (extent, count) in zip(x.shape, repeats) {
        split += [1, extent]
        spread += [count, extent]
      }
      let result = x.reshaped(to: Shape(split)).broadcast(to: Shape(spread))
      return [.of(result.reshaped(to: Shape(zip(x.shape, repeats).map { $0 * $1 })))]
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
    Operator("Trilu", means: "`select` by comparison of `iota`") { c throws(FirnError) in
      let x = try c.tensor(0)
      guard x.rank >= 2 else { throw c.unsupported("an input of \(x.rank) axes") }
      let k = c.has(1) ? try c.scalar(1, "k") : 0
      let (rows, columns) = (x.shape[x.rank - 2], x.shape[x.rank - 1])
      let graph = x.graph
      let row = graph.iota(rows).reshaped(to: [rows, 1])
      let column = graph.iota(columns).reshaped(to: [1, columns])
      // Beyond the matrix it does not matter how far.
      let offset = Swift.min(Swift.max(k, -1e9), 1e9)
      let isKept =
        c.flag("upper", true) ? greaterEqual(column, row + offset) : lessEqual(column, row + offset)
      if x.dtype == .bool { return [.of(logicalAnd(x, isKept.broadcast(to: x.shape)))] }
      return [.of(select(where: isKept, x, otherwise: graph.constant(0, dtype: x.dtype)))]
    },
    Operator("ReverseSequence", means: "`gather` of places counted from each length") { c throws(FirnError) in
      let x = try c.tensor(0)
      let (batch, time) = (c.int("batch_axis", 1), c.int("time_axis", 0))
      guard x.rank >= 2, (batch, time) == (0, 1) || (batch, time) == (1, 0) else {
        throw c.unsupported("batch_axis \(batch) and time_axis \(time)")
      }
      let sequence = time == 0 ? x : x.transposed([1, 0] + Array(2..<x.rank))
      let result = reversedSequence(sequence, lengths: try c.tensor(1))
      return [.of(time == 0 ? result : result.transposed([1, 0] + Array(2..<x.rank)))]
    },
  ]

  /// Each of a batch of sequences, [time, batch, …], backwards up to its length.
  static func reversedSequence(_ x: Tensor, lengths: Tensor) -> Tensor {
    let (steps, batch) = (x.shape[0], x.shape[1])
    let graph = x.graph
    let time = graph.iota(steps).reshaped(to: [steps, 1])
    let length = lengths.reshaped(to: [1, batch])
    let source = select(where: less(time, length), length - time - 1, otherwise: time)
    // The place of an element in [time * batch, …].
    let places = source * graph.extent(batch, dtype: .i32) + graph.iota(batch).reshaped(to: [1, batch])
    let rest = Array(x.shape.dimensions.dropFirst(2))
    return gather(x.reshaped(to: Shape([steps * batch] + rest)), indices: places)
  }
}
