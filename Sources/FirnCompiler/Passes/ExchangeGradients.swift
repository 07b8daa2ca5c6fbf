import FirnGraph
import FirnOps

extension Compiler {
  /// `exchange-gradients`: what members of a world average is packed into buckets, whose sums begin as soon as all in
  /// them is made and are waited for where they are needed.
  ///
  ///     %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %w = placeholder() {dtype = f32, shape = []} : f32[]
  ///     %a = tanh(%x) : f32[2]
  ///     %b = exp(%x) : f32[2]
  ///     %mean = exchanged_mean(%a, %w) : f32[2] @update
  ///     return %mean, %b
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %w = placeholder() {dtype = f32, shape = []} : f32[]
  ///     %a = tanh(%x) : f32[2]
  ///     %exchange/start:2 = start_mean(%w, %a) {sends_weight = true} : f32[3], i32[2] @update
  ///     %b = exp(%x) : f32[2]
  ///     %exchange/finish:2 = finish_mean(%exchange/start, %exchange/start:1) {shapes = [[2]], sends_weight = true, keeps = 0} : f32[], f32[2] @update
  ///     return %exchange/finish:1, %b
  ///
  /// The order of buckets, and of what is in them, is that in which values are made: the last layer's gradients first.
  /// The weight of the run travels in the first bucket of its element type. A gradient that is rows added into zeros
  /// is one of its own.
  package static let exchangeGradients = Pass("exchange-gradients", isRequired: true) {
    graph, context throws(FirnError) in
    try graph.exchanging(
      inBucketsOf: context.request.training?.exchange?.bucketBytes
        ?? CompilationRequest.Exchange.standardBucketBytes)
  }
}

/// Values that travel together.
private struct ExchangeBucket {
  /// The nodes whose results stand for the means.
  var marks: [Int]
  var weight: Value
  var dtype: DType
  var bytes: Int
  /// The node after which all is there.
  var ready: Int
  /// The operands of the node that adds rows, where it is one.
  var rows: (indices: Value, updates: Value)?
  /// Whether the weight travels in it.
  var sendsWeight = false
  /// The bucket in which it does.
  var leader = 0
  /// Once it has begun: the bucket, the ticket, what must stay.
  var started: [Value] = []
  /// The sum of weights, once it is there.
  var total: Value?
  var isFinished = false

  /// What nobody counts beforehand: the extents of gradients are numbers, those of other things are not exchanged.
  static func bytes(of type: TensorType) -> Int {
    (type.shape.elementCount.value ?? 0).saturatingProduct(type.dtype.byteCount)
  }
}

extension GraphDef {
  fileprivate func exchanging(inBucketsOf limit: Int) throws(FirnError) -> GraphDef {
    let marks = nodes.indices.filter { nodes[$0].isExchangedMean }
    if marks.isEmpty { return self }
    var buckets = exchangeBuckets(of: marks, limit)
    var owner: [Int: Int] = [:]
    var ready: [Int: [Int]] = [:]
    var weights: [Value: Value] = [:]
    for (number, bucket) in buckets.enumerated() {
      for mark in bucket.marks { owner[mark] = number }
      ready[bucket.ready, default: []].append(number)
    }
    return try rewritten { rewriter, position throws(FirnError) in
      if let number = owner[position] {
        let leader = buckets[buckets[number].leader]
        if leader.sendsWeight, !leader.started.isEmpty {
          try finish(buckets[number].leader, &buckets, in: &rewriter)
        }
        try finish(number, &buckets, in: &rewriter)
        rewriter.drop(position)
      }
      guard let started = ready[position] else { return }
      if owner[position] == nil, !rewriter.isDone(position) { rewriter.keep(position) }
      for number in started { start(number, &buckets, &weights, in: &rewriter) }
    }
  }

  /// In the order in which they are ready.
  private func exchangeBuckets(of marks: [Int], _ limit: Int) -> [ExchangeBucket] {
    let items = marks.map { mark in
      (mark: mark, ready: nodes[mark].inputs[0].node)
    }.sorted { ($0.ready, $0.mark) < ($1.ready, $1.mark) }
    var buckets: [ExchangeBucket] = []
    for (mark, ready) in items {
      let (value, weight) = (nodes[mark].inputs[0], nodes[mark].inputs[1])
      let type = self.type(of: value)
      let bytes = ExchangeBucket.bytes(of: type)
      let rows = addedRows(value)
      let open = buckets.lastIndex { $0.dtype == type.dtype && $0.weight == weight && $0.rows == nil }
      if rows == nil, let open, buckets[open].bytes + bytes <= limit,
        buckets[open].marks.allSatisfy({ $0 > ready })
      {
        buckets[open].marks.append(mark)
        buckets[open].bytes += bytes
        buckets[open].ready = ready
      } else {
        buckets.append(
          ExchangeBucket(
            marks: [mark], weight: weight, dtype: type.dtype, bytes: bytes, ready: ready, rows: rows))
      }
    }
    buckets = buckets.enumerated().sorted { ($0.element.ready, $0.offset) < ($1.element.ready, $1.offset) }
      .map(\.element)
    for number in buckets.indices {
      func leads(_ bucket: ExchangeBucket) -> Bool {
        bucket.rows == nil && bucket.dtype == buckets[number].dtype && bucket.weight == buckets[number].weight
      }
      if let leader = buckets.firstIndex(where: leads) {
        buckets[number].leader = leader
        buckets[leader].sendsWeight = true
      }
    }
    return buckets
  }

