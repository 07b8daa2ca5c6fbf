import FirnGraph
import FirnOps

extension Compiler {
  /// `update-rows`: where the gradient of a table comes from looked-up rows alone, and the optimiser leaves a row without
  /// gradient as it is, only the rows that were looked up are updated.
  ///
  /// What the assignments read is made again for those rows, node by node as each op makes rows, and written to them
  /// alone. No gradient of the table's size is left, unless something looks at all of it, such as a norm. Values and slots
  /// of touched rows have the bits they had: rows that are looked up more than once are added up first, in the same order.
  ///
  ///     variable w : f32[9,2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %w = read() {variable = "w", dtype = f32, shape = [9,2]} : f32[9,2]
  ///     %at = placeholder() {dtype = i32, shape = [3]} : i32[3]
  ///     %y = gather(%w, %at) {axis = 0} : f32[3,2]
  ///     %g = scatter_add(%at, %y) {axis = 0, size = 9} : f32[9,2] @backward
  ///     %update/w/sub = sub(%w, %g) : f32[9,2] @update
  ///     %update/w/assign = assign(%update/w/sub) {variable = "w"} : f32[9,2] @update
  ///     %loss = reduce_sum(%y) {axes = [0,1], keeps_axes = false} : f32[]
  ///     return %loss
  ///
  /// becomes
  ///
  ///     variable w : f32[9,2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %w = read() {variable = "w", dtype = f32, shape = [9,2]} : f32[9,2]
  ///     %at = placeholder() {dtype = i32, shape = [3]} : i32[3]
  ///     %y = gather(%w, %at) {axis = 0} : f32[3,2]
  ///     %g = scatter_add(%at, %y) {axis = 0, size = 9} : f32[9,2] @backward
  ///     %update/w/sub = sub(%w, %g) : f32[9,2] @update
  ///     %update/w/gather = gather(%w, %at) {axis = 0} : f32[3,2] @update
  ///     %update/w/gather_added = gather_added(%at, %at, %y) {size = 9} : f32[3,2] @update
  ///     %update/w/sub_1 = sub(%update/w/gather, %update/w/gather_added) : f32[3,2] @update
  ///     %update/w/assign = assign_rows(%update/w/sub_1, %at) {variable = "w", start = 0, limit = 9} : f32[3,2] @update
  ///     %loss = reduce_sum(%y) {axes = [0,1], keeps_axes = false} : f32[]
  ///     return %loss
  package static let updateRows = Pass("update-rows", isRequired: true) { graph, context throws(FirnError) in
    let copied = graph.copyingRowUpdates(&context)
    return try copied.updatingRows(context)
  }
}

extension GraphDef {
  /// With copies of updates of which some are of touched rows alone: they are no longer alike then.
  fileprivate func copyingRowUpdates(_ context: inout CompilationContext) -> GraphDef {
    let copies = context.copies
    var updates: [RowUpdate] = []
    var kinds: Set<Int> = []
    for member in copies.members {
      let kind = copies.kinds[member.kind]
      let gradients = member.gradients.compactMap(\.self)
      guard let rows = kind.rows, gradients.count == member.gradients.count else { continue }
      if gradients.contains(where: { context.rowGradients[$0] != nil }) { kinds.insert(member.kind) }
      let scope = Path.joined("update", member.variable)
      updates.append(
        RowUpdate(
          gradients: gradients, assignments: rows.assignments.map { scope + $0.dropFirst(kind.scope.count) }))
    }
    if kinds.isEmpty { return self }
    context.copies.members.removeAll { kinds.contains($0.kind) }
    context.rowUpdates += updates
    return copyingUpdates(copies, behind: context.outputs.count) { kinds.contains($0) }
  }
}

/// Assignments that may be of touched rows alone.
package struct RowUpdate: Hashable, Sendable {
  /// The rows of the variable that are trained, of which all that is assigned is; nil for all.
  package var rows: Range<Int>?
  /// Results of the requests for the objectives' gradients, counted through all of them: outside the rows that all of these
  /// are made of, nothing moves.
  package var gradients: [Int]
  /// The nodes, by name.
  package var assignments: [String]

  package init(rows: Range<Int>? = nil, gradients: [Int], assignments: [String]) {
    (self.rows, self.gradients, self.assignments) = (rows, gradients, assignments)
  }
}

/// Rows that are added into zeros on the way to a gradient.
struct AddedRows: Hashable {
  /// The node that adds them.
  var position: Int
  /// How far behind the gradient's rows those that it adds to are.
  var offset: Int
}

