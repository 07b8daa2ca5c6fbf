import FirnGraph
import FirnOps

/// The masks that loops of later parts make, step by step, of values that nothing else reads later.
///
/// Made for all steps at once before the loop, they are masks like others, and can be kept in the place of the values.
///
/// - Complexity: linear in nodes and operands, those of loops' bodies included.
struct StepMasks {
  /// What goes before a loop.
  struct Choice {
    /// Nodes of its body, in order.
    var nodes: [Int] = []
    /// Those of them that the body goes on to read.
    var masks: [Int] = []
  }

  /// By the loop's position.
  private(set) var choices: [Int: Choice] = [:]

  init(_ graph: GraphDef) {
    var bodies: [Int: LoopMasks] = [:]
    for (position, node) in graph.nodes.enumerated() where node.phase != .forward {
      guard let scan = node.loop, !scan.recomputes else { continue }
      let found = LoopMasks(scan)
      if !found.slices.isEmpty { bodies[position] = found }
    }
    if bodies.isEmpty { return }
    let (shown, index) = (ShownValues(graph), ValueIndex(graph))
    // By value, whether its buffer is read later other than for masks, or is there to the end.
    var isRead = [Bool](repeating: false, count: index.count)
    for output in graph.outputs { isRead[index[shown[output]]] = true }
    for (position, node) in graph.nodes.enumerated() where node.phase != .forward {
      if case (.none, .view) = (node.op.effect, node.op.aliasing) { continue }
      for (operand, input) in node.inputs.enumerated() {
        if bodies[position]?.slices.contains(operand) != true { isRead[index[shown[input]]] = true }
      }
    }
    for (position, body) in bodies {
      let choice = body.choice { operand in
        let source = shown[graph.nodes[position].inputs[operand]]
        let node = graph.nodes[source.node]
        return node.phase == .forward && node.traits.isDisjoint(with: .effects) && !isRead[index[source]]
      }
      if !choice.masks.isEmpty { choices[position] = choice }
    }
  }
}

/// Of which slices a loop's body reads nothing but masks, and what makes these.
private struct LoopMasks {
  /// Operands of the loop.
  private(set) var slices: Set<Int> = []
  private let scan: Scan
  private let consumers: Consumers
  private let outputs: Set<Int>
  /// By node of the body, whether it is made of slices and of what does not vary, element by element.
  private var isMade: [Bool]
  /// By node, whether what comes of it is masks and nothing else.
  private var isMasked: [Bool]

  init(_ scan: Scan) {
    self.scan = scan
    let body = scan.body
    (consumers, outputs) = (body.consumers, Set(body.outputs.map(\.node)))
    isMade = Array(repeating: false, count: body.nodes.count)
    isMasked = isMade
    for (position, node) in body.nodes.enumerated() {
      let varying = node.inputs.map { !scan.isSame($0) }
      isMade[position] =
        node.op.isElementwise && !node.op.canFail && node.resultCount == 1 && varying.contains(true)
        && zip(node.inputs, varying).allSatisfy { isMade[$0.node] || isSlice($0.node) || !$1 }
        && node.op.overSteps(scan.length, varying: varying, in: body.types(round: position)) != nil
    }
    for position in body.nodes.indices.reversed() where isMade[position] || isSlice(position) {
      let isTruth = isMade[position] && body.nodes[position].types[0].dtype == .bool
      isMasked[position] =
        isTruth
        || !outputs.contains(position) && !consumers[position].isEmpty
          && consumers[position].allSatisfy { isMade[$0] && isMasked[$0] }
      if let input = body.nodes[position].loopInput, isMasked[position],
        let operand = scan.operand(of: input)
      {
        slices.insert(operand)
      }
    }
  }

  private func isSlice(_ node: Int) -> Bool { scan.body.nodes[node].loopInput?.kind == .slice }

