import FirnGraph
import FirnOps

/// A loop, the graph before it, and what is to stand after it, while work moves from one to the other.
///
/// An editor only adds: operands, results, nodes around the loop. What nobody reads any more goes by `dead-code`, which
/// also takes results, carries and operands from loops.
struct LoopEditor {
  /// The graph around, up to the loop; after `beginAfter()`, past it.
  private let around: Graph
  /// The loop's node.
  let node: Node
  let scan: Scan

  private var initial: [Value]
  private var sequences: [Value]
  private var captured: [Value]
  private var outputs: [Value]
  /// Where the loop stands, once what goes before it is there.
  private var position: Int?
  /// Values of the body that an input of the loop replaces.
  private var inputs: [Value: LoopInput] = [:]
  /// Values of the graph around that now stand for results of the loop.
  private var replaced: [Int: Value] = [:]
  private var constants: [Int: Value] = [:]

  init(_ scan: Scan, _ node: Node, in around: Graph) {
    self.scan = scan
    self.node = node
    self.around = around
    initial = Array(node.inputs[scan.carryRange])
    sequences = Array(node.inputs[scan.sliceRange])
    captured = Array(node.inputs[scan.captureRange])
    outputs = scan.body.outputs
  }

  var body: GraphDef { scan.body }
  var isChanged: Bool { !inputs.isEmpty || !replaced.isEmpty }

  // MARK: What the body reads, from outside

  /// The value around the loop that a capture or a constant of the body is; nil for anything else.
  mutating func invariant(_ value: Value) -> Value? {
    let node = body.nodes[value.node]
    if let input = node.loopInput { return input.kind == .capture ? captured[input.position] : nil }
    guard case .holds = node.op.effect else { return nil }
    if let known = constants[value.node] { return known }
    let copy = add(node.op, [], like: node)[0]
    constants[value.node] = copy
    return copy
  }

  /// What stands around the loop for all steps of a slice, one of these passes' own included.
  func sequence(_ value: Value) -> Value? {
    guard let input = inputs[value] ?? body.nodes[value.node].loopInput, input.kind == .slice else {
      return nil
    }
    return sequences[input.position]
  }

  func initial(of carry: Int) -> Value { initial[carry] }

  /// Whether a value of the body is a constant zero in every element.
  func isZero(_ value: Value) -> Bool {
    body.isZero(value) { ValueView(captured[$0], in: around.nodes).uniform == 0 }
  }

  /// The type of a value around the loop.
  func type(of value: Value) -> TensorType { around.nodes[value.node].types[value.result] }

  // MARK: Moving

  /// Adds a node around the loop in the place of `model`, a node of the body: its path goes below the loop's.
  mutating func add(_ op: any Op, _ inputs: [Value], like model: Node) -> [Value] {
    let isForward = node.phase == .forward
    let prefix = isForward ? "" : String(node.name.prefix { $0 != "/" })
    let name = Path.joined(isForward ? node.name : node.scope, Path.relative(model.name, to: prefix))
    var model = model
    if !isForward { model.phase = node.phase }
    return around.emit(op, inputs, name: name, like: model)
  }

  /// From here on the body has `value` from outside, as a capture.
  mutating func capture(_ outer: Value, as value: Value) {
    inputs[value] = LoopInput(.capture, captured.count, type: body.type(of: value))
    captured.append(outer)
  }

  /// From here on the body has `value` as a step of `sequence`.
  mutating func slice(_ sequence: Value, as value: Value) {
    inputs[value] = LoopInput(.slice, sequences.count, type: body.type(of: value))
    sequences.append(sequence)
  }

  /// What is added from here on stands after the loop.
  mutating func beginAfter() {
    guard position == nil else { return }
    // Holds the place; `finish` knows the node.
    position = around.adopt(node, isOwner: true)
  }

  /// A value of the body over all steps, as a result of the loop: an operand that is one, or an output, a new one if
  /// needed.
  mutating func stacked(_ value: Value) -> Value {
    if let sequence = sequence(value) { return sequence }
    guard let position else { firnBug("loop passes", "a loop's output was asked for before the loop") }
    if let known = outputs.indices.first(where: { $0 >= scan.carries && outputs[$0] == value }) {
      return Value(position, known)
    }
    outputs.append(value)
    refresh()
    return Value(position, outputs.count - 1)
  }

  /// Whether `stacked` has it without a new output.
  func isStacked(_ value: Value) -> Bool {
    sequence(value) != nil || outputs.dropFirst(scan.carries).contains(value)
  }

  /// Whether the body has `value` from outside from here on.
  func isReplaced(_ value: Value) -> Bool { inputs[value] != nil }

  /// From here on `value` stands for a result of the loop.
  mutating func replace(result: Int, with value: Value) { replaced[result] = value }

  /// The types of the loop's results as they are now.
  private mutating func refresh() {
    guard let position else { return }
    var node = node
    node.types =
      outputs.prefix(scan.carries).map { body.type(of: $0) }
      + outputs.dropFirst(scan.carries).map { output in
        let type = body.type(of: output)
        return TensorType(type.dtype, Shape([scan.length] + type.shape.dimensions))
      }
    around.replace(at: position, with: node)
  }

  // MARK: The end

  /// Puts the loop in its place; what stands for each of its results.
  mutating func finish() -> [Value] {
    beginAfter()
    let position = position ?? 0
    refresh()
    var loop = around.nodes[position]
    loop.op = isChanged ? edited() : scan
    loop.inputs = initial + sequences + captured
    around.replace(at: position, with: loop)
    return node.types.indices.map { replaced[$0] ?? Value(position, $0) }
  }

  private func edited() -> Scan {
    var rewriter = GraphRewriter(body)
    for (position, node) in body.nodes.enumerated() {
      let values = node.types.indices.map { Value(position, $0) }
      if values.contains(where: { inputs[$0] == nil }) { rewriter.keep(position) }
      for value in values {
        guard let input = inputs[value] else { continue }
        let place = Node(op: input, inputs: [], types: [input.type], name: node.name)
        rewriter.place(place, insteadOf: position, results: [value.result])
      }
    }
    return Scan(
      body: rewriter.finish(outputs: outputs.map { rewriter($0) }), carries: scan.carries,
      slices: sequences.count, captures: captured.count, length: scan.length, isReversed: scan.isReversed,
      recomputes: scan.recomputes)
  }
}

extension GraphDef {
  /// Every loop, inner ones first, as `edit` leaves it.
  func editingLoops(_ edit: (inout LoopEditor) -> Void) -> GraphDef {
    guard hasLoops else { return self }
    var isChanged = false
    let result = rewritten { rewriter, position in
      guard nodes[position].traits.contains(.body) else { return }
      var node = nodes[position]
      if let op = node.op(changingBody: { $0.editingLoops(edit) }) {
        node.op = op
        isChanged = true
      }
      guard let scan = node.loop else { return }
      node.inputs = node.inputs.map { rewriter($0) }
      var editor = LoopEditor(scan, node, in: rewriter.graph)
      edit(&editor)
      isChanged = isChanged || editor.isChanged
      for (result, value) in editor.finish().enumerated() {
        rewriter.replace(Value(position, result), with: value)
      }
    }
    return isChanged ? result.removingDeadNodes(keepingAssignments: true) : self
  }
}
