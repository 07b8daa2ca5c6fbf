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
  /// | `slice`, `concat` | a slice of the operand, or of those operands it meets |
  /// | a loop's total or stacked output | the loop with that of the slice |
  package static let narrowAdjoints = Pass("narrow-adjoints") { graph, _ throws(FirnError) in
    graph.narrowingAdjoints()
  }
}

extension GraphDef {
  package func narrowingAdjoints() -> GraphDef {
    var narrowing = AdjointNarrowing(self)
    return narrowing.run()
  }
}

/// A value, or a block of it.
struct PartialValue: Hashable {
  var value: Value
  var block: Block?
}

/// How a block of a node's result is computed.
enum NarrowedNode {
  /// By an op of this type.
  case node(any Op, [PartialValue])
  /// It is there already.
  case same(PartialValue)
}

private struct AdjointNarrowing {
  private let graph: GraphDef
  private let index: ValueIndex
  /// Whether all of a value is needed.
  private var isWhole: [Bool]
  /// The blocks of it that are needed.
  private var blocks: [[Block]]
  private var narrowed: [PartialValue: NarrowedNode] = [:]
  /// For each loop, the results of which only blocks are made.
  private var narrowedResults: [Int: Set<Int>] = [:]

  /// Whether any slice moves.
  private var isChanged = false

  private var nodes: [Node] = []
  private var built: [PartialValue: Value] = [:]
  private var names: (original: Set<String>, used: Set<String>)

  init(_ graph: GraphDef) {
    self.graph = graph
    index = ValueIndex(graph)
    isWhole = Array(repeating: false, count: index.count)
    blocks = Array(repeating: [], count: index.count)
    names = (Set(graph.nodes.map(\.name)), [])
  }

  mutating func run() -> GraphDef {
    var bodies: [Int: Scan] = [:]
    for (position, node) in graph.nodes.enumerated() {
      guard let scan = node.op as? Scan else { continue }
      let body = scan.body.narrowingAdjoints()
      if body != scan.body { bodies[position] = scan.with(body: body) }
    }
    for output in graph.outputs { isWhole[index[output]] = true }
    for position in graph.nodes.indices.reversed() { decide(position) }
    if !isChanged {
      var result = graph
      for (position, scan) in bodies { result.nodes[position].op = scan }
      return result
    }
    for position in graph.nodes.indices { emit(position, bodies[position]) }
    var result = graph
    result.outputs = []
    for output in graph.outputs { result.outputs.append(resolve(PartialValue(value: output))) }
    result.nodes = nodes
    return result
  }

  // MARK: Deciding, from the last node to the first

  private mutating func need(_ part: PartialValue) {
    guard let block = part.block else {
      isWhole[index[part.value]] = true
      return
    }
    if !blocks[index[part.value]].contains(block) { blocks[index[part.value]].append(block) }
  }

  private mutating func need(_ result: NarrowedNode) {
    switch result {
    case .node(_, let operands): operands.forEach { need($0) }
    case .same(let part): need(part)
    }
  }

  private mutating func decide(_ position: Int) {
    let node = graph.nodes[position]
    let values = node.types.indices.map { Value(position, $0) }
    var isWritten = false
    if case .writes = node.op.effect { isWritten = true }
    guard isWritten || values.contains(where: { isWhole[index[$0]] || !blocks[index[$0]].isEmpty }) else {
      return
    }
    if node.phase == .backward, let scan = node.op as? Scan {
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
      var left: [Block] = []
      for block in blocks[index[values[0]]] {
        guard let result = graph.part(block, of: position, isFree: true) else {
          left.append(block)
          continue
        }
        narrowed[PartialValue(value: values[0], block: block)] = result
        isChanged = true
        need(result)
      }
      if node.phase == .backward, left == blocks[index[values[0]]], isWorthNarrowing(values[0]) {
        let results = left.map { graph.part($0, of: position, isFree: false) }
        if !results.contains(where: { $0 == nil }) {
          isChanged = true
          for (block, result) in zip(left, results) {
            guard let result else { continue }
            narrowed[PartialValue(value: values[0], block: block)] = result
            need(result)
          }
          return
        }
      }
      if left.isEmpty, !isWritten, !isWhole[index[values[0]]] { return }
      isWhole[index[values[0]]] = true
      if node.phase == .backward, let slice = node.op as? Slice,
        let block = slice.block(of: graph.type(of: node.inputs[0]))
      {
        let part = PartialValue(value: node.inputs[0], block: block)
        narrowed[PartialValue(value: values[0])] = .same(part)
        need(part)
        return
      }
    }
    for value in values where !blocks[index[value]].isEmpty { isWhole[index[value]] = true }
    for input in node.inputs { isWhole[index[input]] = true }
  }

