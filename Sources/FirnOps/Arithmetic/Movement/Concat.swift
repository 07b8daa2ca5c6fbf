public import FirnGraph

/// Its operands one after the other along an axis.
///
/// | operands | type | |
/// | --- | --- | --- |
/// | xs | any, all the same | one or more; they differ in the extent of `axis` only |
///
/// C1: there is an operand. C2: the element types are equal. C3: `axis` is one of their axes. C4: the other extents are
/// equal.
///
/// - Complexity: one pass, no FLOPs.
package struct Concat: KernelOp {
  package var axis: Int

  package init(axis: Int) { self.axis = axis }

  package static let mnemonics = ["concat"]
  package var mnemonic: String { "concat" }
  package var attributes: Attributes { ["axis": .int(axis)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    axis = try attributes.int("axis")
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    guard let first = operands.first else {
      throw FirnError(.invalidArgument, "has no operands", remedy: "give at least one", constraint: "C1")
    }
    try first.requireAxis(axis, "C3")
    for other in operands.dropFirst() {
      try require(
        other.dtype == first.dtype, "C2", .typeMismatch, "\(first) and \(other) have different element types",
        remedy: "cast one to the other's")
      try require(
        other.shape.rank == first.shape.rank
          && other.shape.keeping(reduced: [axis]) == first.shape.keeping(reduced: [axis]),
        "C4", .shapeMismatch, "\(first) and \(other) differ beyond axis \(axis)",
        remedy: "make all other extents equal")
    }
    var shape = first.shape
    shape[axis] = operands.reduce(Dim(0)) { $0 + $1.shape[axis] }
    return [TensorType(first.dtype, shape)]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let sizes = context.operands.map { $0.shape[axis] }
    if context.wants.allSatisfy({ $0 }), sizes.count > 1 {
      return Graph.apply(Split(axis: axis, sizes: sizes), to: [context.cotangent], results: sizes.count)
        .map(Optional.some)
    }
    var start = Dim(0)
    var result: [Tensor?] = []
    for (size, wanted) in zip(sizes, context.wants) {
      let limit = start + size
      result.append(wanted ? context.cotangent.sliced(axis: axis, from: start, to: limit) : nil)
      start = limit
    }
    return result
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var numerics: Numerics { .moving }
  package var canFail: Bool { false }

  package var isElementwise: Bool { false }

  package func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? {
    axis == self.axis ? nil : RowRule(self, allAlong: axis, in: node)
  }

  package func fusionRole(in node: NodeTypes) -> FusionRole { .joined(axis: axis) }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing {
    guard block.axis == axis else { return .byRows }
    guard let parts = parts(block.range, in: node), let first = parts.first else { return .notKnown }
    return .expression(parts.count == 1 ? .leaf(first) : .node(self, parts.map { .leaf($0) }))
  }

  /// What `range` takes of the operands it meets; nil where their extents are not known.
  private func parts(_ range: Range<Int>, in node: NodeTypes) -> [OperandPart]? {
    var parts: [OperandPart] = []
    var start = 0
    for (operand, type) in node.operands.enumerated() {
      guard let extent = type.shape[axis].value else { return nil }
      let inside = range.clamped(to: start..<start + extent)
      if !inside.isEmpty {
        parts.append(node.part(of: operand, axis, inside.lowerBound - start..<inside.upperBound - start))
      }
      start += extent
    }
    return parts
  }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }

  /// What is put together from adjacent slices of one value, from its first position to its last.
  package func simplified(in node: NodeView) -> Expression<Value>? {
    guard let whole = node.operands[0].operands.first else { return nil }
    var end = 0
    for piece in node.operands {
      guard let slice = piece.op as? Slice, piece.operands.map(\.value) == [whole.value],
        let block = slice.block(of: whole.type), block.axis == axis, block.range.lowerBound == end
      else { return nil }
      end = block.range.upperBound
    }
    return whole.type.shape[axis] == Dim(end) ? .leaf(whole.value) : nil
  }

  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let to = strides(of: results[0].shape)
    var start = 0
    let copies = operands.map { operand in
      defer { start += operand.shape[axis] }
      return StridedCopy(
        elementSize: operand.dtype.byteCount, sizes: operand.shape, source: strides(of: operand.shape),
        destination: to, destinationOffset: start * to[axis])
    }
    let prepared = PreparedCopies(copies)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      for index in prepared.indices { prepared.run(index, call, operand: index) }
    }
  }
}

/// `tensors` one after the other along `axis`; all other extents are equal.
///
/// PyTorch's `cat`, TensorFlow's `concat`. Of no tensors the result is poison.
///
/// Constraints: (C1) there is a tensor; (C2) they have one element type; (C3) `axis`, which counts from the end where
/// negative, is one of their axes; (C4) all other extents are equal.
///
/// - Complexity: no FLOPs; each element read and written once.
public func concatenate(
  _ tensors: [Tensor], axis: Int, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  joined(tensors, axis: axis, "concatenate", extra: 0, CallSite(file, line))
}

/// `tensors`, all of one shape, along a new axis at `axis` of the result.
///
/// Constraints: (C1) there is a tensor; (C2) they have one element type; (C3) `axis`, which counts from the end where
/// negative, is one of the result's; (C4) they have one shape.
///
/// - Complexity: no FLOPs; each element read and written once.
public func stack(
  _ tensors: [Tensor], axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  joined(tensors, axis: axis, "stack", extra: 1, CallSite(file, line))
}

private func joined(
  _ tensors: [Tensor], axis: Int, _ what: String, extra: Int, _ location: CallSite
) -> Tensor {
  // Without a tensor there is no graph to record the fault in; compiling what is made of it fails.
  guard let first = tensors.first else { return .poisoned(in: Graph()) }
  if let poison = tensors.first(where: \.isPoisoned) { return poison }
  guard let axis = first.axis(axis, what, extra: extra, constraint: "C3", location: location) else {
    return .poisoned(in: first.graph)
  }
  if extra == 1, let other = tensors.first(where: { $0.type != first.type }) {
    return first.fault(
      other.dtype == first.dtype ? .shapeMismatch : .typeMismatch,
      "\(what): \(first.type) and \(other.type) differ", remedy: "stack tensors of one type",
      constraint: other.dtype == first.dtype ? "C4" : "C2",
      operands: [first, other], location: location)
  }
  let parts = extra == 1 ? tensors.map { $0.inserting([axis], location: location) } : tensors
  if parts.count == 1 { return parts[0] }
  return Graph.apply(Concat(axis: axis), to: parts, location: location)[0]
}
