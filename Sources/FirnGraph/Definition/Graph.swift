/// A model being built: nodes are appended, never changed or removed.
///
/// Building never throws and never traps. A faulty expression is recorded with its place and yields a tensor that
/// silences follow-on faults; `validate()` and compiling throw all of them at once. A graph belongs to one task.
public final class Graph {
  // Read for every operand of every node; a graph is one task's, which never reads it while changing it.
  @exclusivity(unchecked) package private(set) var nodes: [Node] = []
  /// What was declared so far, in creation order.
  public private(set) var variables: [Variable] = []
  package private(set) var diagnostics: [FirnError] = []
  /// What is not wrong but hardly meant, in words with the place; a session says it where a program that trains is
  /// compiled.
  package private(set) var warnings: [String] = []

  package let identity = GraphIdentity()

  /// The graph this is the loop body of.
  package let parent: Graph?
  /// How many loops this is in.
  package private(set) var loopDepth = 0
  /// Values of the enclosing graph this body uses, each with its parameter here.
  package private(set) var captures: [(outer: Tensor, inner: Value)] = []
  private var captured: [Tensor: Value] = [:]
  /// For a loop body: the position of the iteration.
  package var loopIndex: Value?

  /// Of the outermost graph: the bodies being built now, outermost first.
  var openBodies: [Graph] = []

  /// What nodes appended now are for.
  package var phase: Node.Phase = .forward

  /// Where variables stand, of as many as have been asked about.
  private var variableIndex: [String: Int] = [:]
  private var indexedVariables = 0
  /// Where variables are read first, in as many nodes as have been asked about.
  private var readIndex: [String: Int] = [:]
  private var indexedReads = 0

  var names = UniqueNames()
  /// Nodes whose names are to be kept free, looked at when the first new name is made: most rewrites make none.
  private var unreserved: [Node] = []
  /// The same for the keys of random ops, which are fewer still.
  private var undrawn: [Node] = []
  var scopes = [OpenScope(path: "")]
  /// Of the outermost graph: the paths of all scopes there have been.
  var knownScopes: Set<String> = []
  /// Where the scopes entered now were entered: the place of nodes that know no better.
  var scopeLocations: [CallSite] = []
  /// Where the layers entered now were made: the place of every node they add.
  var layerLocations: [CallSite] = []
  /// Of the outermost graph: the part of a file that nodes are made of now, while one is read; their place before any
  /// line of a program.
  package var source: CallSite?
  private var lossName: String?
  private var randomStateNode: Value?
  /// Whether the nodes it began with have been looked through for one.
  private var isRandomStateKnown = true
  private var drawNames = UniqueNames()

  /// An empty graph.
  public init() { parent = nil }

  /// The body of a loop in `parent`.
  ///
  /// - Parameter levels: how many loops it is made: two where it recomputes.
  package init(bodyIn parent: Graph, levels: Int = 1) {
    self.parent = parent
    loopDepth = parent.loopDepth + levels
  }

  /// A graph that holds what `definition` does, such as one read from a file; more can be built on it.
  ///
  /// Tensors are found by name, ``tensor(named:)``, and the loss by ``loss`` where the file names it.
  public convenience init(_ definition: GraphDef) {
    self.init(resuming: definition)
    lossName = definition.lossName
    reserveNames()
    for name in definition.nodes.map(\.name) + definition.variables.map(\.name) {
      for path in Path.ancestors(of: name) where knownScopes.insert(path).inserted { _ = names.claim(path) }
    }
  }

  /// A graph that continues `definition`; how passes add nodes with the same operators a user has.
  package init(resuming definition: GraphDef) {
    parent = nil
    nodes = definition.nodes
    variables = definition.variables
    (unreserved, undrawn) = (definition.nodes, definition.nodes)
    isRandomStateKnown = false
  }

  /// An empty graph that will hold what `definition` is rewritten to: its variables are there, and the names of its
  /// nodes are theirs.
  package init(rewriting definition: GraphDef) {
    parent = nil
    variables = definition.variables
    (unreserved, undrawn) = (definition.nodes, definition.nodes)
  }

  /// The outermost graph.
  package var root: Graph { parent?.root ?? self }

  /// What has been built so far, as a value, without outputs.
  public var definition: GraphDef { GraphDef(nodes: nodes, variables: variables, lossName: lossName) }

  /// The scalar that training minimises, where the definition this graph was made from names it; else nil.
  public var loss: Tensor? { definition.loss.map { Tensor(self, $0) } }

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

