import FirnGraph
import FirnOps

extension Operator {
  static let control: [Operator] = [
    Operator("If", means: "the branch that a known condition takes; `select` of both where it is not known") {
      c throws(FirnError) in
      guard let yes = c.attribute("then_branch")?.graph, let no = c.attribute("else_branch")?.graph else {
        throw FirnError(.invalidGraph, "a branch is missing", remedy: "check the file with onnx.checker")
      }
      var known: Bool?
      switch try c.value(0) {
      case .known(let integers): known = integers.numbers?.first.map { $0 != 0 }
      case let value: known = (try? c.importer.array(value, "condition"))?.scalar.map { $0 != 0 }
      }
      if let known { return try c.importer.branch(known ? yes : no, in: c.environment) }
      let condition = try c.tensor(0).reshaped(to: .scalar)
      let (a, b) = (
        try c.importer.branch(yes, in: c.environment), try c.importer.branch(no, in: c.environment)
      )
      var results: [ImportedValue] = []
      for (left, right) in zip(a, b) {
        let (x, y) = (try c.importer.tensor(left).plain, try c.importer.tensor(right).plain)
        guard x.isPoisoned || y.isPoisoned || x.type == y.type else {
          throw c.unsupported(
            "branches of \(x.type) and \(y.type) by a condition that is not known",
            remedy: "bind the condition to a value with `binding:`")
        }
        results.append(.of(select(where: condition, x, otherwise: y)))
      }
      return results
    },
    Operator(
      "Scan", means: "`scan`; of opset 8 one for each sequence",
      differs: "of opset 8 without lengths, of 1 to 256 sequences"
    ) { c throws(FirnError) in try ScanNode(c).results() },
    Operator(
      "Loop", means: "`scan` of a known number of steps; written out where its index decides shapes",
      differs: "the condition may only become false by counting"
    ) {
      c throws(FirnError) in try LoopNode(c).results()
    },
  ]
}

/// ONNX's `Scan`: sequences along any axis and either way.
private struct ScanNode {
  private let c: OperatorCall

  init(_ call: OperatorCall) { c = call }

  func results() throws(FirnError) -> [ImportedValue] {
    if c.version < 9 { return try batched() }
    guard let body = c.attribute("body")?.graph, let count = c.int("num_scan_inputs"),
      (0...c.inputs.count).contains(count),
      body.inputs.count == c.inputs.count
    else {
      throw FirnError(.invalidGraph, "its body does not fit it", remedy: "check the file with onnx.checker")
    }
    let stateCount = c.inputs.count - count
    var states: [Tensor] = []
    for index in 0..<stateCount { states.append(try c.tensor(index)) }
    let backward = c.ints("scan_input_directions") ?? Array(repeating: 0, count: count)
    let axes = c.ints("scan_input_axes") ?? Array(repeating: 0, count: count)
    guard backward.count == count, axes.count == count else {
      throw FirnError(
        .invalidGraph, "its axes or directions are not \(count)", remedy: "check the file with onnx.checker")
    }
    var sequences: [Tensor] = []
    for index in 0..<count {
      var x = try c.tensor(stateCount + index)
      let axis = try c.axis(axes[index], rank: x.rank)
      if axis != 0 { x = x.transposed([axis] + (0..<x.rank).filter { $0 != axis }) }
      sequences.append(backward[index] == 1 ? x.reversed(axes: [0]) : x)
    }
    let loop = scan(over: sequences, initial: states, in: c.graph) { step in
      let all = c.importer.body(body, [step.carries, step.slices].flatMap { $0 }, in: c.environment)
      return ScanResult(carries: Array(all.prefix(stateCount)), outputs: Array(all.dropFirst(stateCount)))
    }
    let outputs = loop.outputs.count
    let turned = c.ints("scan_output_directions") ?? Array(repeating: 0, count: outputs)
    let places = c.ints("scan_output_axes") ?? Array(repeating: 0, count: outputs)
    var results: [ImportedValue] = loop.carries.map { .of($0) }
    for (index, output) in loop.outputs.enumerated() {
      var y = output
      if turned.indices.contains(index), turned[index] == 1 { y = y.reversed(axes: [0]) }
      let axis = try c.axis(places.indices.contains(index) ? places[index] : 0, rank: y.rank)
      if axis != 0 {
        var order = Array(1..<y.rank)
        order.insert(0, at: axis)
        y = y.transposed(order)
      }
      results.append(.of(y))
    }
    return results
  }

