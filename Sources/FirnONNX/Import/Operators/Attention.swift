import FirnGraph
import FirnOps

extension Operator {
  static let attention: [Operator] = [
    Operator(
      "Attention", means: "`matmul`, `softmax`, `matmul`", differs: "softmax is computed in the type of Q"
    ) {
      c throws(FirnError) in try AttentionNode(c).results()
    },
    Operator("RotaryEmbedding", means: "`gather`, `*`, `concatenate`") { c throws(FirnError) in
      let given = try c.tensor(0)
      var x = given
      // [batch, heads, time, size], or [batch, time, heads * size].
      let heads = c.int("num_heads", 0)
      if x.rank == 3 {
        guard heads > 0, let size = x.extent(2).divided(exactlyBy: Dim(heads)) else {
          throw FirnError(.shapeMismatch, "\(heads) heads of \(x.type)", remedy: "check the model")
        }
        x = x.reshaped(to: [x.extent(0), x.extent(1), Dim(heads), size]).transposed([0, 2, 1, 3])
      }
      try c.requireRank(x.rank, atLeast: 4)
      let size = try c.numbers([x.extent(3)], "the size of a head")[0]
      let turned = c.int("rotary_embedding_dim", 0) == 0 ? size : c.int("rotary_embedding_dim", 0)
      var (cosines, sines) = (try c.tensor(1), try c.tensor(2))
      if c.has(3) {
        let places = try c.tensor(3)
        (cosines, sines) = (gather(cosines, indices: places), gather(sines, indices: places))
      }
      try c.requireRank(Swift.min(cosines.rank, sines.rank), atLeast: 3, "cache of angles")
      guard (0...size).contains(turned) else { throw c.unsupported("a rotation of \(turned) of \(size)") }
      let half = turned / 2
      // [batch, 1, time, half]
      let shape: Shape = [cosines.extent(0), 1, cosines.extent(1), Dim(half)]
      let (cosine, sine) = (cosines.reshaped(to: shape), sines.reshaped(to: shape))
      let part = x.sliced(axis: 3, from: 0, to: Dim(turned))
      let isInterleaved = c.flag("interleaved")
      let (a, b): (Tensor, Tensor)
      if isInterleaved {
        let pairs = part.reshaped(to: Shape(x.shape.dimensions.dropLast() + [Dim(half), 2]))
        a = pairs.sliced(axis: 4, from: 0, to: 1).squeezed(axes: [4])
        b = pairs.sliced(axis: 4, from: 1, to: 2).squeezed(axes: [4])
      } else {
        a = part.sliced(axis: 3, from: 0, to: Dim(half))
        b = part.sliced(axis: 3, from: Dim(half), to: Dim(2 * half))
      }
      let (real, imaginary) = (a * cosine - b * sine, a * sine + b * cosine)
      var result =
        isInterleaved
        ? stack([real, imaginary], axis: 4).reshaped(to: part.shape)
        : concatenate([real, imaginary], axis: 3)
      if turned < size { result = concatenate([result, x.sliced(axis: 3, from: Dim(turned))], axis: 3) }
      if given.rank == 3 { result = result.transposed([0, 2, 1, 3]).reshaped(to: given.shape) }
      return [.of(result)]
    },
  ]
}

/// ONNX's attention: heads, shared keys, masks, a cache of keys and values, a cap on scores.
private struct AttentionNode {
  private let c: OperatorCall

  init(_ call: OperatorCall) { c = call }