  /// Records what is not wrong but hardly meant, with the scope it is in and the place in the user's program.
  package func warn(_ message: String) {
    let line = place(of: nil).map { " (\($0))" } ?? ""
    root.warnings.append((scopePath.isEmpty ? "" : "`\(scopePath)`: ") + message + line)
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
    var poison: [Tensor] { [Tensor](repeating: .poisoned(in: self), count: results) }
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
    if let name, phase == .forward,
      let fault = Self.depthFault(of: Path.joined(namingPath, name), op.mnemonic)
    {
      report(fault, location: location)
      return poison
    }
    var inputs: [Value] = []
    var inputTypes: [TensorType] = []
    inputs.reserveCapacity(operands.count)
    inputTypes.reserveCapacity(operands.count)
    for operand in operands {
      guard let tensor = self.local(operand) else {
        report(
          FirnError(
            .invalidGraph, "\(op.mnemonic): `\(operand.name)` belongs to another graph",
            remedy: "build all operands in one graph; a loop's own values stay inside its body"),
          name: name ?? op.mnemonic, location: location)
        return poison
      }
      inputs.append(tensor.value)
      inputTypes.append(nodes[tensor.value.node].types[tensor.value.result])
    }
    do throws(FirnError) {
      let types = try op.resultTypes(of: inputTypes)
      for type in types {
        guard let fault = type.fault else { continue }
        throw FirnError(.invalidArgument, "the result \(type) has \(fault)", remedy: "check the extents")
      }
      let path = Path.joined(namingPath, name ?? op.mnemonic)
      reserveNames()
      let node = Node(
        op: op, inputs: inputs, types: shared(types, among: inputs),
        name: names.unique(path, NameSet.hash(path)),
        phase: phase, location: place(of: location))
      nodes.append(node)
      return types.indices.map { Tensor(self, Value(nodes.count - 1, $0)) }
    } catch {
      var error = error
      if !error.message.hasPrefix(op.mnemonic) { error.message = "\(op.mnemonic): \(error.message)" }
      report(error, operands: operands, name: name ?? op.mnemonic, location: location)
      return poison
    }
  }

  /// Types of results, as one of the inputs has them where they are the same: most nodes can share them with one.
  private func shared(_ types: [TensorType], among inputs: [Value]) -> [TensorType] {
    for input in inputs where nodes[input.node].types == types { return nodes[input.node].types }
    return types
  }

  /// `tensor` as a value of this graph: itself, or a capture where it belongs to an enclosing graph.
  package func local(_ tensor: Tensor) -> Tensor? {
    if tensor.graph === self { return tensor }
    guard let parent, let outer = parent.local(tensor) else { return nil }
    if let known = captured[outer] { return Tensor(self, known) }
    let inner = loopInput(
      .capture, captures.count, type: outer.type, name: Path.last(of: outer.name).replacing(":", with: "_"))
    captures.append((outer, inner.value))
    captured[outer] = inner.value
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
    if !isOwner {
      reserveNames()
      let (name, hash) = names.unique(node.name, node.nameHash)
      if hash != node.nameHash || name != node.name { node = node.renamed((name, hash)) }
    }
    nodes.append(node)
    if node.isRandomState { randomStateNode = Value(nodes.count - 1) }
    return nodes.count - 1
  }

  /// Appends the first of `count` nodes of the definition this was made to rewrite, as they stand.
  func begin(with leading: ArraySlice<Node>, of count: Int) {
    nodes.reserveCapacity(count)
    nodes.append(contentsOf: leading)
    if !leading.isEmpty { isRandomStateKnown = false }
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
      op: op, inputs: inputs, types: shared(types, among: inputs), name: name, phase: model.phase,
      location: model.location)
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

  func uniqueName(_ wanted: String) -> String {
    reserveNames()
    return names.unique(wanted)
  }

  func reserveNames() {
    if unreserved.isEmpty { return }
    names.reserve(namesOf: unreserved)
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

  /// Whether nodes may still be added: a loop's body is done when its closure has returned.
  package var isBeingBuilt: Bool { parent == nil || root.openBodies.contains { $0 === self } }

  /// Whether this is the body of a loop in `other`, or of one in such a body.
  package func isInside(_ other: Graph) -> Bool {
    guard let parent else { return false }
    return parent === other || parent.isInside(other)
  }

  // MARK: State

  /// Declares a variable; see `variable(_:shape:)` for the rules.
  package func declare(_ variable: Variable) { variables.append(variable) }

  /// The variable of this path; nil where there is none.
  ///
  /// - Complexity: O(1), but for the first time after variables were declared.
  package func variable(named name: String) -> Variable? {
    while indexedVariables < variables.count {
      let name = variables[indexedVariables].name
      if variableIndex[name] == nil { variableIndex[name] = indexedVariables }
      indexedVariables += 1
    }
    return variableIndex[name].map { variables[$0] }
  }

  /// The first node that reads the variable of this path; nil where none does.
  ///
  /// - Complexity: O(1), but for the first time after nodes were added.
  package func firstRead(of name: String) -> Tensor? {
    while indexedReads < nodes.count {
      if nodes[indexedReads].traits.contains(.reads),
        case .reads(let name) = nodes[indexedReads].op.effect, readIndex[name] == nil
      {
        readIndex[name] = indexedReads
      }
      indexedReads += 1
    }
    return readIndex[name].map { Tensor(self, Value($0)) }
  }

  /// Seed and run number, shared by all random ops.
  package var randomState: Tensor {
    if let parent { return local(parent.randomState) ?? .poisoned(in: self) }
    if !isRandomStateKnown {
      isRandomStateKnown = true
      randomStateNode = nodes.lastIndex(where: \.isRandomState).map { Value($0) }
    }
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
    if !undrawn.isEmpty {
      drawNames.reserve(namesOf: undrawn)
      undrawn = []
    }
    return parent?.drawKey(path) ?? drawNames.unique(path)
  }

  /// The positions of the enclosing loops' iterations, outermost first.
  package var loopIndices: [Tensor] {
    let outer = parent?.loopIndices.compactMap { local($0) } ?? []
    return outer + [loopIndex].compactMap { $0.map { Tensor(self, $0) } }
  }
}

extension Node {
  fileprivate var isRandomState: Bool { traits.contains(.draws) }
}