extension [Node] {
  /// The additions of rows that `value`, or its rows from `offset` on, is a sum of, each once; nil where there is more to
  /// it.
  ///
  /// - Complexity: linear in the nodes of the sum, however often one is a summand.
  func rowAdditions(in value: Value, offset: Int = 0) -> [AddedRows]? {
    var found: [AddedRows] = []
    var seen: Set<AddedRows> = []
    // What is still to be looked at, the next one last.
    var pending = [AddedRows(position: value.node, offset: offset)]
    while let next = pending.popLast() {
      let node = self[next.position]
      if node.resultCount == 1, node.op.rowAddition(in: types(round: node)) != nil {
        if seen.insert(next).inserted { found.append(next) }
      } else if node.isSum {
        guard seen.insert(next).inserted else { continue }
        for input in node.inputs.reversed() {
          pending.append(AddedRows(position: input.node, offset: next.offset))
        }
      } else if let block = block(takenAt: next.position) {
        let start = block.axis == 0 ? block.range.lowerBound : 0
        pending.append(AddedRows(position: node.inputs[0].node, offset: next.offset + start))
      } else {
        return nil
      }
    }
    return found
  }

  private func types(round node: Node) -> NodeTypes {
    NodeTypes(operands: node.inputs.map { self[$0.node].types[$0.result] }, results: node.types)
  }
}

extension GraphDef {
  fileprivate func updatingRows(_ context: CompilationContext) throws(FirnError) -> GraphDef {
    var updates: [RowsOfUpdate] = []
    // By position of an assignment.
    var owners: [Int: Int] = [:]
    // Where nodes stand, once one is looked for.
    var places: [String: Int]?
    func place(_ name: String) -> Int? {
      let known = places ?? Dictionary(nodes.indices.map { (nodes[$0].name, $0) }, uniquingKeysWith: { $1 })
      places = known
      return known[name]
    }
    for update in context.rowUpdates {
      let names = update.gradients.compactMap { context.rowGradients[$0] }
      guard !names.isEmpty, names.count == update.gradients.count else { continue }
      var added: [AddedRows] = []
      for name in names {
        guard let position = place(name), let found = nodes.rowAdditions(in: Value(position))
        else { firnBug("update-rows", "the gradient `\(name)` is not there") }
        added += found
      }
      var count: Int?
      for name in update.assignments {
        guard let position = place(name) else {
          firnBug("update-rows", "the assignment `\(name)` is not there")
        }
        // Unless it was made before.
        if nodes[position].inputs.count == 1 { owners[position] = updates.count }
        count = nodes[position].op.writtenRows?.count ?? nodes[position].types[0].shape.first?.value
      }
      updates.append(RowsOfUpdate(self, update.rows?.count ?? count ?? 0, added, isPart: update.rows != nil))
    }
    if owners.isEmpty { return self }
    return try rewritten { rewriter, position throws(FirnError) in
      guard let owner = owners[position] else { return }
      try updates[owner].assign(position, in: &rewriter)
    }
  }
}

/// The touched rows of what one update makes.
private struct RowsOfUpdate {
  private let graph: GraphDef
  /// How many rows of the variable are trained.
  private let rowCount: Int
  /// Whether others may be named among what is touched: of the variable, or of what it is a part of where it is looked up.
  private let namesOthers: Bool
  /// The indices that name what is touched, each once, and how far behind the part's rows those are that they name.
  private let names: [Place]
  /// How many are touched, repeats counted.
  private let count: Dim
  private var made: [Place: Tensor] = [:]
  private var indices: [Int: Tensor] = [:]
  private var clamped: [Int: Tensor] = [:]

  /// Rows of a value, counted from one of them on.
  private struct Place: Hashable {
    var value: Value
    var offset: Int
  }

  /// - Parameter isPart: whether other rows of the variable are not trained.
  init(_ graph: GraphDef, _ rowCount: Int, _ added: [AddedRows], isPart: Bool) {
    self.graph = graph
    self.rowCount = rowCount
    namesOthers =
      isPart
      || added.contains {
        $0.offset != 0 || graph.nodes[$0.position].types[0].shape.first?.value != rowCount
      }
    var seen: Set<Place> = []
    names = added.compactMap { added in
      let node = graph.nodes[added.position]
      guard let addition = node.op.rowAddition(in: graph.types(round: added.position)) else { return nil }
      let place = Place(value: node.inputs[addition.indices], offset: added.offset)
      return seen.insert(place).inserted ? place : nil
    }
    count = names.reduce(0) { $0 + graph.type(of: $1.value).shape.elementCount }
  }

