import FirnGraph
import FirnOps

extension Operator {
  static let attention: [Operator] = [
    Operator(
      "Attention", means: "`matmul`, `softmax`, `matmul`", differs: "softmax is computed in the type of Q"
    ) {
      c throws(FirnError) in try AttentionNode(c).results()
    },
    Operator("RotaryEmbedding", means: "`rotaryEmbedding`") { c throws(FirnError) in
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
      var result = rotaryEmbedding(
        x, cosines: cosines.reshaped(to: shape), sines: sines.reshaped(to: shape),
        isInterleaved: c.flag("interleaved"))
      if given.rank == 3 { result = result.transposed([0, 2, 1, 3]).reshaped(to: given.shape) }
      return [.of(result)]
    },
    Operator(
      "FlexAttention", domain: "ai.onnx.preview", means: "`matmul`, `softmax`, `matmul`, and its graphs"
    ) {
      c throws(FirnError) in
      let (q, keys, values) = (try c.tensor(0), try c.tensor(1), try c.tensor(2))
      guard q.rank == 4, keys.rank == 4, values.rank == 4 else { throw c.unsupported("inputs without heads") }
      let share = q.extent(1).divided(exactlyBy: keys.extent(1))?.value ?? 1
      let (k, v) = (keys.headsRepeated(share), values.headsRepeated(share))
      let size = try c.numbers([q.extent(3)], "the size of a head")[0]
      let root = c.float("scale", 1 / Double(size).squareRoot()).squareRoot()
      func modified(_ x: Tensor, _ name: String) throws(FirnError) -> Tensor {
        guard let graph = c.attribute(name)?.graph else { return x }
        guard let result = c.importer.body(graph, [x], in: c.environment).first else {
          throw FirnError(
            .invalidGraph, "`\(name)` gives nothing", remedy: "check the file with onnx.checker")
        }
        return result
      }
      var type = q.dtype
      if let code = c.int("softmax_precision") { type = try Operator.type(code, c) }
      let scores = try modified(matmul(q * root, k * root, transposeB: true).cast(to: type), "score_mod")
      let weights = try modified(softmax(scores), "prob_mod")
      return [.of(matmul(weights, v.cast(to: type)).cast(to: q.dtype))]
    },
    Operator("LinearAttention", means: "a `scan` over the keys' state") { c throws(FirnError) in
      try LinearAttentionNode(c).results()
    },
    Operator("CausalConvWithState", means: "`concatenate`, `conv1d`") { c throws(FirnError) in
      let x = try c.laid(0)
      let kernelShape = try c.shape(1)
      guard x.rank == 3, kernelShape.rank == 3 else { throw c.unsupported("other than sequences") }
      let size = try c.numbers([kernelShape[2]], "the size of the kernel")[0]
      let image = x.channelsLast
      // [batch, time, channels], with what came before in front.
      var padded = image.padded(low: [0, Dim(size - 1), 0], high: [0, 0, 0])
      if c.has(3) { padded = concatenate([try c.laid(3).channelsLast, image], axis: 1) }
      let groups = try c.numbers([x.extent(1)], "the number of channels")[0]
      var result = conv1d(padded, try c.weight(1, order: [2, 1, 0], role: "kernel"), groups: groups)
      if c.has(2) { result = result + (try c.weight(2, role: "bias")) }
      if ["silu", "swish"].contains(c.string("activation", "none")) { result = silu(result) }
      let state = padded.sliced(axis: 1, from: padded.extent(1) - Dim(size - 1), to: padded.extent(1))
      return [.of(result, isChannelsLast: true), .of(state, isChannelsLast: true)]
    },
  ]
}

extension Tensor {
  /// Each head, the second axis, so many times in a row.
  fileprivate func headsRepeated(_ count: Int) -> Tensor {
    guard rank == 4, count != 1 else { return self }
    let s = shape
    return reshaped(to: [s[0], s[1], 1, s[2], s[3]]).broadcast(to: [s[0], s[1], Dim(count), s[2], s[3]])
      .reshaped(to: [s[0], s[1] * Dim(count), s[2], s[3]])
  }
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
    (k, v) = (k.headsRepeated(queryHeads / keyHeads), v.headsRepeated(queryHeads / keyHeads))
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

/// Attention whose scores are no softmax: a state of keys times values that is written and read step by step.
private struct LinearAttentionNode {
  private let c: OperatorCall
  private let queryHeads: Int
  private let keyHeads: Int