  /// The rows that a value is made of by adding them into zeros; nil where it is not, or where their sum would have
  /// other bits.
  private func addedRows(_ value: Value) -> (indices: Value, updates: Value)? {
    let node = nodes[value.node]
    guard node.types.count == 1, let addition = node.op.rowAddition(in: types(round: value.node)) else {
      return nil
    }
    return (node.inputs[addition.indices], node.inputs[addition.updates])
  }

  /// What stands for a weight, which is made here where it would be made only later.
  ///
  /// It is a number that hangs on little, such as an extent, and stands with the updates.
  private func early(
    _ value: Value, _ made: inout [Value: Value], in rewriter: inout GraphRewriter
  ) -> Value {
    if rewriter.isDone(value.node) { return rewriter(value) }
    if let known = made[value] { return known }
    let node = nodes[value.node]
    // A placeholder or a read is there once, under its own name: it moves up.
    if !node.traits.isDisjoint(with: .effects) {
      rewriter.keep(value.node)
      return rewriter(value)
    }
    let inputs = node.inputs.map { early($0, &made, in: &rewriter) }
    let results = rewriter.emit(node.op, inputs, named: "exchange/weight", like: node)
    for (number, result) in results.enumerated() { made[Value(value.node, number)] = result }
    return results[value.result]
  }

  private func start(
    _ number: Int, _ buckets: inout [ExchangeBucket], _ early: inout [Value: Value],
    in rewriter: inout GraphRewriter
  ) {
    let bucket = buckets[number]
    let model = nodes[bucket.marks[0]]
    let weight = self.early(bucket.weight, &early, in: &rewriter)
    if let rows = bucket.rows {
      let made = rewriter.graph.section("exchange", phase: .update) {
        Tensor(rewriter.graph, weight).startRowMean(
          indices: rewriter.tensor(rows.indices), updates: rewriter.tensor(rows.updates),
          rows: model.types[0].shape[0])
      }
      buckets[number].started = made.map(\.value)
      return
    }
    let values = bucket.marks.map { rewriter(nodes[$0].inputs[0]) }
    buckets[number].started = rewriter.emit(
      StartMean(sendsWeight: bucket.sendsWeight), [weight] + values, named: "exchange/start", like: model)
  }

  private func finish(
    _ number: Int, _ buckets: inout [ExchangeBucket], in rewriter: inout GraphRewriter
  ) throws(FirnError) {
    let bucket = buckets[number]
    if bucket.isFinished { return }
    var inputs = Array(bucket.started.prefix(2))
    guard inputs.count == 2 else { firnBug("exchange-gradients", "bucket \(number) was not begun") }
    if !bucket.sendsWeight {
      guard let total = try total(for: number, &buckets, in: &rewriter) else {
        firnBug("exchange-gradients", "bucket \(number) has no weights")
      }
      inputs.append(total)
    }
    inputs += bucket.started.dropFirst(2)
    let results = rewriter.emit(
      FinishMean(
        bucket.marks.map { nodes[$0].types[0].shape }, sendsWeight: bucket.sendsWeight,
        keeps: bucket.started.count - 2), inputs, named: "exchange/finish", like: nodes[bucket.marks[0]])
    if bucket.sendsWeight { buckets[number].total = results[0] }
    buckets[number].isFinished = true
    for (mark, result) in zip(bucket.marks, results.dropFirst(bucket.sendsWeight ? 1 : 0)) {
      rewriter.replace(Value(mark), with: result)
    }
  }

  /// The sum of the weights of a bucket that does not carry its own.
  private func total(
    for number: Int, _ buckets: inout [ExchangeBucket], in rewriter: inout GraphRewriter
  ) throws(FirnError) -> Value? {
    let bucket = buckets[number]
    if buckets[bucket.leader].sendsWeight, let total = buckets[bucket.leader].total { return total }
    // Nothing but rows travels by this weight, or nothing that is ready by now.
    // It goes the way of a mean, in which a member that does not count in a run hands in 0.
    let (model, weight) = (nodes[bucket.marks[0]], rewriter(bucket.weight))
    let begun = rewriter.emit(
      StartMean(sendsWeight: true), [weight, weight], named: "exchange/start", like: model)
    let finish = FinishMean([.scalar], sendsWeight: true, keeps: begun.count - 2)
    return rewriter.emit(finish, begun, named: "exchange/finish", like: model)[0]
  }
}
