package import FirnGraph
import FirnOps

extension Compiler {
  /// `narrow-adjoints`: of an adjoint that only blocks are wanted of, only these are computed (rule 13).
  ///
  /// A slice moves up through the nodes that make what it takes from, as long as nothing else reads them and the blocks
  /// taken are together smaller than the whole. Each element is computed as it was. In a loop back, the total of a
  /// variable's gradient becomes the total of the block, and only the block of an adjoint is stacked.
  ///
  ///     %x = placeholder() {dtype = f32, shape = [4,2]} : f32[4,2]
  ///     %g = placeholder() {dtype = f32, shape = [4,6]} : f32[4,6]
  ///     %whole = matmul(%x, %g) {transpose_a = true, transpose_b = false} : f32[2,6] @backward
  ///     %part = slice(%whole) {starts = [0,3], limits = [2,6], steps = [1,1]} : f32[2,3] @backward
  ///     return %part
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = [4,2]} : f32[4,2]
  ///     %g = placeholder() {dtype = f32, shape = [4,6]} : f32[4,6]
  ///     %g/slice = slice(%g) {starts = [0,3], limits = [4,6], steps = [1,1]} : f32[4,3] @backward
  ///     %whole = matmul(%x, %g/slice) {transpose_a = true, transpose_b = false} : f32[2,3] @backward
  ///     return %whole
  ///
  /// | a slice of | becomes |
  /// | --- | --- |
  /// | an elementwise op | the op of slices |
  /// | `matmul` | the product of rows of the left or columns of the right operand, by the flags |
  /// | a convolution's gradient for its kernel, by output features and without groups | that of a slice of the adjoint |
  /// | a reduction over other axes | the reduction of a slice |
  /// | `broadcast`, `transpose`, `pad`, `scatter_add` along other axes, `reshape` that keeps the axis | the same of a slice |
  /// | `scatter_add` along its own axis | one that passes over what belongs elsewhere |
  /// | `slice`, `concat` | a slice of the operand, or of those operands it meets |
  /// | a loop's total or stacked output | the loop with that of the slice |
  package static let narrowAdjoints = Pass("narrow-adjoints") { graph, _ throws(FirnError) in
    graph.narrowingAdjoints()
  }
}

extension GraphDef {
  package func narrowingAdjoints() -> GraphDef {
    var bodies: [Int: any Op] = [:]
    for position in nodes.indices where nodes[position].traits.contains(.body) {
      bodies[position] = nodes[position].op { $0.narrowingAdjoints() }
    }
    guard nodes.indices.contains(where: { nodes[$0].phase == .backward && block(takenAt: $0) != nil }) else {
      if bodies.isEmpty { return self }
      return rewritten { rewriter, position in rewriter.keep(position, as: bodies[position]) }
    }
    var narrowing = AdjointNarrowing(self)
    return narrowing.run(bodies)
  }
}

/// A value, or a block of it.
struct PartialValue: Hashable {
  var value: Value
  var block: Block?
}

/// What only blocks are wanted of, in a graph where some are.
private struct AdjointNarrowing {
  private let graph: GraphDef
  private let index: ValueIndex
  /// Whether all of a value is needed.
  private var isWhole: [Bool]
  /// The blocks of it that are needed.
  private var blocks: [[Block]]
  /// Every part that is needed: a value may be taken apart into very many.
  private var needed: Set<PartialValue> = []
  /// How parts of values are made; a leaf is there already.
  private var narrowed: [PartialValue: Expression<PartialValue>] = [:]
  /// For each loop, the results of which only blocks are made.
  private var narrowedResults: [Int: Set<Int>] = [:]

  /// Whether any slice moves.
  private var isChanged = false

  private var rewriter: GraphRewriter
  private var built: [PartialValue: Value] = [:]

  init(_ graph: GraphDef) {
    self.graph = graph
    index = ValueIndex(graph)
    isWhole = Array(repeating: false, count: index.count)
    blocks = Array(repeating: [], count: index.count)
    rewriter = GraphRewriter(graph)
  }