  /// Most sequences of one node of opset 8: each is a loop of its own.
  private static let largestBatch = 256

  /// Opset 8: a batch of sequences, `[batch, time, …]`, that the body sees one by one, behind their lengths.
  private func batched() throws(FirnError) -> [ImportedValue] {
    let inputs = c.inputs.count - 1
    guard inputs >= 1, let body = c.attribute("body")?.graph, let count = c.int("num_scan_inputs"),
      (1...inputs).contains(count), body.inputs.count == inputs
    else {
      throw FirnError(.invalidGraph, "its body does not fit it", remedy: "check the file with onnx.checker")
    }
    guard !c.has(0) else {
      throw c.unsupported("Scan of opset 8 with lengths", remedy: "export with opset 9 or later")
    }
    var tensors: [Tensor] = []
    for index in 0..<inputs { tensors.append(try c.tensor(1 + index)) }
    guard let batch = tensors[inputs - 1].shape.first?.value, (1...Self.largestBatch).contains(batch),
      tensors.allSatisfy({ $0.shape.first == Dim(batch) })
    else {
      throw c.unsupported(
        "Scan of opset 8 over other than 1 to \(Self.largestBatch) sequences",
        remedy: "export with opset 9 or later")
    }
    let directions = c.ints("directions") ?? Array(repeating: 0, count: count)
    guard directions.count == count else {
      throw FirnError(
        .invalidGraph, "its directions are not \(count)", remedy: "check the file with onnx.checker")
    }
    let stateCount = inputs - count
    let initializers = try c.importer.initializers(of: body)
    let isRepeating = c.importer.isRepeating
    defer { c.importer.isRepeating = isRepeating }
    var parts: [[Tensor]] = []
    for number in 0..<batch {
      if number > 0 { c.importer.isRepeating = true }
      let own = tensors.map {
        $0.sliced(axis: 0, from: Dim(number), to: Dim(number + 1)).squeezed(axes: [0])
      }
      let sequences = zip(own.dropFirst(stateCount), directions).map { $1 == 1 ? $0.reversed(axes: [0]) : $0 }
      let loop = scan(over: sequences, initial: Array(own.prefix(stateCount)), in: c.graph) { step in
        let all = c.importer.body(
          body, step.carries + step.slices, initializers: initializers, in: c.environment)
        return ScanResult(
          carries: Array(all.prefix(stateCount)), outputs: Array(all.dropFirst(stateCount)))
      }
      parts.append(loop.carries + loop.outputs)
    }
    return parts[0].indices.map { index in .of(stack(parts.map { $0[index] })) }
  }
}

/// ONNX's `Loop`, where the number of steps is known and the condition never changes.
private struct LoopNode {
  private let c: OperatorCall

  init(_ call: OperatorCall) { c = call }

  func results() throws(FirnError) -> [ImportedValue] {
    guard let body = c.attribute("body")?.graph, body.inputs.count == c.inputs.count, c.inputs.count >= 2
    else {
      throw FirnError(.invalidGraph, "its body does not fit it", remedy: "check the file with onnx.checker")
    }
    guard c.has(0) else { throw c.unsupported("a loop without a count", remedy: "give it a trip count") }
    let trips = try c.dim(0, "trip count")
    if c.has(1), try c.scalar(1, "condition") == 0 { throw c.unsupported("a loop that never runs") }
    try requireTrueCondition(body)
    if let count = trips.value, (1...Self.longestUnrolled).contains(count), Self.indexDecidesShapes(in: body)
    {
      return try unrolled(body, count)
    }
    var states: [Tensor] = []
    for index in 2..<c.inputs.count { states.append(try c.tensor(index)) }
    let loop = scan(initial: states, length: trips, in: c.graph) { step in
      let condition = step.index.graph.constant(1, dtype: .bool)
      let all = c.importer.body(body, [step.index, condition] + step.carries, in: c.environment).dropFirst()
      return ScanResult(carries: Array(all.prefix(states.count)), outputs: Array(all.dropFirst(states.count)))
    }
    return (loop.carries + loop.outputs).map { .of($0) }
  }

  // MARK: Written out

  /// Most steps that are written out.
  private static let longestUnrolled = 1024