  /// Whether a loop can make blocks of a result alone: of a total, or of what it stacks along axes it does not loop over.
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

  private mutating func emit(_ position: Int, _ simplified: Scan?) {
    var node = graph.nodes[position]
    if let scan = simplified ?? node.op as? Scan, let results = narrowedResults[position] {
      emit(scan, results, at: position)
      return
    }
    if let simplified { node.op = simplified }
    let value = Value(position)
    if node.types.count == 1 {
      for block in blocks[index[value]] {
        let part = PartialValue(value: value, block: block)
        guard case .node(let op, let operands) = narrowed[part] else { continue }
        let type = graph.type(of: value).taking(block)
        built[part] = append(op, operands.map { resolve($0) }, [type], like: node, named: node.name)
      }
      if case .same(let part) = narrowed[PartialValue(value: value)] {
        // This very slice serves all who want that block, unless a smaller node makes it.
        if built[part] == nil, narrowed[part] == nil {
          let source = resolve(PartialValue(value: part.value))
          built[part] = append(node.op, [source], node.types, like: node, named: node.name)
        }
        return
      }
    }
    var isWritten = false
    if case .writes = node.op.effect { isWritten = true }
    guard isWritten || node.types.indices.contains(where: { isWhole[index[Value(position, $0)]] }) else {
      return
    }
    let first = append(
      node.op, node.inputs.map { resolve(PartialValue(value: $0)) }, node.types, like: node, named: node.name)
    for result in node.types.indices {
      built[PartialValue(value: Value(position, result))] = Value(first.node, result)
    }
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
    let types = kept.map { result, block in
      block.map { node.types[result].taking($0) } ?? node.types[result]
    }
    let first = append(scan.narrowed(to: kept), inputs, types, like: node, named: node.name)
    for (place, (result, block)) in kept.enumerated() {
      built[PartialValue(value: Value(position, result), block: block)] = Value(first.node, place)
    }
  }

  private mutating func append(
    _ op: any Op, _ inputs: [Value], _ types: [TensorType], like node: Node, named name: String
  ) -> Value {
    var unique = name
    if name != node.name || !names.used.insert(name).inserted {
      var count = 0
      while names.original.contains(unique) || !names.used.insert(unique).inserted {
        count += 1
        unique = "\(name)_\(count)"
      }
    }
    nodes.append(
      Node(
        op: op, inputs: inputs, types: types, name: unique, phase: name == node.name ? node.phase : .backward,
        location: node.location))
    return Value(nodes.count - 1)
  }

  /// Where a value, or a block of it, is in the new graph.
  private mutating func resolve(_ part: PartialValue) -> Value {
    if let known = built[part] { return known }
    if case .same(let other) = narrowed[part] {
      let value = resolve(other)
      built[part] = value
      return value
    }
    guard let block = part.block else {
      firnBug("narrow-adjoints", "`\(graph.name(of: part.value))` is needed but not built")
    }
    let node = graph.nodes[part.value.node]
    let type = graph.type(of: part.value)
    let source = resolve(PartialValue(value: part.value))
    let value = append(
      Slice(block, of: type), [source], [type.taking(block)], like: node,
      named: Path.joined(node.name, "slice"))
    built[part] = value
    return value
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