  /// - Parameter bodies: by position, the loops whose bodies were narrowed by themselves.
  mutating func run(_ bodies: [Int: any Op]) -> GraphDef {
    for output in graph.outputs { isWhole[index[output]] = true }
    for position in graph.nodes.indices.reversed() { decide(position) }
    if !isChanged {
      for position in graph.nodes.indices { rewriter.keep(position, as: bodies[position]) }
      return rewriter.finish()
    }
    for position in graph.nodes.indices { emit(position, bodies[position]) }
    return rewriter.finish(outputs: graph.outputs.map { resolve(PartialValue(value: $0)) })
  }

  // MARK: Deciding, from the last node to the first

  private mutating func need(_ part: PartialValue) {
    guard let block = part.block else {
      isWhole[index[part.value]] = true
      return
    }
    if needed.insert(part).inserted { blocks[index[part.value]].append(block) }
  }

  private mutating func need(_ expression: Expression<PartialValue>) {
    for leaf in expression.leaves { need(leaf) }
  }

  private mutating func decide(_ position: Int) {
    let node = graph.nodes[position]
    let values = node.types.indices.map { Value(position, $0) }
    var isWritten = false
    if case .writes = node.op.effect { isWritten = true }
    guard isWritten || values.contains(where: { isWhole[index[$0]] || !blocks[index[$0]].isEmpty }) else {
      return
    }
    if node.phase == .backward, let scan = node.loop {
      let results = Set(
        values.indices.filter { isWorthNarrowing(values[$0]) && isNarrow(scan, $0, at: values[$0]) })
      if !results.isEmpty {
        narrowedResults[position] = results
        isChanged = true
      }
      for value in values where !blocks[index[value]].isEmpty && !results.contains(value.result) {
        isWhole[index[value]] = true
      }
      for (operand, input) in node.inputs.enumerated() {
        if scan.carryRange.contains(operand), results.contains(operand) {
          for block in blocks[index[values[operand]]] { need(PartialValue(value: input, block: block)) }
        } else {
          isWhole[index[input]] = true
        }
      }
      return
    }
    if values.count == 1 {
      let answers = blocks[index[values[0]]].map { (block: $0, expression: graph.part($0, of: position)) }
      var left: [(block: Block, expression: Expression<PartialValue>?)] = []
      for (block, expression) in answers {
        guard let expression, case .leaf = expression else {
          left.append((block, expression))
          continue
        }
        narrowed[PartialValue(value: values[0], block: block)] = expression
        isChanged = true
        need(expression)
      }
      if node.phase == .backward, left.count == answers.count, isWorthNarrowing(values[0]),
        left.allSatisfy({ $0.expression != nil })
      {
        isChanged = true
        for (block, expression) in left {
          guard let expression else { continue }
          narrowed[PartialValue(value: values[0], block: block)] = expression
          need(expression)
        }
        return
      }
      if left.isEmpty, !isWritten, !isWhole[index[values[0]]] { return }
      isWhole[index[values[0]]] = true
      if node.phase == .backward, let block = graph.block(takenAt: position) {
        let part = PartialValue(value: node.inputs[0], block: block)
        narrowed[PartialValue(value: values[0])] = .leaf(part)
        need(part)
        return
      }
    }
    for value in values where !blocks[index[value]].isEmpty { isWhole[index[value]] = true }
    for input in node.inputs { isWhole[index[input]] = true }
  }

  /// Whether a loop can make blocks of a result alone: of a total, or of what it stacks along axes it does not loop
  /// over.
  private func isNarrow(_ scan: Scan, _ result: Int, at value: Value) -> Bool {
    scan.carryRange.contains(result)
      ? scan.total(of: result) != nil : blocks[index[value]].allSatisfy { $0.axis > 0 }
  }

  /// Whether blocks along one axis, smaller together than the whole, are all that is needed.
  private func isWorthNarrowing(_ value: Value) -> Bool {
    let blocks = blocks[index[value]]
    guard !isWhole[index[value]], let axis = blocks.first?.axis, blocks.allSatisfy({ $0.axis == axis }),
      let extent = graph.type(of: value).shape[axis].value
    else { return false }
    return blocks.reduce(0) { $0 + $1.range.count } < extent
  }

  // MARK: Building, from the first to the last

