import FirnGraph
import FirnOps

/// What of its operands a block of a node's result is made of.
extension GraphDef {
  /// How `block` of the only result of a node is computed without the rest; nil where this is not known.
  ///
  /// - Parameter isFree: only where nothing is computed at all, since what is wanted is a part of an operand.
  func part(_ block: Block, of position: Int, isFree: Bool) -> NarrowedNode? {
    let node = nodes[position]
    guard let first = node.inputs.first else { return nil }
    let (axis, range) = (block.axis, block.range)
    let shape = node.types[0].shape
    func take(_ value: Value, _ axis: Int, _ range: Range<Int>) -> PartialValue {
      type(of: value).shape[axis] == Dim(range.count)
        ? PartialValue(value: value) : PartialValue(value: value, block: Block(axis: axis, range: range))
    }
    if isFree {
      switch node.op {
      case let op as Slice:
        guard let outer = op.block(of: type(of: first)), outer.axis == axis else { return nil }
        let start = outer.range.lowerBound
        return .same(take(first, axis, start + range.lowerBound..<start + range.upperBound))
      case let op as Concat where op.axis == axis:
        guard let pieces = pieces(of: node, axis: axis, range), pieces.count == 1 else { return nil }
        return .same(take(pieces[0].value, axis, pieces[0].range))
      default: return nil
      }
    }
    var narrow = shape
    narrow[axis] = Dim(range.count)
    switch node.op {
    case is Unary, is Binary, is Compare, is Logical, is Select, is Cast, is PassThrough:
      guard node.inputs.allSatisfy({ type(of: $0).shape == shape }) else { return nil }
      return .node(node.op, node.inputs.map { take($0, axis, range) })
    case is Broadcast:
      let inner = axis - shape.rank + type(of: first).shape.rank
      let isRepeated = inner < 0 || type(of: first).shape[inner] == 1
      return .node(Broadcast(narrow), [isRepeated ? PartialValue(value: first) : take(first, inner, range)])
    case is Reshape:
      let from = type(of: first).shape
      let outer = shape[..<axis].reduce(Dim(1)) { $0 * $1 }
      let same = from.indices.first { candidate in
        from[candidate] == shape[axis] && from[..<candidate].reduce(Dim(1)) { $0 * $1 } == outer
      }
      return same.map { .node(Reshape(narrow), [take(first, $0, range)]) }
    case let op as Transpose:
      return .node(op, [take(first, op.permutation[axis], range)])
    case let op as Reduce:
      let from = type(of: first).shape
      let places = op.keepsAxes ? Array(from.indices) : from.indices.filter { !op.axes.contains($0) }
      return op.axes.contains(places[axis]) ? nil : .node(op, [take(first, places[axis], range)])
    case let op as MatMul:
      let (left, right) = (first, node.inputs[1])
      let (row, column) = (shape.rank - 2, shape.rank - 1)
      let start = node.inputs.dropFirst(2).map { take($0, axis, range) }
      switch axis {
      case row:
        let rows = take(left, op.transposeA ? column : row, range)
        return .node(op, [rows, PartialValue(value: right)] + start)
      case column:
        let columns = take(right, op.transposeB ? row : column, range)
        return .node(op, [PartialValue(value: left), columns] + start)
      default: return .node(op, [take(left, axis, range), take(right, axis, range)] + start)
      }
    case let op as Convolution:
      // Without groups each output feature of a kernel is a convolution by itself.
      guard op.function == .kernelGradient, op.groups == 1, axis == 3 else { return nil }
      return .node(op, [PartialValue(value: first), take(node.inputs[1], 3, range)])
    case let op as Concat:
      if op.axis != axis { return .node(op, node.inputs.map { take($0, axis, range) }) }
      return pieces(of: node, axis: axis, range).map { pieces in
        .node(op, pieces.map { take($0.value, axis, $0.range) })
      }
    case let op as Pad:
      guard op.interior[axis] == 0, let low = op.low[axis].value,
        let extent = type(of: first).shape[axis].value
      else { return nil }
      let inside = range.clamped(to: low..<low + extent)
      if inside.isEmpty { return nil }
      var pad = op
      pad.low[axis] = Dim(inside.lowerBound - range.lowerBound)
      pad.high[axis] = Dim(range.upperBound - inside.upperBound)
      return .node(pad, [take(first, axis, inside.lowerBound - low..<inside.upperBound - low)])
    case let op as ScatterAdd:
      if axis == op.axis { return nil }
      let place = axis < op.axis ? axis : axis - 1 + type(of: first).shape.rank
      return .node(op, [PartialValue(value: first), take(node.inputs[1], place, range)])
    default: return nil
    }
  }

