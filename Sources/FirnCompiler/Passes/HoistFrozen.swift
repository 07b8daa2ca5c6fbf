package import FirnGraph

extension Compiler {
  /// `hoist-frozen`: what depends on frozen variables and constants only moves to the bound program.
  ///
  /// That runs when one of these variables has changed, and not in every step.
  ///
  ///     variable w : f32[2] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
  ///     %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %w = read() {variable = "w", dtype = f32, shape = [2]} : f32[2]
  ///     %exp = exp(%w) : f32[2]
  ///     %tanh = tanh(%exp) : f32[2]
  ///     %y = mul(%x, %tanh) : f32[2]
  ///     return %y
  ///
  /// becomes
  ///
  ///     variable w : f32[2] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
  ///     %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
  ///     %tanh = bound() {value = "tanh", dtype = f32, shape = [2]} : f32[2]
  ///     %y = mul(%x, %tanh) : f32[2]
  ///     return %y
  ///
  /// and the bound program is what `%tanh` was made of. Weights that products read are packed there, as `arrange-once`
  /// does before loops. What costs nothing stays, on what it shows: reads, views, values that are only repeated, parts
  /// that fused programs read where they lie, a few numbers made of constants alone. So does what has named dimensions,
  /// for it is another with each feed. No bit differs.
  package static let hoistFrozen = Pass("hoist-frozen") { graph, context throws(FirnError) in
    // There is one bound program.
    guard context.bound.outputs.isEmpty else { return graph }
    // What copies will write is not frozen, though nothing writes it yet.
    let (step, bound) = graph.hoistingFrozen(moving: context.writtenByCopies)
    context.bound = bound
    return step
  }
}

extension GraphDef {
  /// This graph with values of the bound program in the place of what it need not compute, and that program.
  ///
  /// - Parameter others: variables that the program writes, though nothing here does.
  package func hoistingFrozen(moving others: Set<String> = []) -> (step: GraphDef, bound: GraphDef) {
    let movable = FrozenNodes.movable(self, moving: others)
    if !movable.contains(true) { return (self, GraphDef()) }
    let arranged = arranging(frozen: movable)
    let frozen = FrozenNodes(
      arranged, isMovable: arranged == self ? movable : FrozenNodes.movable(arranged, moving: others))
    let values = frozen.values
    guard !values.isEmpty else { return (self, GraphDef()) }
    let bound = arranged.making(values)
    let names = zip(values, bound.outputs).map { ($0, bound.name(of: $1)) }
    let results = Dictionary(grouping: names) { $0.0.node }
    let step = arranged.rewritten { rewriter, position in
      if let values = results[position] {
        for (value, name) in values {
          let op = BoundValue(name, type: arranged.type(of: value))
          rewriter.replace(value, with: rewriter.emit(op, [], insteadOf: position)[0])
        }
      } else if !frozen.isStaying[position] {
        rewriter.drop(position)
      }
    }
    return (step, bound)
  }

  /// This bound program with what `step` reads of it.
  func recalled(by step: GraphDef) -> GraphDef {
    let wanted = Set(step.recalledValues)
    if outputs.allSatisfy({ wanted.contains(name(of: $0)) }) { return self }
    var result = self
    result.outputs.removeAll { !wanted.contains(name(of: $0)) }
    result = result.removingDeadNodes(keepingAssignments: false)
    result.origins = nil
    return result
  }

  /// What makes these values, and nothing else, as a graph that returns them.
  private func making(_ values: [Value]) -> GraphDef {
    var result = self
    result.outputs = values
    result.lossName = nil
    result = result.removingDeadNodes(keepingAssignments: false)
    result.origins = nil
    result.variables = result.readVariables
    return result
  }

  /// What it declares of what it reads; what a shadow follows moves it in steps, which are no business of this program.
  private var readVariables: [Variable] {
    var names: Set<String> = []
    for position in nodes.indices where nodes[position].traits.contains(.reads) {
      if case .reads(let name) = nodes[position].op.effect { names.insert(name) }
    }
    return variables.lazy.filter { names.contains($0.name) }.map { $0.following(nil) }
  }

  /// Whether another layout of a value takes more room than is worth it.
  private func takesMuchMore(_ arrange: any Op, of value: Value) -> Bool {
    let types: [TensorType]
    do throws(FirnError) {
      types = try arrange.resultTypes(of: [type(of: value)])
    } catch {
      firnBug("hoist-frozen", "`\(name(of: value))` cannot be arranged: \(error)")
    }
    guard let made = types[0].byteCount.value, let plain = type(of: value).byteCount.value else {
      return true
    }
    return made > plain.saturatingProduct(FrozenNodes.growth)
  }

  /// What reads a frozen value against its layout reads a node that arranges it, one for all that want the same.
  ///
  /// Where an arrangement takes more than twice the bytes, as panels of a few columns do, it is not worth them.
  private func arranging(frozen: [Bool]) -> GraphDef {
    var known: [Value: [(op: any Op, value: Value)]] = [:]
    return rewritten { rewriter, position in
      // What can be an instruction reads its operands as they lie.
      if frozen[position] || nodes[position].traits.contains(.instruction) { return }
      let node = nodes[position]
      for (operand, input) in node.inputs.enumerated() where frozen[input.node] {
        guard let arrangement = node.op.arrangement(of: operand, in: types(round: position)) else { continue }
        let source = rewriter(input)
        let value: Value
        if let made = known[input]?.first(where: { $0.op.isEqual(to: arrangement.arrange) })?.value {
          value = made
        } else {
          if takesMuchMore(arrangement.arrange, of: input) { continue }
          value =
            rewriter.emit(
              arrangement.arrange, [source], named: Path.joined(node.name, arrangement.arrange.mnemonic),
              like: node)[0]
          known[input, default: []].append((arrangement.arrange, value))
        }
        var other = rewriter.kept(position)
        other.inputs[operand] = value
        other.op = arrangement.op
        rewriter.place(other, insteadOf: position)
        return
      }
    }
  }
}