  /// Puts the assignment of the touched rows in the place of one that is of all.
  mutating func assign(_ position: Int, in rewriter: inout GraphRewriter) throws(FirnError) {
    let node = graph.nodes[position]
    guard case .writes(let variable) = node.op.effect, let extent = node.types[0].shape[0].value else {
      firnBug("update-rows", "`\(node.name)` assigns no rows")
    }
    // Of a variable these are counted as the variable's are, of a slot as the part's.
    let range = node.op.writtenRows ?? 0..<extent
    let graph = rewriter.graph
    let inputs: [Value] = graph.section(node.scope, phase: .update) {
      let values = rows(of: node.inputs[0], 0, in: rewriter)
      return [values.value, indices(from: range.lowerBound, in: rewriter).value]
    }
    try graph.validate()
    _ = rewriter.emit(AssignRows(variable, range), inputs, insteadOf: position)
    rewriter.drop(position)
  }

  // MARK: Values

  /// The touched rows of a value whose row `offset` is the first of the part.
  private mutating func rows(of value: Value, _ offset: Int, in rewriter: GraphRewriter) -> Tensor {
    let place = Place(value: value, offset: offset)
    if let known = made[place] { return known }
    let result = makeRows(of: value, offset, in: rewriter)
    made[place] = result
    return result
  }

  private mutating func makeRows(of value: Value, _ offset: Int, in rewriter: GraphRewriter) -> Tensor {
    let node = graph.nodes[value.node]
    let types = graph.types(round: value.node)
    if node.types.count == 1, let addition = node.op.rowAddition(in: types) {
      let indices = Self.flat(rewriter.tensor(node.inputs[addition.indices]), axes: nil)
      let updates = Self.flat(
        rewriter.tensor(node.inputs[addition.updates]),
        axes: graph.type(of: node.inputs[addition.indices]).shape.rank)
      return rewriter.graph.append(
        addition.op, [self.indices(within: offset, in: rewriter), indices, updates])[0]
    }
    let block = graph.block(takenAt: value.node)
    if let block, block.axis == 0 {
      return rows(of: node.inputs[0], offset + block.range.lowerBound, in: rewriter)
    }
    // What other phases have made is not made again, but for blocks and sums on the way to a gradient.
    if node.phase == .update || block != nil || graph.nodes.rowAdditions(in: value) != nil,
      let rule = node.op.rows(along: 0, of: value.result, count: count, in: types),
      rule.results[value.result] == 0, rule.operands.allSatisfy({ $0 == nil || $0 == 0 })
    {
      var operands: [Tensor] = []
      for (input, axis) in zip(node.inputs, rule.operands) {
        operands.append(
          axis == nil ? rewriter.tensor(input) : rows(of: input, offset, in: rewriter))
      }
      return rewriter.graph.append(rule.op, operands, results: node.types.count)[value.result]
    }
    return gather(rewriter.tensor(value), indices: indices(within: offset, in: rewriter))
  }

  /// With so many first axes, or all, made one.
  private static func flat(_ tensor: Tensor, axes: Int?) -> Tensor {
    let shape = tensor.shape
    let axes = axes ?? shape.rank
    if axes == 1 { return tensor }
    let count = Shape(Array(shape.prefix(axes))).elementCount
    return tensor.reshaped(to: Shape([count] + Array(shape.dropFirst(axes))))
  }

  // MARK: Indices

  /// The touched rows, numbered so that the part's first is `offset`; others may be among them.
  private mutating func indices(from offset: Int, in rewriter: GraphRewriter) -> Tensor {
    if let known = indices[offset] { return known }
    let pieces = names.map { place in
      let own = Self.flat(rewriter.tensor(place.value), axes: nil)
      return offset == place.offset ? own : own + Double(offset - place.offset)
    }
    let result = pieces.count == 1 ? pieces[0] : concatenate(pieces, axis: 0)
    indices[offset] = result
    return result
  }

  /// The same, but what is no row of the part is one of its ends: it is read, and written nowhere.
  private mutating func indices(within offset: Int, in rewriter: GraphRewriter) -> Tensor {
    guard namesOthers else { return indices(from: offset, in: rewriter) }
    if let known = clamped[offset] { return known }
    let last = Double(offset + rowCount - 1)
    let result = minimum(maximum(indices(from: offset, in: rewriter), Double(offset)), last)
    clamped[offset] = result
    return result
  }
}