  init(_ call: OperatorCall) throws(FirnError) {
    c = call
    (queryHeads, keyHeads) = (call.int("q_num_heads", 0), call.int("kv_num_heads", 0))
    guard keyHeads > 0, queryHeads > 0, queryHeads % keyHeads == 0 else {
      throw FirnError(
        .shapeMismatch, "\(queryHeads) heads of queries for \(keyHeads) of keys", remedy: "check the model")
    }
  }

  func results() throws(FirnError) -> [ImportedValue] {
    let (q, k, v) = (try heads(0, queryHeads), try heads(1, keyHeads), try heads(2, keyHeads))
    if q.isPoisoned || k.isPoisoned || v.isPoisoned { return [.of(.poisoned(in: c.graph))] }
    let (batch, width, features) = (q.extent(1), k.extent(3), v.extent(3))
    let decay = try c.tensorIfAny(4).map { (x) throws(FirnError) in try spread(x) }
    let rate = try c.tensorIfAny(5).map { (x) throws(FirnError) in try spread(x) }
    let type = TensorType(q.dtype, [batch, Dim(keyHeads), width, features])
    var state = Tensor.filled(0, type: type, in: q.graph)
    if c.has(3) { state = try c.tensor(3) }
    let size = try c.numbers([width], "the size of a head")[0]
    let given = c.float("scale", 0)
    let scale = given == 0 ? 1 / Double(size).squareRoot() : given
    let share = Dim(queryHeads / keyHeads)
    let loop = scan(over: [q, k, v] + [decay, rate].compactMap(\.self), initial: [state], in: c.graph) {
      step in
      var rest = step.slices.dropFirst(3)
      var state = step.carries[0]
      // [batch, heads, width, 1] and [batch, heads, 1, features]
      let key = step.slices[1].expandingAxis(at: 3)
      var value = step.slices[2].expandingAxis(at: 2)
      if decay != nil, let own = rest.popFirst() { state = state * exp(own.expandingAxis(at: 3)) }
      if rate != nil, let own = rest.popFirst() {
        value = own.expandingAxis(at: 3) * (value - (state * key).sum(axes: [2], keepingAxes: true))
      }
      state = state + key * value
      // Neighbouring heads of queries read one state.
      let query = step.slices[0].reshaped(to: [batch, Dim(keyHeads), share, width])
      let read = matmul(query, state).reshaped(to: [batch, Dim(queryHeads), features])
      return ScanResult(carries: [state], outputs: [read * scale])
    }
    let y = loop.outputs[0].transposed([1, 0, 2, 3])
    return [
      .of(y.reshaped(to: [y.extent(0), y.extent(1), Dim(queryHeads) * features])), .of(loop.carries[0]),
    ]
  }

  /// [time, batch, heads, size], of [batch, time, heads * size].
  private func heads(_ index: Int, _ count: Int) throws(FirnError) -> Tensor {
    let x = try c.tensor(index)
    guard x.rank == 3, let size = x.extent(2).divided(exactlyBy: Dim(count)) else {
      throw FirnError(.shapeMismatch, "\(count) heads of \(x.type)", remedy: "check the model")
    }
    return x.reshaped(to: [x.extent(0), x.extent(1), Dim(count), size]).transposed([1, 0, 2, 3])
  }

  /// Numbers of each head, or of all, or of each head's keys: [time, batch, heads or 1, size or 1].
  private func spread(_ x: Tensor) throws(FirnError) -> Tensor {
    try c.requireRank(x.rank, atLeast: 3)
    let count = x.extent(2) == 1 ? 1 : keyHeads
    guard let size = x.extent(2).divided(exactlyBy: Dim(count)) else {
      throw FirnError(.shapeMismatch, "\(count) heads of \(x.type)", remedy: "check the model")
    }
    return x.reshaped(to: [x.extent(0), x.extent(1), Dim(count), size]).transposed([1, 0, 2, 3])
  }
}
