package import FirnGraph
import FirnOps

extension Compiler {
  /// `store-frozen`: where that is asked for, a frozen kernel is put into a smaller type, and multiplied from there.
  ///
  ///     variable w : f32[3,32] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
  ///     %x = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///     %w = read() {variable = "w", dtype = f32, shape = [3,32]} : f32[3,32]
  ///     %y = matmul(%x, %w) {transpose_a = false, transpose_b = false} : f32[batch,32]
  ///     return %y
  ///
  /// becomes
  ///
  ///     variable w : f32[3,32] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
  ///     %x = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///     %w = read() {variable = "w", dtype = f32, shape = [3,32]} : f32[3,32]
  ///     %y/store = store(%w) {storage = "bfloat16", channel = -1, form = "panels"} : i32[48]
  ///     %y = matmul_stored(%x, %y/store) {transpose_a = false, columns = 32, storage = "bfloat16", channel = -1} : f32[batch,32]
  ///     return %y
  ///
  /// where `bfloat16` is asked for. Ops say which of their operands are kernels (`kernelChannel`), and how they read one
  /// from a smaller copy (`storedReading`); for one that does not know how, a node next to it widens the kernel again.
  /// The same numbers are multiplied forward and backward, in loops too. `hoist-frozen` then makes the copies when
  /// variables are bound.
  package static let storeFrozen = Pass("store-frozen") { graph, context throws(FirnError) in
    guard let storage = context.request.storingFrozen else { return graph }
    let others = context.writtenByCopies.union(context.request.movedElsewhere)
    let kernels = FrozenKernels(graph, storage, moving: others)
    if context.stored.storage == nil {
      context.stored = StoredKernels(kernels, in: graph, context.together, moving: others)
    }
    if context.stored.variables.isEmpty, !kernels.areThereAny {
      throw FirnError(
        .invalidArgument,
        "`storingFrozen: .\(storage)` has no effect: nothing reads an `f32` kernel or table",
        remedy: "leave it out")
    }
    return kernels.stored(graph)
  }
}

extension GraphDef {
  /// This graph with its frozen kernels in a smaller type.
  package func storingFrozen(_ storage: FrozenStorage) -> GraphDef {
    FrozenKernels(self, storage).stored(self)
  }
}

/// The frozen values of a graph that ops which vary read as their kernels.
struct FrozenKernels {
  let storage: FrozenStorage
  /// In graph order, with the axis of their output channels as their first reader has it.
  private(set) var kernels: [(value: Value, channel: Int)] = []
  /// What is read as a kernel, but cannot be stored, and why.
  private(set) var refused: [(value: Value, reason: String)] = []
  /// Whether some `f32` kernel is made of variables, frozen or not.
  private(set) var areThereAny = false
  private let movable: [Bool]
  /// By node, whether it is made of variables.
  private let isOfVariables: [Bool]
  private var channels: [Value: Int] = [:]

  /// - Parameter others: variables that the program writes, though nothing in the graph does.
  init(_ graph: GraphDef, _ storage: FrozenStorage, moving others: Set<String> = []) {
    self.storage = storage
    movable = FrozenNodes.movable(graph, moving: others)
    var isOfVariables = [Bool](repeating: false, count: graph.nodes.count)
    for (position, node) in graph.nodes.enumerated() {
      isOfVariables[position] =
        node.traits.contains(.reads) || node.inputs.contains { isOfVariables[$0.node] }
    }
    self.isOfVariables = isOfVariables
    collect(in: graph, isOutermost: true) {
      isOfVariables[$0.node] && graph.type(of: $0).dtype == .f32 ? $0 : nil
    }
    guard storage.isScaled else { return }
    // Scales of a part, or of another order, would be others than those of the whole.
    let origins = kernels.map { graph.origin(of: $0.value, while: movable) }
    for (number, (value, _)) in kernels.enumerated()
    where origins.indices.contains(where: { $0 != number && origins[$0].mayOverlap(origins[number]) }) {
      refused.append((value, "it is read whole and in parts, or in two layouts, whose scales would differ"))
      channels[value] = nil
    }
    kernels.removeAll { channels[$0.value] == nil }
  }

  /// Notes the kernels that are read in a graph, or in a loop's body.
  ///
  /// - Parameter source: what a value stands for outside all loops; nil where that is none, or made of no variable.
  private mutating func collect(in graph: GraphDef, isOutermost: Bool, _ source: (Value) -> Value?) {
    for (position, node) in graph.nodes.enumerated() where !(isOutermost && movable[position]) {
      if let loop = node.loop {
        collect(in: loop.body, isOutermost: false) { loop.captured($0, of: node).flatMap(source) }
        continue
      }
      for (operand, input) in node.inputs.enumerated() {
        guard let value = source(input),
          let channel = node.op.kernelChannel(of: operand, in: graph.types(round: position))
        else { continue }
        areThereAny = true
        if !movable[value.node] || channels[value] != nil { continue }
        channels[value] = channel
        kernels.append((value, channel))
      }
    }
  }

