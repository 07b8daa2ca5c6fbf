import FirnGraph
import FirnOps

extension Compiler {
  /// `copy-updates`: variables of one type have the same update, and all but two of them a copy of what the passes have
  /// made of the second's.
  ///
  /// `apply-optimizer` writes the first, which has what all share, and the second on stand-ins for its value and gradient
  /// (`update_input`). A copy has of its own what hangs on these or reads the model's memory; the rest it reads where the
  /// model does. So a hundred thousand variables cost the passes what two cost, and what comes out is what would have
  /// come out of them, to the bit. Where the updates of `a` and `b` are alike, and that of `a` is the model:
  ///
  ///     variable a : f32[] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     variable b : f32[] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %a = read() {variable = "a", dtype = f32, shape = []} : f32[]
  ///     %b = read() {variable = "b", dtype = f32, shape = []} : f32[]
  ///     %loss = mul(%a, %b) : f32[]
  ///     %update/rate = constant() {value = f32[](0.5)} : f32[] @update
  ///     %update/a/value = update_input() {update = 0, dtype = f32, shape = []} : f32[] @update
  ///     %update/a/gradient = update_input(%b) {update = 0, dtype = f32, shape = []} : f32[] @update
  ///     %update/a/mul = mul(%update/rate, %update/a/gradient) : f32[] @update
  ///     %update/a/sub = sub(%update/a/value, %update/a/mul) : f32[] @update
  ///     %update/a/assign = assign(%update/a/sub) {variable = "a"} : f32[] @update
  ///     return %loss, %a, %b, %b, %a
  ///
  /// becomes
  ///
  ///     variable a : f32[] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     variable b : f32[] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %a = read() {variable = "a", dtype = f32, shape = []} : f32[]
  ///     %b = read() {variable = "b", dtype = f32, shape = []} : f32[]
  ///     %loss = mul(%a, %b) : f32[]
  ///     %update/rate = constant() {value = f32[](0.5)} : f32[] @update
  ///     %update/a/mul = mul(%update/rate, %b) : f32[] @update
  ///     %update/a/sub = sub(%a, %update/a/mul) : f32[] @update
  ///     %update/a/assign = assign(%update/a/sub) {variable = "a"} : f32[] @update
  ///     %update/b/mul = mul(%update/rate, %a) : f32[] @update
  ///     %update/b/sub = sub(%b, %update/b/mul) : f32[] @update
  ///     %update/b/assign = assign(%update/b/sub) {variable = "b"} : f32[] @update
  ///     return %loss
  ///
  /// Value and gradient of each are outputs up to here, so that passes move them along.
  package static let copyUpdates = Pass("copy-updates") { graph, context throws(FirnError) in
    if context.copies.members.isEmpty { return graph }
    let copies = context.copies
    context.copies = UpdateCopies()
    return graph.copyingUpdates(copies, behind: context.outputs.count)
  }
}

extension GraphDef {
  /// The graph with all updates that are copies.
  ///
  /// - Parameters:
  ///   - count: how many outputs there are before those that say what members are made of.
  ///   - wanted: whether updates of a kind are copied now; all by default. Members of others stay among the outputs.
  /// - Complexity: linear in the nodes there are and those that are made.
  func copyingUpdates(
    _ copies: UpdateCopies, behind count: Int, where wanted: (Int) -> Bool = { _ in true }
  ) -> GraphDef {
    var left = Array(outputs[..<count])
    var pending: [String: [UpdateCopy]] = [:]
    var models: [Int: UpdateCopy] = [:]
    for (number, member) in copies.members.enumerated() {
      let (value, gradient) = (outputs[count + 2 * number], outputs[count + 2 * number + 1])
      guard wanted(member.kind) else {
        left += [value, gradient]
        continue
      }
      let copy = UpdateCopy(member, value: value, gradient: gradient)
      if let place = member.place {
        pending[place, default: []].append(copy)
      } else {
        models[member.kind] = copy
      }
    }
    let owners = owners(copies) { models[$0] != nil }
    var templates = copies.kinds.indices.map { kind in
      models[kind].map { UpdateTemplate(copies.kinds[kind], $0) }
    }
    for position in nodes.indices where owners[position] >= 0 {
      templates[Int(owners[position])]?.add(position, of: self)
    }
    var rewriter = GraphRewriter(self)
    for position in nodes.indices {
      if owners[position] >= 0, let template = templates[Int(owners[position])] {
        template.settle(position, in: &rewriter)
      } else {
        rewriter.keep(position)
      }
      guard nodes[position].traits.contains(.writes), let copies = pending[nodes[position].name] else {
        continue
      }
      for copy in copies { templates[copy.kind]?.append(copy, to: &rewriter) }
    }
    return rewriter.finish(outputs: left.map { rewriter($0) })
  }

  /// By node, the kind of the model's update that it is part of; -1 for others.
  ///
  /// What each copy has of its own hangs on a stand-in, or on the model's memory.
  ///
  /// - Parameter isCopied: whether updates of a kind are looked for.
  func owners(_ copies: UpdateCopies, where isCopied: (Int) -> Bool) -> [Int32] {
    var slots: [String: Int32] = [:]
    for (kind, copied) in copies.kinds.enumerated() where isCopied(kind) {
      for memory in copied.memory {
        let scope = Path.joined(copied.model, memory.owner)
        for slot in memory.slots { slots[Path.joined(scope, slot.name)] = Int32(kind) }
      }
    }
    var owners = [Int32](repeating: -1, count: nodes.count)
    for position in nodes.indices where nodes[position].phase == .update {
      let node = nodes[position]
      if let input = node.updateInput {
        owners[position] = isCopied(input.update) ? Int32(input.update) : -1
      } else if node.traits.contains(.reads) {
        if !slots.isEmpty, case .reads(let name) = node.op.effect { owners[position] = slots[name] ?? -1 }
      } else {
        for input in node.inputs where owners[input.node] >= 0 { owners[position] = owners[input.node] }
      }
    }
    return owners
  }
}