  /// The operands of a concatenation that `range` meets, with what it takes of each.
  private func pieces(
    of node: Node, axis: Int, _ range: Range<Int>
  ) -> [(value: Value, range: Range<Int>)]? {
    var pieces: [(Value, Range<Int>)] = []
    var start = 0
    for input in node.inputs {
      guard let extent = type(of: input).shape[axis].value else { return nil }
      let inside = range.clamped(to: start..<start + extent)
      if !inside.isEmpty { pieces.append((input, inside.lowerBound - start..<inside.upperBound - start)) }
      start += extent
    }
    return pieces.isEmpty ? nil : pieces
  }
}

extension Scan {
  /// Where a carry is a sum over the iterations and nothing else, the positions of its parameter, and what is added.
  func total(of carry: Int) -> (parameter: Int, step: Value)? {
    let sum = body.outputs[carry]
    guard let op = body.nodes[sum.node].op as? Binary, op.function == .add,
      body.outputs.count(where: { $0 == sum }) == 1
    else { return nil }
    let operands = body.nodes[sum.node].inputs
    guard let side = operands.firstIndex(where: { isCarry($0, carry) }) else { return nil }
    let (parameter, step) = (operands[side], operands[1 - side])
    let isReadElsewhere = body.nodes.indices.contains { position in
      let inputs = body.nodes[position].inputs
      return inputs.contains(sum) || position != sum.node && inputs.contains(parameter)
    }
    if isReadElsewhere || step == parameter || body.outputs.contains(parameter) { return nil }
    return (parameter.node, step)
  }

  private func isCarry(_ value: Value, _ carry: Int) -> Bool {
    guard let parameter = body.nodes[value.node].op as? LoopInput else { return false }
    return parameter.kind == .carry && parameter.position == carry
  }

  /// The loop with these results: totals and stacked outputs of blocks, and others as they are.
  func narrowed(to kept: [(result: Int, block: Block?)]) -> Scan {
    var body = body
    var outputs: [Value] = []
    var places: [Int: Int] = [:]
    var names = Set(body.nodes.map(\.name))
    func append(_ op: any Op, _ inputs: [Value], _ type: TensorType, like node: Node) -> Value {
      var (name, count) = (node.name, 0)
      while !names.insert(name).inserted {
        count += 1
        name = "\(node.name)_\(count)"
      }
      body.nodes.append(
        Node(
          op: op, inputs: inputs, types: [type], name: name, phase: op is LoopInput ? node.phase : .backward,
          location: node.location))
      return Value(body.nodes.count - 1)
    }
    for (place, (result, block)) in kept.enumerated() {
      let output = self.body.outputs[result]
      let (whole, node) = (self.body.type(of: output), self.body.nodes[output.node])
      if let block, !carryRange.contains(result) {
        // What is stacked has the looped axis before those of a step.
        let inner = Block(axis: block.axis - 1, range: block.range)
        outputs.append(append(Slice(inner, of: whole), [output], whole.taking(inner), like: node))
      } else if let block, let total = total(of: result) {
        let type = whole.taking(block)
        let parameter = append(
          LoopInput(.carry, place, type: type), [], type, like: body.nodes[total.parameter])
        let step = append(Slice(block, of: whole), [total.step], type, like: node)
        outputs.append(append(node.op, [parameter, step], type, like: node))
      } else {
        if carryRange.contains(result) { places[result] = place }
        outputs.append(output)
      }
    }
    for position in self.body.nodes.indices {
      guard var parameter = body.nodes[position].op as? LoopInput, parameter.kind == .carry,
        let place = places[parameter.position]
      else { continue }
      parameter.position = place
      body.nodes[position].op = parameter
    }
    body.outputs = outputs
    body = body.removingDeadNodes(keepingAssignments: false).narrowingAdjoints()
    return Scan(
      body: body, carries: kept.count { carryRange.contains($0.result) }, slices: slices, captures: captures,
      length: length, isReversed: isReversed, recomputes: recomputes)
  }
}