  private mutating func emit(_ position: Int, _ body: (any Op)?) {
    var node = graph.nodes[position]
    if let body { node.op = body }
    if let scan = node.loop, let results = narrowedResults[position] {
      emit(scan, results, at: position)
      return
    }
    let value = Value(position)
    if node.types.count == 1 {
      for block in blocks[index[value]] {
        let part = PartialValue(value: value, block: block)
        guard case .node(let op, let operands)? = narrowed[part] else { continue }
        let inputs = operands.map { build($0, insteadOf: position) }
        built[part] = rewriter.emit(op, inputs, insteadOf: position)[0]
      }
      if case .leaf(let part)? = narrowed[PartialValue(value: value)] {
        // This very slice serves all who want that block, unless a smaller node makes it.
        if built[part] == nil, narrowed[part] == nil {
          let source = resolve(PartialValue(value: part.value))
          built[part] = rewriter.emit(node.op, [source], insteadOf: position)[0]
        }
        rewriter.drop(position)
        return
      }
    }
    var isWritten = false
    if case .writes = node.op.effect { isWritten = true }
    guard isWritten || node.types.indices.contains(where: { isWhole[index[Value(position, $0)]] }) else {
      return rewriter.drop(position)
    }
    node.inputs = node.inputs.map { resolve(PartialValue(value: $0)) }
    rewriter.place(node, insteadOf: position)
  }

  /// The loop with one result for each block that is needed of one.
  private mutating func emit(_ scan: Scan, _ results: Set<Int>, at position: Int) {
    let node = graph.nodes[position]
    let kept = node.types.indices.flatMap { result -> [(result: Int, block: Block?)] in
      results.contains(result) ? blocks[index[Value(position, result)]].map { (result, $0) } : [(result, nil)]
    }
    var inputs: [Value] = []
    for (result, block) in kept where result < scan.carries {
      inputs.append(resolve(PartialValue(value: node.inputs[result], block: block)))
    }
    for input in node.inputs.dropFirst(scan.carries) { inputs.append(resolve(PartialValue(value: input))) }
    let made = rewriter.emit(scan.narrowed(to: kept), inputs, insteadOf: position)
    for (part, value) in zip(kept, made) {
      built[PartialValue(value: Value(position, part.result), block: part.block)] = value
    }
    rewriter.drop(position)
  }

  private mutating func build(_ expression: Expression<PartialValue>, insteadOf position: Int) -> Value {
    expression.fold(leaf: { resolve($0) }) { rewriter.emit($0, $1, insteadOf: position)[0] }
  }

  /// Where a value, or a block of it, is in the new graph.
  private mutating func resolve(_ part: PartialValue) -> Value {
    if let known = built[part] { return known }
    if case .leaf(let other)? = narrowed[part] {
      let value = resolve(other)
      built[part] = value
      return value
    }
    guard let block = part.block else { return rewriter(part.value) }
    var model = graph.nodes[part.value.node]
    model.phase = .backward
    let source = resolve(PartialValue(value: part.value))
    let value = rewriter.emit(
      Slice(block, of: graph.type(of: part.value)), [source], named: Path.joined(model.name, "slice"),
      like: model)[0]
    built[part] = value
    return value
  }
}

extension GraphDef {
  /// How `block` of the only result of a node is made without the rest; nil where the op does not know.
  fileprivate func part(_ block: Block, of position: Int) -> Expression<PartialValue>? {
    let node = nodes[position]
    let types = types(round: position)
    func part(_ operand: Int, _ block: Block?) -> PartialValue {
      let value = node.inputs[operand]
      let isWhole = block.map { type(of: value).shape[$0.axis] == Dim($0.range.count) } ?? true
      return PartialValue(value: value, block: isWhole ? nil : block)
    }
    switch node.op.narrowed(to: block, in: types) {
    case .notKnown: return nil
    case .expression(let expression): return expression.map { part($0.operand, $0.block) }
    case .byRows:
      let rule = node.op.rows(along: block.axis, of: 0, count: Dim(block.range.count), in: types)
      return rule.map { rule in
        .node(
          rule.op,
          rule.operands.enumerated().map { operand, axis in
            .leaf(part(operand, axis.map { Block(axis: $0, range: block.range) }))
          })
      }
    }
  }
}

extension TensorType {
  /// The type of a block.
  func taking(_ block: Block) -> TensorType {
    var shape = shape
    shape[block.axis] = Dim(block.range.count)
    return TensorType(dtype, shape)
  }
}
