/// A model being built: nodes are appended, never changed or removed.
///
/// Building never throws and never traps. A faulty expression is recorded with its place and yields a tensor that
/// silences follow-on faults; `validate()` and compiling throw all of them at once. A graph belongs to one task.
public final class Graph {
  package private(set) var nodes: [Node] = []
  /// What was declared so far, in creation order.
  public private(set) var variables: [Variable] = []
  package private(set) var diagnostics: [FirnError] = []

  /// The graph this is the loop body of.
  package let parent: Graph?
  /// Values of the enclosing graph this body uses, each with its parameter here.
  package private(set) var captures: [(outer: Tensor, inner: Value)] = []
  /// For a loop body: the position of the iteration.
  package var loopIndex: Value?

  /// Of the outermost graph: the bodies being built now, outermost first.
  private var openBodies: [Graph] = []

  /// What nodes appended now are for.
  package var phase: Node.Phase = .forward

  private var names = UniqueNames()
  /// Nodes whose names are to be kept free, looked at when the first new name is made: most rewrites make none.
  private var unreserved: [Node] = []
  private var scopes: [(path: String, defaults: ScopeDefaults)] = [("", ScopeDefaults())]
  /// Where the scopes entered now were entered: the place of nodes that know no better.
  private var scopeLocations: [CallSite] = []
  /// Where the layers entered now were made: the place of every node they add.
  private var layerLocations: [CallSite] = []
  private var randomStateNode: Value?
  private var drawNames = UniqueNames()

  /// An empty graph.
  public init() { parent = nil }

  /// The body of a loop in `parent`.
  package init(bodyIn parent: Graph) { self.parent = parent }

  /// A graph that continues `definition`; how passes add nodes with the same operators a user has.
  package init(resuming definition: GraphDef) {
    parent = nil
    nodes = definition.nodes
    variables = definition.variables
    unreserved = definition.nodes
    for (index, node) in nodes.enumerated() where node.op is RandomState {
      randomStateNode = Value(index)
    }
  }

  /// An empty graph that will hold what `definition` is rewritten to: its variables are there, and the names of its
  /// nodes are theirs.
  package init(rewriting definition: GraphDef) {
    parent = nil
    nodes.reserveCapacity(definition.nodes.count)
    variables = definition.variables
    unreserved = definition.nodes
  }

  /// The outermost graph.
  package var root: Graph { parent?.root ?? self }

  /// What has been built so far, as a value, without outputs.
  public var definition: GraphDef { GraphDef(nodes: nodes, variables: variables) }

  /// Throws what is wrong with what has been built so far; compiling does it too.
  ///
  /// - Throws: every fault recorded so far: the fault itself if it is one, `.invalidGraph` with a list of causes if
  ///   more.
  public func validate() throws(FirnError) {
    if diagnostics.count > 1 {
      throw FirnError(.invalidGraph, "the graph has \(diagnostics.count) faults", causes: diagnostics)
    }
    if let only = diagnostics.first { throw only }
  }

  /// Records a fault and returns the tensor that stands for what it broke.
  @discardableResult
  package func report(
    _ error: FirnError, operands: [Tensor] = [], name: String? = nil, location: CallSite? = nil
  ) -> Tensor {
    if operands.contains(where: \.isPoisoned) { return .poisoned(in: self) }
    var error = error
    if error.place == nil { error.place = Path.joined(scopePath, name ?? "") }
    if error.place?.isEmpty == true || error.place?.hasSuffix("/") == true {
      error.place = scopePath.isEmpty ? nil : scopePath
    }
    if error.location == nil { error.location = place(of: location) }
    if error.operands.isEmpty {
      let labels = operands.count == 2 ? ["left", "right"] : operands.indices.map { "operand \($0)" }
      error.operands = zip(labels, operands).map { $1.operand($0) }
    }
    root.diagnostics.append(error)
    return .poisoned(in: self)
  }

  // MARK: Appending

  /// Appends a node for `op` to the innermost graph its operands belong to.
  ///
  /// - Parameter results: how many tensors to give back where the expression is faulty.
  package static func apply(
    _ op: any Op, to operands: [Tensor], name: String? = nil, results: Int = 1,
    location: CallSite? = nil
  ) -> [Tensor] {
    guard let graph = innermost(operands) else { firnBug("graph", "an op without operands needs a graph") }
    return graph.append(op, operands, name: name, results: results, location: location)
  }

  /// The most deeply nested graph any of `tensors` belongs to.
  package static func innermost(_ tensors: [Tensor]) -> Graph? {
    guard var graph = tensors.first?.graph else { return nil }
    for tensor in tensors where tensor.graph.isInside(graph) { graph = tensor.graph }
    return graph
  }

