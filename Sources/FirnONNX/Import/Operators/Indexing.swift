import FirnGraph
import FirnOps

extension Operator {
  /// Indices with those that count from the end counted from the start.
  static func counted(_ indices: Tensor, _ extent: Dim) -> Tensor {
    let size = indices.graph.extent(extent, dtype: .i32)
    return select(where: less(indices, 0), indices + size, otherwise: indices)
  }

  /// Indices of a node: known ones are counted here, so that no node is needed.
  private static func indices(_ c: OperatorCall, _ input: Int, _ extent: Dim) throws(FirnError) -> Tensor {
    if case .known(let known) = try c.value(input) {
      let values = known.values.map { ($0.value ?? 0) < 0 ? extent + $0 : $0 }
      return try c.importer.tensor(.known(KnownIntegers(shape: known.shape, values: values))).plain
    }
    let tensor = try c.tensor(input)
    return counted(tensor.dtype == .i32 ? tensor : tensor.cast(to: .i32), extent)
  }

  private static func reduction(_ c: OperatorCall) throws(FirnError) -> ScatterReduction {
    switch c.string("reduction", "none") {
    case "none": .replacing
    case "add": .adding
    case "mul": .multiplying
    case "max": .maximum
    case "min": .minimum
    case let other: throw c.unsupported("the reduction `\(other)`")
    }
  }

  static let indexing: [Operator] = [
    Operator(
      "Gather", means: "`gather`", differs: "negative indices are counted by a `select`",
      fold: { (c, inputs) throws(FirnError) in
        guard let x = inputs[0], let indices = inputs[1]?.numbers, let shape = inputs[1]?.shape else {
          return nil
        }
        let axis = try c.axis(c.int("axis", 0), rank: x.shape.count)
        let extent = x.shape[axis]
        let places = indices.map { $0 < 0 ? $0 + extent : $0 }
        guard places.allSatisfy({ (0..<extent).contains($0) }) else {
          throw FirnError(.indexOutOfRange, "an index is outside 0..<\(extent)", remedy: "check the model")
        }
        let strides = shape.rowMajorStrides
        return x.gathered(Array(x.shape[..<axis]) + shape + Array(x.shape[(axis + 1)...])) { index in
          let inner = index[axis..<axis + shape.count]
          let place = zip(inner, strides).reduce(0) { $0 + $1.0 * $1.1 }
          return Array(index[..<axis]) + [places[place]] + Array(index[(axis + shape.count)...])
        }
      }
    ) { c throws(FirnError) in
      let shape = try c.shape(0)
      let axis = try c.axis(c.int("axis", 0), rank: shape.rank)
      let table = axis == 0 && shape.rank == 2 ? try c.weight(0, role: "table") : try c.tensor(0)
      return [.of(gather(table, indices: try indices(c, 1, shape[axis]), axis: axis))]
    },
    Operator("GatherElements", means: "`gatherElements`") { c throws(FirnError) in
      [.of(gatherElements(try c.tensor(0), indices: try c.tensor(1), axis: c.int("axis", 0)))]
    },
    Operator("GatherND", means: "`gatherND`") { c throws(FirnError) in
      [.of(gatherND(try c.tensor(0), indices: try c.tensor(1), batchAxes: c.int("batch_dims", 0)))]
    },
    Operator("ScatterElements", means: "`scatterElements`") { c throws(FirnError) in
      try scatterElements(c)
    },
    Operator("Scatter", means: "as `ScatterElements`") { c throws(FirnError) in try scatterElements(c) },
    Operator("ScatterND", means: "`scatterND`") { c throws(FirnError) in
      [
        .of(
          scatterND(
            try c.tensor(0), indices: try c.tensor(1), updates: try c.tensor(2),
            reduction: try reduction(c)))
      ]
    },
    Operator("TensorScatter", means: "`scatterND` of rows from each place on") { c throws(FirnError) in
      try tensorScatter(c)
    },
    Operator("TopK", means: "`topK`", differs: "of equal ones the first; always in order") {
      c throws(FirnError) in
      let x = try c.laid(0)
      let axis = x.place(of: try c.axis(c.int("axis", -1), rank: x.rank))
      var count = Dim(c.int("k", 0))
      if c.has(1) { count = try c.dim(1, "k") }
      let chosen = topK(x.tensor, count, axis: axis, smallest: !c.flag("largest", true))
      return [chosen.values, chosen.indices].map { .of($0, isChannelsLast: x.isChannelsLast) }
    },
    Operator("Compress", means: "`gather` where a known condition holds") { c throws(FirnError) in
      var x = try c.tensor(0)
      let axis = try c.int("axis").map { (axis) throws(FirnError) in try c.axis(axis, rank: x.rank) }
      if axis == nil { x = x.reshaped(to: [x.shape.elementCount]) }
      let chosen = try c.doubles(1, "condition").enumerated().filter { $0.element != 0 }.map(\.offset)
      let places = x.graph.constant(NDArray(chosen.map { Int32($0) }))
      return [.of(gather(x, indices: places, axis: axis ?? 0))]
    },
    Operator("NonZero", means: "a constant, of what is known") { c throws(FirnError) in
      let x = try c.array(0, "input")
      let chosen = x.doubles.enumerated().filter { $0.element != 0 }.map(\.offset)
      let strides = x.shape.rowMajorStrides
      let values = zip(x.shape, strides).flatMap { size, stride in chosen.map { Int32($0 / stride % size) } }
      return [.of(c.importer.graph.constant(try NDArray(values, shape: [x.shape.count, chosen.count])))]
    },
    Operator("ArrayFeatureExtractor", domain: "ai.onnx.ml", means: "`gather` along the last axis") {
      c throws(FirnError) in
      let x = try c.tensor(0)
      try c.requireRank(x.rank, atLeast: 1)
      let rows = x.rank == 1 ? x.expandingAxis(at: 0) : x
      let places = try indices(c, 1, rows.extent(-1))
      return [.of(gather(rows, indices: places.reshaped(to: [places.shape.elementCount]), axis: -1))]
    },
    Operator("OneHot", means: "`oneHot`") { c throws(FirnError) in
      let depth = try c.dim(1, "depth")
      var labels = try c.tensor(0)
      if labels.dtype != .i32 { labels = labels.cast(to: .i32) }
      let axis = try c.axis(c.int("axis", -1), rank: labels.rank + 1)
      let chosen = oneHot(counted(labels, depth), depth: depth, dtype: .i32)
      let values = try c.tensor(2)
      let (off, on) = (values.sliced(axis: 0, from: 0, to: 1), values.sliced(axis: 0, from: 1, to: 2))
      let result = select(
        where: greater(chosen, 0), on.reshaped(to: .scalar), otherwise: off.reshaped(to: .scalar))
      var order = Array(0..<labels.rank)
      order.insert(labels.rank, at: axis)
      return [.of(result.transposed(order))]
    },
  ]