  func results() throws(FirnError) -> [ImportedValue] {
    let given = try c.tensor(0)
    let queryHeads = given.rank == 4 ? given.extent(1).value ?? 0 : c.int("q_num_heads", 0)
    let q = try heads(given, queryHeads)
    let keys = try c.tensor(1)
    let keyHeads = keys.rank == 4 ? keys.extent(1).value ?? 0 : c.int("kv_num_heads", 0)
    var k = try heads(keys, keyHeads)
    var v = try heads(try c.tensor(2), keyHeads)
    var past: Dim = 0
    if c.has(4), c.has(5) {
      let (oldKeys, oldValues) = (try c.tensor(4), try c.tensor(5))
      try c.requireRank(Swift.min(oldKeys.rank, oldValues.rank), atLeast: 4, "cache")
      past = oldKeys.extent(2)
      k = concatenate([oldKeys, k], axis: 2)
      v = concatenate([oldValues, v], axis: 2)
    }
    let (present, presentValues) = (k, v)
    guard keyHeads > 0, queryHeads % keyHeads == 0 else {
      throw FirnError(
        .shapeMismatch, "\(queryHeads) heads of queries for \(keyHeads) of keys", remedy: "check the model")
    }
    if queryHeads != keyHeads {
      k = repeated(k, queryHeads / keyHeads)
      v = repeated(v, queryHeads / keyHeads)
    }
    let size = try c.numbers([q.extent(3)], "the size of a head")[0]
    let scale = c.float("scale", 1 / Double(size).squareRoot())
    let root = scale.squareRoot()
    var scores = matmul(q * root, k * root, transposeB: true)
    let mode = c.int("qk_matmul_output_mode", 0)
    var shown = scores
    let cap = c.float("softcap", 0)
    let (rows, columns) = (q.extent(2), k.extent(2))
    let graph = scores.graph
    var mask: Tensor?
    func joined(_ other: Tensor) {
      mask =
        mask.map {
          logicalAnd(
            $0.broadcast(to: broadcastShape($0, other)), other.broadcast(to: broadcastShape($0, other)))
        } ?? other
    }
    if c.has(6) { try c.requireRank(try c.shape(6).rank, atLeast: 1, "lengths") }
    let lengths = try c.tensorIfAny(6).map { $0.reshaped(to: [$0.extent(0), 1, 1, 1]) }
    let column = graph.iota(columns).reshaped(to: [1, columns])
    // The place of a query among the keys.
    var row = graph.iota(rows).reshaped(to: [rows, 1])
    if past != 0 {
      row = row + graph.extent(past, dtype: .i32)
    } else if let lengths {
      row = row + (lengths - graph.extent(rows, dtype: .i32))
    }
    if c.flag("is_causal") { joined(lessEqual(column, row)) }
    if let left = c.int("left_window_size"), left >= 0 { joined(greaterEqual(column, row - Double(left))) }
    if let right = c.int("right_window_size"), right >= 0 { joined(lessEqual(column, row + Double(right))) }
    if let lengths { joined(less(column, lengths)) }
    var bias: Tensor?
    if let attention = try c.tensorIfAny(3) {
      let wide = try widened(attention, columns)
      if wide.dtype == .bool { joined(wide) } else { bias = wide }
    }
    // The cap is on scores before they are masked.
    if cap > 0 { scores = tanh(scores / cap) * cap }
    if mode == 1 { shown = scores }
    if let bias { scores = scores + bias }
    if let mask {
      scores = select(where: mask, scores, otherwise: graph.constant(-.infinity, dtype: scores.dtype))
    }
    if mode == 2 { shown = scores }
    var weights = softmax(scores)
    // A row that sees nothing is 0, not NaN.
    if mask != nil || bias != nil {
      weights = select(
        where: equal(weights, weights), weights, otherwise: graph.constant(0, dtype: weights.dtype))
    }
    if mode == 3 { shown = weights }
    var y = matmul(weights, v)
    if given.rank == 3 {
      y = y.transposed([0, 2, 1, 3]).reshaped(to: [y.extent(0), y.extent(2), Dim(queryHeads) * y.extent(3)])
    }
    return [.of(y), .of(present), .of(presentValues), .of(shown)]
  }

  private func broadcastShape(_ a: Tensor, _ b: Tensor) -> Shape {
    let rank = Swift.max(a.rank, b.rank)
    func padded(_ t: Tensor) -> [Dim] { [Dim](repeating: 1, count: rank - t.rank) + t.shape.dimensions }
    return Shape(zip(padded(a), padded(b)).map { $0 == 1 ? $1 : $0 })
  }

  /// Heads as an axis of their own: [batch, heads, time, size].
  private func heads(_ x: Tensor, _ count: Int) throws(FirnError) -> Tensor {
    if x.rank == 4 { return x }
    guard x.rank == 3, count > 0, let size = x.extent(2).divided(exactlyBy: Dim(count)) else {
      throw FirnError(.shapeMismatch, "\(count) heads of \(x.type)", remedy: "check the model")
    }
    return x.reshaped(to: [x.extent(0), x.extent(1), Dim(count), size]).transposed([0, 2, 1, 3])
  }

  /// Each head so many times in a row.
  private func repeated(_ x: Tensor, _ count: Int) -> Tensor {
    guard x.rank == 4 else { return x }
    let s = x.shape
    return x.reshaped(to: [s[0], s[1], 1, s[2], s[3]]).broadcast(to: [s[0], s[1], Dim(count), s[2], s[3]])
      .reshaped(to: [s[0], s[1] * Dim(count), s[2], s[3]])
  }

  /// A mask of fewer columns than there are keys hides the others.
  private func widened(_ mask: Tensor, _ columns: Dim) throws(FirnError) -> Tensor {
    let own = mask.extent(-1)
    if own == columns || own == 1 { return mask }
    guard let missing = (columns - own).value, missing > 0 else { return mask }
    var high = [Dim](repeating: 0, count: mask.rank)
    high[mask.rank - 1] = Dim(missing)
    return mask.padded(
      low: [Dim](repeating: 0, count: mask.rank), high: high, value: mask.dtype == .bool ? 0 : -.infinity)
  }
}
