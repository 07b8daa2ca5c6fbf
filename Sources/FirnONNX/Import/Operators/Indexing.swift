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

  /// The places of elements in a tensor made flat, where an axis is given by `indices` and all others are as they
  /// stand.
  private static func places(_ indices: Tensor, axis: Int, in shape: Shape) -> Tensor {
    let graph = indices.graph
    var result: Tensor?
    var stride = Dim(1)
    for place in shape.indices.reversed() {
      var own = indices
      if place != axis {
        var ones = [Dim](repeating: 1, count: shape.rank)
        ones[place] = indices.shape[place]
        own = graph.iota(indices.shape[place]).reshaped(to: Shape(ones))
      }
      let part = stride == 1 ? own : own * graph.extent(stride, dtype: .i32)
      result = result.map { $0 + part } ?? part
      stride = stride * shape[place]
    }
    return (result ?? indices).broadcast(to: indices.shape)
  }

  /// The places of blocks in a tensor whose first axes are made one, from vectors of indices along the last axis.
  private static func places(ofVectors indices: Tensor, in shape: [Dim]) -> Tensor {
    let graph = indices.graph
    var result: Tensor?
    var stride = Dim(1)
    for place in shape.indices.reversed() {
      let own = counted(
        indices.sliced(axis: indices.rank - 1, from: Dim(place), to: Dim(place + 1))
          .squeezed(axes: [indices.rank - 1]), shape[place])
      let part = stride == 1 ? own : own * graph.extent(stride, dtype: .i32)
      result = result.map { $0 + part } ?? part
      stride = stride * shape[place]
    }
    return result ?? indices
  }

  /// A tensor, [places, …], with updates put in: by themselves, added, or otherwise combined.
  private static func scattered(
    _ x: Tensor, _ updates: Tensor, at places: Tensor, _ reduction: String, _ c: OperatorCall
  ) throws(FirnError) -> Tensor {
    let size = x.shape[0]
    let type = x.dtype == .bool ? DType.i32 : x.dtype
    let (data, new) = (x.cast(to: type), updates.cast(to: type))
    switch reduction {
    case "add": return (data + scatterAdd(new, indices: places, size: size)).cast(to: x.dtype)
    case "none":
      let ones = Tensor.filled(1, type: TensorType(type, places.shape), in: x.graph)
      var hit = greater(scatterAdd(ones, indices: places, size: size), 0)
      hit = hit.reshaped(to: Shape([size] + [Dim](repeating: 1, count: x.rank - 1)))
      return select(where: hit, scatterAdd(new, indices: places, size: size), otherwise: data).cast(
        to: x.dtype)
    default:
      throw c.unsupported("the reduction `\(reduction)`")
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
    Operator("GatherElements", means: "`gather` of the flat tensor") { c throws(FirnError) in
      let x = try c.tensor(0)
      let axis = try c.axis(c.int("axis", 0), rank: x.rank)
      try requireAlike(x, try c.shape(1))
      let places = places(try indices(c, 1, x.shape[axis]), axis: axis, in: x.shape)
      return [.of(gather(x.reshaped(to: [x.shape.elementCount]), indices: places))]
    },
    Operator("GatherND", means: "`gather` of the tensor with its first axes made one") {
      c throws(FirnError) in
      var x = try c.tensor(0)
      var indices = try c.tensor(1)
      let batch = c.int("batch_dims", 0)
      guard indices.rank >= 1, let depth = indices.extent(-1).value, batch >= 0, depth + batch <= x.rank,
        batch < indices.rank
      else {
        throw FirnError(
          .shapeMismatch, "\(indices.type) are no indices of \(x.type)", remedy: "check the model")
      }
      let outer = Array(x.shape.dimensions[..<batch])
      let count = outer.reduce(1, *)
      let indexed = Array(x.shape.dimensions[batch..<batch + depth])
      let rest = Array(x.shape.dimensions[(batch + depth)...])
      let lead = Array(indices.shape.dimensions.dropLast())
      indices = indices.reshaped(to: Shape([count, lead[batch...].reduce(1, *), Dim(depth)]))
      var places = places(ofVectors: indices, in: indexed)
      if batch > 0 {
        let graph = x.graph
        let start =
          graph.iota(count).reshaped(to: [count, 1]) * graph.extent(indexed.reduce(1, *), dtype: .i32)
        places = places + start
      }
      x = x.reshaped(to: Shape([count * indexed.reduce(1, *)] + rest))
      return [.of(gather(x, indices: places).reshaped(to: Shape(lead + rest)))]
    },
    Operator(
      "ScatterElements", means: "`scatterAdd` of the flat tensor",
      differs: "only `none` and `add`; repeated places add up"
    ) { c throws(FirnError) in try scatterElements(c) },
    Operator("Scatter", means: "as `ScatterElements`") { c throws(FirnError) in try scatterElements(c) },
    Operator(
      "ScatterND", means: "`scatterAdd` of blocks", differs: "only `none` and `add`; repeated places add up"
    ) { c throws(FirnError) in
      let x = try c.tensor(0)
      let indices = try c.tensor(1)
      let updates = try c.tensor(2)
      guard indices.rank >= 1, let depth = indices.extent(-1).value, (1...x.rank).contains(depth) else {
        throw FirnError(
          .shapeMismatch, "\(indices.type) are no indices of \(x.type)", remedy: "check the model")
      }
      let indexed = Array(x.shape.dimensions[..<depth])
      let rest = Array(x.shape.dimensions[depth...])
      let count = indices.shape.dimensions.dropLast().reduce(1, *)
      let places = places(ofVectors: indices, in: indexed).reshaped(to: [count])
      let result = try scattered(
        x.reshaped(to: Shape([indexed.reduce(1, *)] + rest)), updates.reshaped(to: Shape([count] + rest)),
        at: places, c.string("reduction", "none"), c)
      return [.of(result.reshaped(to: x.shape))]
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

  private static func requireAlike(_ x: Tensor, _ indices: Shape) throws(FirnError) {
    guard indices.rank == x.rank else {
      throw FirnError(.shapeMismatch, "indices \(indices) of \(x.type)", remedy: "check the model")
    }
  }

  private static func scatterElements(_ c: OperatorCall) throws(FirnError) -> [ImportedValue] {
    let x = try c.tensor(0)
    let updates = try c.tensor(2)
    try requireAlike(x, try c.shape(1))
    let axis = try c.axis(c.int("axis", 0), rank: x.rank)
    let places = places(try indices(c, 1, x.shape[axis]), axis: axis, in: x.shape)
    let count = updates.shape.elementCount
    let result = try scattered(
      x.reshaped(to: [x.shape.elementCount]), updates.reshaped(to: [count]), at: places.reshaped(to: [count]),
      c.string("reduction", "none"), c)
    return [.of(result.reshaped(to: x.shape))]
  }
}