  private static func scatterElements(_ c: OperatorCall) throws(FirnError) -> [ImportedValue] {
    let updates = try c.tensor(2)
    return [
      .of(
        FirnOps.scatterElements(
          try c.tensor(0), indices: try c.tensor(1), updates: updates, axis: c.int("axis", 0),
          reduction: try reduction(c)))
    ]
  }

  /// A cache with some of its rows written anew, of each example from a place of its own on.
  private static func tensorScatter(_ c: OperatorCall) throws(FirnError) -> [ImportedValue] {
    let (cache, update) = (try c.tensor(0), try c.tensor(1))
    let axis = try c.axis(c.int("axis", -2), rank: cache.rank)
    guard axis > 0, update.rank == cache.rank else {
      throw c.unsupported("a cache \(cache.type) written along axis \(axis) by \(update.type)")
    }
    // [batch, time, …]
    let order = [0, axis] + (1..<cache.rank).filter { $0 != axis }
    let (rows, new) = (cache.transposed(order), update.transposed(order))
    let (batch, steps) = (new.extent(0), new.extent(1))
    let graph = cache.graph
    var places = graph.iota(steps).reshaped(to: [1, steps]).broadcast(to: [batch, steps])
    if c.has(2) { places = places + (try c.tensor(2)).reshaped(to: [batch, 1]) }
    if c.string("mode", "linear") == "circular" {
      let size = graph.extent(rows.extent(1), dtype: .i32)
      places = floorRemainder(places, size.broadcast(to: places.shape))
    }
    let examples = graph.iota(batch).reshaped(to: [batch, 1]).broadcast(to: [batch, steps])
    let result = scatterND(rows, indices: stack([examples, places], axis: 2), updates: new)
    return [.of(result.transposed(inverse(of: order)))]
  }
}