  /// What is to be made before the loop so that it need not be given the slices that are `freed`.
  func choice(_ isFreed: (_ operand: Int) -> Bool) -> StepMasks.Choice {
    let body = scan.body
    var (choice, isWanted) = (StepMasks.Choice(), [Bool](repeating: false, count: body.nodes.count))
    for (position, node) in body.nodes.enumerated() {
      if let input = node.loopInput {
        isWanted[position] =
          isMasked[position] && isSlice(position) && scan.operand(of: input).map(isFreed) == true
      } else {
        isWanted[position] = isMade[position] && node.inputs.contains { isWanted[$0.node] }
      }
    }
    func isMask(_ position: Int) -> Bool {
      isMade[position] && isWanted[position] && body.nodes[position].types[0].dtype == .bool
    }
    // A mask that is made of something wanted needs all that it is made of. One that only masks read is theirs.
    var isNeeded = [Bool](repeating: false, count: body.nodes.count)
    for position in body.nodes.indices.reversed() where isMade[position] {
      let isGiven =
        isMask(position) && (outputs.contains(position) || !consumers[position].allSatisfy(isMask))
      if !isGiven && !isNeeded[position] { continue }
      if isGiven { choice.masks.append(position) }
      choice.nodes.append(position)
      for input in body.nodes[position].inputs { isNeeded[input.node] = true }
    }
    // Bits of a step's elements lie together; where these are few, they are no less.
    let isWorthIt = body.nodes.indices.allSatisfy { position in
      !isWanted[position] || body.nodes[position].loopInput == nil
        || isLess(choice.masks.count, than: body.nodes[position].types[0])
    }
    if !isWorthIt { return StepMasks.Choice() }
    return StepMasks.Choice(nodes: choice.nodes.reversed(), masks: choice.masks.reversed())
  }

  /// Whether so many masks of a value's shape are so much less that they are kept in its place.
  private func isLess(_ masks: Int, than type: TensorType) -> Bool {
    var inner = 1
    for extent in type.shape.reversed() {
      guard let number = extent.value else { break }
      inner = inner.saturatingProduct(number)
    }
    let words = (inner / 32).saturatingSum(inner % 32 == 0 ? 0 : 1)
    return words.saturatingProduct(4 * KeptBits.leastGain).saturatingProduct(masks)
      <= inner.saturatingProduct(type.dtype.byteCount)
  }
}

extension LoopEditor {
  /// Makes masks for all steps before the loop, which is given one for each step from here on.
  fileprivate mutating func makeBefore(_ choice: StepMasks.Choice) {
    var made: [Value: Value] = [:]
    for position in choice.nodes {
      let inputs = body.nodes[position].inputs
      guard let rule = overSteps(position, isSame: inputs.map(scan.isSame)) else {
        firnBug("keep-bits", "`\(body.nodes[position].name)` is not made for all steps at once")
      }
      made[Value(position)] = addOverSteps(
        position, rule,
        inputs.map { input in
          guard let operand = made[input] ?? sequence(input) ?? invariant(input) else {
            firnBug("keep-bits", "`\(body.name(of: input))` is not there before the loop")
          }
          return operand
        })
    }
    for mask in choice.masks {
      if let sequence = made[Value(mask)] { slice(sequence, as: Value(mask)) }
    }
  }
}

extension GraphDef {
  /// Loops of later parts with masks made before them, where nothing else of what these are made of is read later.
  func makingMasksBeforeLoops() -> GraphDef {
    if !hasLoops { return self }
    let choices = StepMasks(self).choices
    if choices.isEmpty { return self }
    return rewritten { rewriter, position in
      guard let choice = choices[position], let scan = nodes[position].loop else { return }
      var node = nodes[position]
      node.inputs = node.inputs.map { rewriter($0) }
      var editor = LoopEditor(scan, node, in: rewriter.graph)
      editor.makeBefore(choice)
      for (result, value) in editor.finish().enumerated() {
        rewriter.replace(Value(position, result), with: value)
      }
    }.removingDeadNodes(keepingAssignments: true)
  }
}