/// Which nodes of a graph depend on frozen variables and constants only, and which of their values a step is given.
struct FrozenNodes {
  /// By node, whether a step computes it.
  private(set) var isStaying: [Bool]
  /// What steps read of what they need not compute, in the order of nodes.
  private(set) var values: [Value] = []

  init(_ graph: GraphDef, isMovable: [Bool]) {
    isStaying = isMovable.map { !$0 }
    let index = ValueIndex(graph)
    var readsVariables = [Bool](repeating: false, count: graph.nodes.count)
    for position in graph.nodes.indices where isMovable[position] {
      let node = graph.nodes[position]
      readsVariables[position] =
        node.traits.contains(.reads) || node.inputs.contains { readsVariables[$0.node] }
    }
    // By value, whether what stays reads it, and whether something does that no fused program can be.
    var isRead = [Bool](repeating: false, count: index.count)
    var isReadWhole = isRead
    for output in graph.outputs { (isRead[index[output]], isReadWhole[index[output]]) = (true, true) }
    for position in graph.nodes.indices.reversed() {
      if isMovable[position] {
        let node = graph.nodes[position]
        let results = node.types.indices.map { Value(position, $0) }.filter { isRead[index[$0]] }
        if results.isEmpty { continue }
        let isSource = !node.traits.isDisjoint(with: .effects)
        let isWhole = results.contains { isReadWhole[index[$0]] }
        let isWorthIt =
          !isSource && Self.costs(position, in: graph, isReadWhole: isWhole)
          && (readsVariables[position] || Self.isLarge(position, in: graph))
        if isWorthIt {
          values += results.reversed()
          continue
        }
        isStaying[position] = true
      }
      let isInstruction = graph.nodes[position].traits.contains(.instruction)
      for operand in graph.nodes[position].inputs.indices {
        let input = index[graph.nodes[position].inputs[operand]]
        isRead[input] = true
        if !isInstruction { isReadWhole[input] = true }
      }
    }
    values.reverse()
  }

  /// By node, whether all that it reads is, in the end, frozen variables and constants, and its types are numbers.
  ///
  /// What varies is followed no further: a node is asked what it varies with only where nothing that it reads does.
  static func movable(_ graph: GraphDef, moving others: Set<String>) -> [Bool] {
    var result = [Bool](repeating: false, count: graph.nodes.count)
    var written: Set<String>?
    for position in graph.nodes.indices {
      let traits = graph.nodes[position].traits
      if traits.contains(.holds) {
        result[position] = true
      } else if traits.contains(.reads) {
        // What is written here, such as a shadow, would be made anew in every step.
        let known = written ?? others.union(graph.writtenVariables)
        written = known
        guard case .reads(let name) = graph.nodes[position].op.effect else { continue }
        result[position] = !known.contains(name)
      } else if traits.isDisjoint(with: .effects.union(.provisional)),
        graph.nodes[position].inputs.allSatisfy({ result[$0.node] })
      {
        let node = graph.nodes[position]
        if node.op.isMadeWhereRead { continue }
        let nothing = [Dependence](repeating: [], count: node.inputs.count)
        let varying = node.op.dependence(of: nothing, results: Int(node.resultCount))
        result[position] = varying.allSatisfy(\.isEmpty) && isClosed(node)
      }
    }
    return result
  }

  /// Whether no named dimension decides what it makes.
  private static func isClosed(_ node: Node) -> Bool {
    node.types.allSatisfy { $0.byteCount.value != nil } && node.op.openDimensions.isEmpty
      && node.op.asBodyOp?.body.dimensionNames.isEmpty != false
  }

  /// Whether a value made of constants alone is more than a few numbers, which steps have in their caches anyway.
  private static func isLarge(_ position: Int, in graph: GraphDef) -> Bool {
    let types = graph.types(round: position)
    let bytes = types.results.reduce(0) { $0.saturatingSum($1.byteCount.value ?? .max) }
    let flops = graph.nodes[position].op.flops(of: types.operands, results: types.results)
    return bytes >= 4096 || (flops.value ?? .max) >= 4096
  }

  /// How many times the bytes that it is made of a rearranged value may take: panels of 16 columns and more take less.
  static let growth = 2

  /// Whether having the value at hand saves work.
  private static func costs(_ position: Int, in graph: GraphDef, isReadWhole: Bool) -> Bool {
    let node = graph.nodes[position]
    if case .view = node.op.aliasing { return false }
    let types = graph.types(round: position)
    if node.op.flops(of: types.operands, results: types.results) != 0 { return true }
    // What is only repeated, or counted, takes more room than what it is made of, and is made where it is read.
    let made = types.results.reduce(0) { $0.saturatingSum($1.byteCount.value ?? 0) }
    let read = types.operands.reduce(0) { $0.saturatingSum($1.byteCount.value ?? 0) }
    if made > read.saturatingProduct(Self.growth) { return false }
    if !isReadWhole, case .windows = node.op.fusionRole(in: types) { return false }
    return true
  }
}