  /// The graph with them in the smaller type.
  func stored(_ graph: GraphDef) -> GraphDef {
    let stored =
      kernels.isEmpty ? graph : storing(in: graph, isOutermost: true) { channels[$0] == nil ? nil : $0 }
    // Weights that are trained are packed before loops, which `arrange-once` leaves to this pass.
    let arranged = stored.hoistingInvariants().arrangingInvariants()
    if arranged == graph { return graph }
    return arranged.mergingCommonSubexpressions().makingWhereRead().removingDeadNodes(
      keepingAssignments: true)
  }

  private func storing(in graph: GraphDef, isOutermost: Bool, _ kernel: @escaping (Value) -> Value?)
    -> GraphDef
  {
    graph.rewritten { rewriter, position in
      if isOutermost, movable[position] { return }
      let node = graph.nodes[position]
      if let loop = node.loop {
        let op = node.op(changingBody: { body in
          storing(in: body, isOutermost: false) { loop.captured($0, of: node).flatMap(kernel) }
        })
        if let op { rewriter.keep(position, as: op) }
        return
      }
      let types = graph.types(round: position)
      for (operand, input) in node.inputs.enumerated() {
        guard let value = kernel(input), let channel = channels[value],
          node.op.kernelChannel(of: operand, in: types) != nil
        else { continue }
        var other = rewriter.kept(position)
        let (source, name) = (rewriter(input), Path.joined(node.name, "store"))
        if let reading = node.op.storedReading(of: operand, as: storage, channel: channel, in: types),
          isSmaller(reading.arrange, than: types.operands[operand])
        {
          other.inputs[operand] = rewriter.emit(reading.arrange, [source], named: name, like: node)[0]
          other.op = reading.op
        } else {
          let flat = storage.flat(of: types.operands[operand], channel: channel)
          let words = rewriter.emit(flat.store, [source], named: name, like: node)
          other.inputs[operand] =
            rewriter.emit(flat.widen, words, named: Path.joined(node.name, "widen"), like: node)[0]
        }
        rewriter.place(other, insteadOf: position)
        return
      }
    }
  }

  /// Whether what is stored takes less than three quarters of the bytes, as panels of a few columns do not.
  private func isSmaller(_ store: any Op, than type: TensorType) -> Bool {
    do throws(FirnError) {
      let made = try store.resultTypes(of: [type])[0].byteCount.value ?? .max
      return made.saturatingProduct(4) <= (type.byteCount.value ?? 0).saturatingProduct(3)
    } catch {
      firnBug("store-frozen", "\(type) cannot be stored: \(error)")
    }
  }
}

/// What a value is made of without computing.
private struct Origin {
  var value: Value
  /// The part of it that it is; nil for all, in whatever order, or where it is not known.
  var block: Block?

  /// Whether both may hold an element of one value.
  func mayOverlap(_ other: Origin) -> Bool {
    guard value == other.value else { return false }
    guard let block, let otherBlock = other.block, block.axis == otherBlock.axis else { return true }
    return block.range.overlaps(otherBlock.range)
  }
}

extension Scan {
  /// What `node`, which is this loop, captures as a value of the body; nil for other values.
  fileprivate func captured(_ value: Value, of node: Node) -> Value? {
    guard let input = body.nodes[value.node].loopInput, input.kind == .capture,
      let operand = operand(of: input)
    else { return nil }
    return node.inputs[operand]
  }
}

extension GraphDef {
  /// What a value is a part or another order of, as far as nodes are among these.
  fileprivate func origin(of value: Value, while isMember: [Bool]) -> Origin {
    var (value, block, isWhole) = (value, Block?.none, true)
    while isMember[value.node] {
      let node = nodes[value.node]
      if let own = self.block(takenAt: value.node) {
        // Of a part of a part nothing is known but what it is of.
        block = isWhole ? own : nil
      } else if node.isMove {
        block = nil
      } else {
        break
      }
      isWhole = false
      value = node.inputs[0]
    }
    return Origin(value: value, block: block)
  }

  /// What is cheap to make of something small is made anew for each further node that reads it, so that nothing large is
  /// held from one to the next.
  fileprivate func makingWhereRead() -> GraphDef {
    var seen: Set<Value> = []
    return rewritten { rewriter, position in
      let node = nodes[position]
      guard node.inputs.contains(where: { nodes[$0.node].op.isMadeWhereRead }) else { return }
      var other = rewriter.kept(position)
      var isChanged = false
      for (operand, input) in node.inputs.enumerated() where nodes[input.node].op.isMadeWhereRead {
        if seen.insert(input).inserted { continue }
        let source = nodes[input.node]
        let made = rewriter.emit(
          source.op, source.inputs.map { rewriter($0) }, named: Path.joined(node.name, source.mnemonic),
          like: node)
        other.inputs[operand] = made[input.result]
        isChanged = true
      }
      if isChanged { rewriter.place(other, insteadOf: position) }
    }
  }
}