  /// Appends a node for `op`, whose operands may belong to this graph or to those it is nested in.
  package func append(
    _ op: any Op, _ operands: [Tensor], name: String? = nil, results: Int = 1, location: CallSite? = nil
  ) -> [Tensor] {
    let poison = [Tensor](repeating: .poisoned(in: self), count: results)
    if operands.contains(where: \.isPoisoned) { return poison }
    if let name, !Path.isValid(name) {
      report(
        FirnError(
          .invalidArgument,
          "\(op.mnemonic): name `\(name)` is not a path of letters, digits, `_`, `-` and `.`",
          remedy: "rename it"),
        location: location)
      return poison
    }
    var local: [Tensor] = []
    for operand in operands {
      guard let tensor = self.local(operand) else {
        report(
          FirnError(
            .invalidGraph, "\(op.mnemonic): `\(operand.name)` belongs to another graph",
            remedy: "build all operands in one graph; a loop's own values stay inside its body"),
          name: name ?? op.mnemonic, location: location)
        return poison
      }
      local.append(tensor)
    }
    do {
      let types = try op.resultTypes(of: local.map(\.type))
      let name = uniqueName(Path.joined(namingPath, name ?? op.mnemonic))
      let node = Node(
        op: op, inputs: local.map(\.value), types: types, name: name, phase: phase,
        location: place(of: location))
      nodes.append(node)
      return types.indices.map { Tensor(self, Value(nodes.count - 1, $0)) }
    } catch {
      var error = error
      if !error.message.hasPrefix(op.mnemonic) { error.message = "\(op.mnemonic): \(error.message)" }
      report(error, operands: operands, name: name ?? op.mnemonic, location: location)
      return poison
    }
  }

  /// `tensor` as a value of this graph: itself, or a capture where it belongs to an enclosing graph.
  package func local(_ tensor: Tensor) -> Tensor? {
    if tensor.graph === self { return tensor }
    guard let parent, let outer = parent.local(tensor) else { return nil }
    if let known = captures.first(where: { $0.outer == outer }) { return Tensor(self, known.inner) }
    let inner = loopInput(
      .capture, captures.count, type: outer.type, name: Path.last(of: outer.name).replacing(":", with: "_"))
    captures.append((outer, inner.value))
    return inner
  }

  /// Adds a parameter to a loop body.
  package func loopInput(_ kind: LoopInput.Kind, _ position: Int, type: TensorType, name: String) -> Tensor {
    nodes.append(
      Node(op: LoopInput(kind, position, type: type), inputs: [], types: [type], name: uniqueName(name)))
    return Tensor(self, Value(nodes.count - 1))
  }

  /// Appends a node as it stands, its inputs being values of this graph, under its own name or one made unique.
  ///
  /// - Parameter isOwner: whether the name is the node's own, kept free for it.
  @discardableResult
  package func adopt(_ node: Node, isOwner: Bool = false) -> Int {
    var node = node
    if !isOwner { node.name = uniqueName(node.name) }
    nodes.append(node)
    if node.op is RandomState { randomStateNode = Value(nodes.count - 1) }
    return nodes.count - 1
  }

  /// Appends a node made by Firn itself, on values of this graph, in the phase and at the place of `model`.
  ///
  /// - Parameters:
  ///   - name: a path from the top, made unique.
  ///   - isOwner: whether the name is kept free for this node.
  package func emit(
    _ op: any Op, _ inputs: [Value], name: String, isOwner: Bool = false, like model: Node
  ) -> [Value] {
    let types: [TensorType]
    do {
      types = try op.resultTypes(of: inputs.map { nodes[$0.node].types[$0.result] })
    } catch {
      firnBug("rewriting", "`\(name)`: \(error)")
    }
    let node = Node(
      op: op, inputs: inputs, types: types, name: name, phase: model.phase, location: model.location)
    let position = adopt(node, isOwner: isOwner)
    return types.indices.map { Value(position, $0) }
  }

  /// Puts another node where one stands; results that are read keep their places and types.
  package func replace(at position: Int, with node: Node) {
    guard node.types.starts(with: nodes[position].types) else {
      firnBug("graph", "`\(node.name)` loses results that may be read")
    }
    nodes[position] = node
  }

  private func uniqueName(_ wanted: String) -> String {
    reserveNames()
    return names.unique(wanted)
  }

  private func reserveNames() {
    for node in unreserved {
      names.reserve(node.name)
      drawNames.reserve(node.name)
    }
    unreserved = []
  }

  /// Builds a loop's body: until it is done, scopes, variables and random draws asked of a graph around it are its own.
  ///
  /// - Parameter location: the place of nodes in it that know no better.
  package func building<Result>(
    _ body: Graph, at location: CallSite, _ build: () throws -> Result
  ) rethrows -> Result {
    root.openBodies.append(body)
    body.scopeLocations.append(location)
    defer {
      body.scopeLocations.removeLast()
      root.openBodies.removeLast()
    }
    return try build()
  }

  /// The body inside this graph that is being built, the innermost one; else the graph itself.
  package var current: Graph { root.openBodies.last { $0.isInside(self) } ?? self }

  private func isInside(_ other: Graph) -> Bool {
    guard let parent else { return false }
    return parent === other || parent.isInside(other)
  }

  // MARK: Scopes

