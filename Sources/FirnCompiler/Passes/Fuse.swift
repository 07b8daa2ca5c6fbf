package import FirnGraph
import FirnOps

extension Compiler {
  /// `fuse`: elementwise nodes that hand on to each other become one program, which runs through cache block by block.
  ///
  ///     %x = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///     %bias = placeholder() {dtype = f32, shape = [3]} : f32[3]
  ///     %broadcast = broadcast(%bias) {shape = [batch,3]} : f32[batch,3]
  ///     %add = add(%x, %broadcast) : f32[batch,3]
  ///     %tanh = tanh(%add) : f32[batch,3]
  ///     %mul = mul(%tanh, %x) : f32[batch,3]
  ///     return %mul, %tanh
  ///
  /// becomes
  ///
  ///     %x = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///     %bias = placeholder() {dtype = f32, shape = [3]} : f32[3]
  ///     %mul:2 = fused(%x, %bias) {domain = [batch,3], body = {
  ///       %x = fused_input() {position = 0, dtype = f32, shape = [batch,3]} : f32[batch,3]
  ///       %bias = fused_input() {position = 1, dtype = f32, shape = [3]} : f32[3]
  ///       %broadcast = broadcast(%bias) {shape = [batch,3]} : f32[batch,3]
  ///       %add = add(%x, %broadcast) : f32[batch,3]
  ///       %tanh = tanh(%add) : f32[batch,3]
  ///       %mul = mul(%tanh, %x) : f32[batch,3]
  ///       return %tanh, %mul
  ///     }} : f32[batch,3], f32[batch,3]
  ///     return %mul:1, %mul
  ///
  /// Every instruction is what the node did, on as many elements as stay in cache, so the bits are the same. Nodes of a
  /// program go through one shape and belong to one part of a step, forward, backward or update. What they read may be
  /// broadcast there. Nothing is computed twice, and nothing that is large is kept longer than what it saves.
  ///
  /// A program that alone reads what a convolution, or a product by panels, makes begins with that, so that what is
  /// added to its rows, or bounds them, meets them in cache. Where parts of that are read apart from each other, as the
  /// gates of a cell are, what is done to all of it stays with the product.
  ///
  /// In loops it works on the body; a broadcast that a loop captures is made in its program instead.
  package static let fuse = Pass("fuse") { graph, context throws(FirnError) in
    context.copies.takeNames(from: graph, behind: context.outputs.count)
    return graph.fused(context.copies)
  }
}

extension GraphDef {
  /// - Parameter copies: updates of which some are to be copied: their nodes share no program with others.
  package func fused(_ copies: UpdateCopies = UpdateCopies()) -> GraphDef {
    let broadcasting = broadcastingInLoops()
    let result = broadcasting.fusingNodes(copies).startingPrograms()
    return result == self ? self : result.removingDeadNodes(keepingAssignments: true)
  }

  /// With loops fused, and elementwise nodes of this graph.
  private func fusingNodes(_ copies: UpdateCopies) -> GraphDef {
    let kinds = Set(copies.members.map(\.kind))
    let groups = FusionGroups(self, apart: kinds.isEmpty ? [] : owners(copies) { kinds.contains($0) })
    var rewriter = GraphRewriter(self)
    var known = KnownPrograms()
    for position in nodes.indices { rewriter.bring(position, groups, &known) }
    return rewriter.finish()
  }

  // MARK: Broadcasts that loops capture

  /// Loops capture what is broadcast rather than the broadcast, where only instructions read it.
  private func broadcastingInLoops() -> GraphDef {
    if !hasLoops { return self }
    return rewritten { rewriter, position in
      guard let scan = nodes[position].loop else { return }
      var node = rewriter.kept(position)
      var made: [Int: (op: any Op, type: TensorType)] = [:]
      for (number, operand) in scan.captureRange.enumerated() {
        let value = nodes[position].inputs[operand]
        guard scan.body.isReadByInstructions(capture: number), isRepeated(value) else { continue }
        let source = nodes[value.node].inputs[0]
        made[number] = (nodes[value.node].op, type(of: source))
        node.inputs[operand] = rewriter(source)
      }
      if made.isEmpty { return }
      node.op = scan.with(body: scan.body.capturing(made))
      rewriter.place(node, insteadOf: position)
    }
  }

  /// Whether a value is all of another, repeated.
  private func isRepeated(_ value: Value) -> Bool {
    guard case .windows(let windows) = nodes[value.node].op.fusionRole(in: types(round: value.node)),
      let source = nodes[value.node].inputs.first
    else { return false }
    let window = windows[value.result]
    return window.axes.contains(nil) && window.showsAll(of: type(of: source).shape, as: type(of: value).shape)
  }

  /// Whether a capture of this body is read, and by nothing but what can be an instruction.
  private func isReadByInstructions(capture number: Int) -> Bool {
    guard
      let position = nodes.firstIndex(where: {
        $0.loopInput?.kind == .capture && $0.loopInput?.position == number
      }), !outputs.contains(Value(position))
    else { return false }
    let readers = nodes.indices.filter { nodes[$0].inputs.contains(Value(position)) }
    return !readers.isEmpty && readers.allSatisfy { FusionGroups.canBeInstruction($0, in: self) }
  }

  /// This body with captures of other types, each under the op that makes of it what was captured.
  private func capturing(_ made: [Int: (op: any Op, type: TensorType)]) -> GraphDef {
    rewritten { rewriter, position in
      guard let input = nodes[position].loopInput, input.kind == .capture,
        let (op, type) = made[input.position]
      else { return }
      let source = rewriter.emit(
        LoopInput(.capture, input.position, type: type), [],
        named: Path.joined(nodes[position].name, "whole"), like: nodes[position])
      rewriter.replace(
        Value(position), with: rewriter.emit(op, source, insteadOf: position)[0])
    }
  }
}

extension GraphRewriter {
  /// Makes the node at `position` and, before it, those it reads that were put off.
  ///
  /// A node of a program waits for the last of its nodes, unless something reads the program before.
  fileprivate mutating func bring(_ position: Int, _ groups: FusionGroups, _ known: inout KnownPrograms) {
    if let group = groups.group(of: position), groups.members(of: group).last != position { return }
    if !groups.isNeeded(position) { return }
    var pending = [position]
    while let next = pending.last {
      if isDone(next) {
        pending.removeLast()
        continue
      }
      let count = pending.count
      groups.forEachOperand(of: next) { if !isDone($0) { pending.append($0) } }
      if pending.count == count {
        make(next, groups, &known)
        pending.removeLast()
      } else {
        pending[count...].reverse()
      }
    }
  }

  private mutating func make(_ position: Int, _ groups: FusionGroups, _ known: inout KnownPrograms) {
    guard let group = groups.group(of: position) else {
      let node = source.nodes[position]
      return keep(position, as: node.loop == nil ? nil : node.op { $0.fused() })
    }
    let members = groups.members(of: group)
    guard groups.hasResults(group) else { return members.forEach { drop($0) } }
    let program = groups.program(of: group)
    let results = emit(
      known.sharing(program.op), program.operands.map { self($0) }, insteadOf: members[members.count - 1])
    for (member, result) in zip(program.results, results) { replace(Value(member), with: result) }
    for member in members where !isDone(member) { drop(member) }
  }
}