  /// For each operator whose inputs decide shapes or places that must be known, which do.
  private static let deciding: [String: Set<Int>] = [
    "Slice": [1, 2, 3, 4], "Reshape": [1], "Expand": [1], "Tile": [1], "ConstantOfShape": [0],
    "Range": [0, 1, 2], "Pad": [1], "Split": [1], "SequenceAt": [1],
  ]

  /// Whether something of the body's shapes follows from the step.
  private static func indexDecidesShapes(in body: GraphMessage) -> Bool {
    guard let index = body.inputs.first?.name else { return false }
    var dependent: Set<String> = [index]
    for node in body.nodes where node.inputs.contains(where: dependent.contains) {
      // Where no shape follows from the step, what these say of one does not either.
      if node.domain.isEmpty, ["Shape", "Size"].contains(node.op) { continue }
      let places = node.domain.isEmpty ? deciding[node.op] ?? [] : []
      if node.inputs.enumerated().contains(where: { places.contains($0) && dependent.contains($1) }) {
        return true
      }
      dependent.formUnion(node.outputs)
    }
    return false
  }

  /// The body once for each step, whose number is known there.
  private func unrolled(_ body: GraphMessage, _ count: Int) throws(FirnError) -> [ImportedValue] {
    var states: [ImportedValue] = []
    for index in 2..<c.inputs.count { states.append(try c.value(index)) }
    let initializers = try c.importer.initializers(of: body)
    let isRepeating = c.importer.isRepeating
    defer { c.importer.isRepeating = isRepeating }
    var outputs: [[Tensor]] = []
    for step in 0..<count where !c.importer.isStopped {
      if step > 0 { c.importer.isRepeating = true }
      let given: [ImportedValue] = [
        .known(KnownIntegers(scalar: Dim(step))),
        .known(KnownIntegers(shape: [], values: [1], isBool: true)),
      ]
      let all = try c.importer.branch(
        body, given + states, initializers: initializers, in: c.environment
      ).dropFirst()
      guard all.count >= states.count else {
        throw FirnError(.invalidGraph, "its body does not fit it", remedy: "check the file with onnx.checker")
      }
      var made: [Tensor] = []
      for value in all.dropFirst(states.count) { made.append(try c.importer.tensor(value).plain) }
      states = Array(all.prefix(states.count))
      outputs.append(made)
    }
    let stacked = (outputs.first ?? []).indices.map { place in
      ImportedValue.of(stack(outputs.map { $0[place] }))
    }
    return states + stacked
  }

  // MARK: The condition

  /// The condition that the body gives must be the one it is given, or known and true.
  private func requireTrueCondition(_ body: GraphMessage) throws(FirnError) {
    let remedy = "loop a fixed number of times"
    let computed = c.unsupported("a loop whose condition is computed", remedy: remedy)
    var name = body.outputs.first?.name ?? ""
    var known: ImportedValue?
    // A damaged body may go round in a circle.
    for step in 0...body.nodes.count {
      guard let node = body.nodes.first(where: { $0.outputs.contains(name) }) else { break }
      if node.op == "Constant" {
        let call = OperatorCall(
          importer: c.importer, node: node, version: c.version, inputs: [], environment: c.environment)
        known = try OperatorTable["", "Constant"]?.build(call).first
        break
      }
      let keeps = node.op == "Identity" || node.op == "Cast" && Self.isBool(node)
      guard keeps, let input = node.inputs.first, step < body.nodes.count else { throw computed }
      name = input
    }
    if known == nil, let initializer = body.initializers.first(where: { $0.name == name }) {
      known = try c.importer.stored(initializer, name: name, isParameter: false)
    }
    if known == nil, let place = body.inputs.firstIndex(where: { $0.name == name }) {
      // The one it is given is true as long as it runs.
      guard place == 1 else { throw computed }
      return
    }
    guard let value = known ?? c.environment[name] else { throw computed }
    let isTrue: Bool?
    switch value {
    case .known(let integers): isTrue = integers.numbers?.first.map { $0 != 0 }
    case let value: isTrue = try c.importer.array(value, "condition").scalar.map { $0 != 0 }
    }
    guard isTrue == true else { throw c.unsupported("a loop that its condition ends", remedy: remedy) }
  }

  private static func isBool(_ node: NodeMessage) -> Bool {
    node.attributes.first { $0.name == "to" }?.integer == ElementType(.bool).code
  }
}