  /// The path of the current scope; empty at the top.
  public var scopePath: String { scopes[scopes.count - 1].path }

  /// The path in the outermost graph, where variables made here go.
  package var fullScopePath: String { parent.map { Path.joined($0.fullScopePath, scopePath) } ?? scopePath }

  /// The scope of nodes appended now; while a body inside is built, its scopes are around them too.
  private var namingPath: String {
    root.openBodies.reduce(scopePath) { path, body in
      body.isInside(self) && !body.scopePath.isEmpty ? Path.joined(path, body.scopePath) : path
    }
  }

  package var defaults: ScopeDefaults { scopes[scopes.count - 1].defaults }

  /// Runs `body` inside the scope `name`, made unique (`encoder`, `encoder_1`) unless `reuse` re-enters it.
  ///
  /// - Parameters:
  ///   - trainable: false declares every variable inside frozen; a compilation can thaw by name.
  ///   - initializer: the default for variables inside.
  ///   - dtype: the default for variables inside.
  ///   - reuse: re-enter the scope of this very name and share the variables it has.
  public func scope<Result>(
    _ name: String, trainable: Bool? = nil, initializer: Initializer? = nil, dtype: DType? = nil,
    reuse: Bool? = nil,
    file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Result
  ) rethrows -> Result {
    let current = self.current
    if current !== self {
      return try current.scope(
        name, trainable: trainable, initializer: initializer, dtype: dtype, reuse: reuse, file: file,
        line: line,
        body)
    }
    let inner = ScopeDefaults(initializer: initializer, dtype: dtype, trainable: trainable, reuse: reuse)
    let location = CallSite(file, line)
    if !Path.isValid(name) {
      report(
        FirnError(
          .invalidArgument, "scope name `\(name)` is not a path of letters, digits, `_`, `-` and `.`",
          remedy: "rename the scope"), location: location)
    }
    let defaults = self.defaults.overridden(by: inner)
    let wanted = Path.joined(scopePath, name)
    let path = defaults.reuse == true ? wanted : uniqueScope(wanted)
    scopes.append((path, defaults))
    scopeLocations.append(location)
    defer {
      scopes.removeLast()
      scopeLocations.removeLast()
    }
    return try body()
  }

  /// A path no scope has yet: for a loop's body none of the graph around it either, since variables go there.
  private func uniqueScope(_ wanted: String) -> String {
    var path = uniqueName(wanted)
    while parent?.claims(path) == false { path = uniqueName(wanted) }
    return path
  }

  /// Reserves `path` below the current scope here and in the graphs around; false where it is taken.
  private func claims(_ path: String) -> Bool {
    reserveNames()
    let path = Path.joined(scopePath, path)
    return names.claim(path) && parent?.claims(path) != false
  }

  /// Runs `body` with `location` as the place of everything it adds, so that a layer's nodes point to its user's line.
  package func at<Result>(_ location: CallSite?, _ body: () throws -> Result) rethrows -> Result {
    guard let location else { return try body() }
    layerLocations.append(location)
    defer { layerLocations.removeLast() }
    return try body()
  }

  /// The outermost layer's place, else the call's own, else the innermost scope's.
  package func place(of call: CallSite?) -> CallSite? {
    outermostLayerLocation ?? call ?? innermostScopeLocation
  }

  private var outermostLayerLocation: CallSite? {
    parent?.outermostLayerLocation ?? layerLocations.first
  }

  private var innermostScopeLocation: CallSite? {
    scopeLocations.last ?? parent?.innermostScopeLocation
  }

  /// Runs `body` with names below `path` taken as it stands and nodes marked as `phase`.
  package func section<Result>(_ path: String, phase: Node.Phase, _ body: () throws -> Result) rethrows
    -> Result
  {
    let previous = self.phase
    self.phase = phase
    scopes.append((path, defaults))
    defer {
      scopes.removeLast()
      self.phase = previous
    }
    return try body()
  }

  // MARK: State

  /// Declares a variable; see `variable(_:shape:)` for the rules.
  package func declare(_ variable: Variable) { variables.append(variable) }

  /// Seed and run number, shared by all random ops.
  package var randomState: Tensor {
    if let parent { return local(parent.randomState) ?? .poisoned(in: self) }
    if let randomStateNode { return Tensor(self, randomStateNode) }
    let state = section("", phase: .forward) { append(RandomState(), [])[0] }
    randomStateNode = state.value
    return state
  }

  /// A key for a random op about to be appended as `name`: its path, loop bodies below the scope that holds the loop.
  ///
  /// Unique in the whole graph, so that no two ops draw the same numbers.
  package func drawKey(_ name: String) -> String {
    let path = Path.joined(scopePath, name)
    reserveNames()
    return parent?.drawKey(path) ?? drawNames.unique(path)
  }

  /// The positions of the enclosing loops' iterations, outermost first.
  package var loopIndices: [Tensor] {
    let outer = parent?.loopIndices.compactMap { local($0) } ?? []
    return outer + [loopIndex].compactMap { $0.map { Tensor(self, $0) } }
  }
}