/// An update that is to be there: the model's, or a copy.
private struct UpdateCopy {
  let variable: String
  let kind: Int
  let value: Value
  let gradient: Value
  /// What value and gradient are called where a program reads them.
  let valueName: String
  let gradientName: String

  init(_ member: UpdateCopies.Member, value: Value, gradient: Value) {
    (variable, kind) = (member.variable, member.kind)
    (self.value, self.gradient) = (value, gradient)
    (valueName, gradientName) = (member.valueName, member.gradientName)
  }
}

/// The update that copies are made of.
private struct UpdateTemplate {
  private enum Source {
    /// A value of the graph that all copies read.
    case shared(Value)
    /// A result of an entry.
    case own(Int, Int)
    case value
    case gradient
  }

  private enum Work {
    case same
    /// The variable's name goes on like this behind the model's.
    case read(ReadVariable, name: String)
    case assign(name: String)
    case program(ProgramTemplate)
  }

  private struct Entry {
    var node: Node
    /// Its name behind that of the update; nil where it stands elsewhere.
    var name: String?
    var inputs: [Source]
    var work: Work
  }

  private let kind: UpdateCopies.Kind
  private let model: UpdateCopy
  private var entries: [Entry] = []
  /// By node of the model's update, what a copy has in its place.
  private var places: [Int: Source] = [:]

  init(_ kind: UpdateCopies.Kind, _ model: UpdateCopy) { (self.kind, self.model) = (kind, model) }

  /// Takes up the next node of the model's update.
  mutating func add(_ position: Int, of graph: GraphDef) {
    let node = graph.nodes[position]
    if node.updateInput != nil {
      places[position] = node.inputs.isEmpty ? .value : .gradient
      return
    }
    let sources = node.inputs.map { source(of: $0) }
    let isInScope = node.name != kind.scope && Path.isWithin(node.name, kind.scope)
    places[position] = .own(entries.count, 0)
    entries.append(
      Entry(
        node: node, name: isInScope ? String(node.name.dropFirst(kind.scope.count)) : nil, inputs: sources,
        work: work(of: node, sources)))
  }

  private func source(of value: Value) -> Source {
    switch places[value.node] {
    case .own(let entry, _)?: .own(entry, value.result)
    case let other?: other
    case nil: .shared(value)
    }
  }

  private func work(of node: Node, _ sources: [Source]) -> Work {
    func name(_ variable: String) -> String {
      guard Path.isWithin(variable, model.variable) else {
        firnBug("copy-updates", "`\(node.name)` is of `\(variable)`, which is not `\(model.variable)`'s")
      }
      return String(variable.dropFirst(model.variable.count))
    }
    if let read = node.variableRead { return .read(read, name: name(read.variable)) }
    if case .writes(let variable) = node.op.effect { return .assign(name: name(variable)) }
    guard let fused = node.fused else { return .same }
    let inputs = zip(fused.inputs, sources).map { input, source -> ProgramTemplate.Input in
      let name = fused.pattern.nodes[input].name
      return switch source {
      case .shared: .shared(name)
      case .own: .own(name)
      case .value: .value
      case .gradient: .gradient
      }
    }
    return .program(ProgramTemplate(fused, below: kind.scope, inputs: inputs))
  }

  /// Puts what stands for it in the place of a stand-in, and keeps other nodes of the model.
  func settle(_ position: Int, in rewriter: inout GraphRewriter) {
    switch places[position] {
    case .value?: rewriter.replace(Value(position), with: rewriter(model.value))
    case .gradient?: rewriter.replace(Value(position), with: rewriter(model.gradient))
    case .own(let entry, _)?:
      if case .program(let program) = entries[entry].work {
        let names = (value: model.valueName, gradient: model.gradientName)
        rewriter.keep(
          position, as: program.copy(below: kind.scope, value: names.value, gradient: names.gradient))
      } else {
        rewriter.keep(position)
      }
    case .shared?, nil: rewriter.keep(position)
    }
  }

  /// Adds a copy to the graph that is made.
  func append(_ copy: UpdateCopy, to rewriter: inout GraphRewriter) {
    let graph = rewriter.graph
    let scope = Path.joined("update", copy.variable)
    let (value, gradient) = (rewriter(copy.value), rewriter(copy.gradient))
    var made: [Int] = []
    made.reserveCapacity(entries.count)
    for entry in entries {
      let inputs = entry.inputs.map { source in
        switch source {
        case .shared(let shared): rewriter(shared)
        case .own(let entry, let result): Value(made[entry], result)
        case .value: value
        case .gradient: gradient
        }
      }
      let op: any Op =
        switch entry.work {
        case .same: entry.node.op
        case .read(let read, let name): read.of(copy.variable + name)
        case .assign(let name): AssignVariable(copy.variable + name)
        case .program(let program):
          program.copy(below: scope, value: copy.valueName, gradient: copy.gradientName)
        }
      let name = entry.name.map { scope + $0 } ?? Path.joined(scope, Path.last(of: entry.node.name))
      made.append(graph.adopt(Node(copying: entry.node, op: op, inputs: inputs, name: name)))
    }
  }
}
