public import FirnGraph

/// A chain of elementwise work as one op: a program that goes through a shape a block of elements at a time, so that
/// what its instructions hand on stays in cache.
///
/// | operands | type | |
/// | --- | --- | --- |
/// | xs | as the inputs of `body` | whole, or shown through windows |
///
/// | results | type | |
/// | --- | --- | --- |
/// | ys | as the outputs of `body` | |
///
/// C1: there is one operand for each `fused_input` of the body, of its type. C2: inputs are numbered from 0, each once.
/// C3: every other node of the body is elementwise work that can be an instruction, or only shows elements (broadcasts,
/// slices, splits, concatenations). C4: an output has the shape `domain`, or is a whole number of such pieces, one after
/// the other along one axis. C5: a program has at most 8 axes, 1,024 nodes and 4,096 instructions. C6: one node may be
/// more than that, a convolution or a product by panels: it makes all elements of `domain`, of inputs alone; is read
/// whole; and a result of its type can be written over what it makes.
///
/// What begins with such a node goes on with its rows while these are in cache.
///
/// Each node is what its op does by itself, so that results have the bits of the nodes of `body` run one after the
/// other, in every element type and for any number of threads.
///
/// The compiler makes programs, from graphs that are differentiated already; they read back from text, and a gradient is
/// that of the nodes of the body.
///
/// - Complexity: the sum of the body's FLOPs; each operand is read once for each window onto it, each result written
///   once.
package struct Fused: KernelOp, BodyOp {
  /// Shared by copies: nodes are copied by the hundred thousand.
  private let content: Content
  private var made = FusedPrograms()
  /// What nodes are called, where that is not what they are called in the pattern.
  private var copy: ProgramCopy?

  private final class Content: Sendable {
    let body: GraphDef
    let domain: Shape
    let inputs: [Int]

    init(_ body: GraphDef, _ domain: Shape) {
      self.body = body
      self.domain = domain
      var inputs: [(operand: Int, node: Int)] = []
      for position in body.nodes.indices {
        if let input = body.nodes[position].fusedInput { inputs.append((input.position, position)) }
      }
      self.inputs = inputs.sorted { $0.operand < $1.operand }.map(\.node)
    }
  }

  package init(body: GraphDef, domain: Shape) { content = Content(body, domain) }

  /// The same work under other names.
  init(_ fused: Fused, named copy: ProgramCopy) {
    self = fused
    self.copy = copy
  }

  package var body: GraphDef { copy?.named(content.body) ?? content.body }
  package var pattern: GraphDef { content.body }
  package var sharedPattern: ObjectIdentifier? { copy.map { ObjectIdentifier($0.template) } }
  /// What instructions go through.
  package var domain: Shape { content.domain }
  /// The position in the body of each input, in the order of operands.
  package var inputs: [Int] { content.inputs }

  package static func == (a: Fused, b: Fused) -> Bool {
    a.content === b.content && a.copy === b.copy
      || a.domain == b.domain && a.pattern.nodes.count == b.pattern.nodes.count && a.body == b.body
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(domain)
    hasher.combine(workHash)
  }

  package func with(body: GraphDef) -> Fused { Fused(body: body, domain: domain) }

  package static let mnemonics = ["fused"]
  package var mnemonic: String { "fused" }
  package var attributes: Attributes { ["domain": .shape(domain), "body": .graph(body)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(body: try attributes.graph("body"), domain: try attributes.shape("domain"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(inputs.count)
    for (operand, input) in inputs.enumerated() {
      let node = pattern.nodes[input]
      try require(
        node.fusedInput?.position == operand, "C2", .invalidArgument,
        "`\(node.name)` is input \(node.fusedInput?.position ?? 0), where input \(operand) is missing",
        remedy: "number the inputs from 0, each once")
      try require(
        node.types == [operands[operand]], "C1", .shapeMismatch,
        "`\(node.name)` is \(node.types.map(\.description).joined(separator: ", ")) in the program but \(operands[operand]) outside"
      )
    }
    _ = try made.elements(of: self)
    return pattern.outputs.map { pattern.type(of: $0) }
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { made.flops(of: self) }

  package var canFail: Bool { pattern.nodes.contains { $0.op.canFail } }

  /// Infinities stay where they are.
  package var numerics: Numerics {
    Numerics(carriesInfinity: pattern.nodes.contains { $0.op.numerics.carriesInfinity })
  }

  package func dependence(of operands: [Dependence], results: Int) -> [Dependence] {
    let analysis = DependenceAnalysis(pattern) { node in
      guard let input = node.fusedInput, operands.indices.contains(input.position) else { return [] }
      return operands[input.position]
    }
    return pattern.outputs.map { analysis[$0] }
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    made.flow(of: self)[operand][result]
  }

  /// The body's nodes once more, differentiated as what they are.
  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let graph = context.graph
    // One operand may be made of another, or be the same tensor: each gets its own share.
    let operands = context.operands.map { $0.applying(PassThrough(.identity)).value }
    let values = graph.inlining(body, insteadOfInputs: operands, phase: graph.phase)
    let given = context.cotangents.indices.filter { context.cotangents[$0] != nil }
    let wanted = context.wants.indices.filter { context.wants[$0] }
    let adjoints = context.differentiator.adjoints(
      of: given.map { values[$0] }, seeds: given.compactMap { context.cotangents[$0] },
      withRespectTo: wanted.map { operands[$0] }, stopping: [], in: graph)
    var result = [Tensor?](repeating: nil, count: context.wants.count)
    for (operand, adjoint) in zip(wanted, adjoints) { result[operand] = adjoint }
    return result
  }

  // MARK: What passes ask

  /// Where nothing is shown through a window.
  package var isElementwise: Bool {
    pattern.nodes.allSatisfy { node in
      node.types.allSatisfy { $0.shape == domain } && (node.fusedInput != nil || node.op.isElementwise)
    }
  }

  package func narrowed(to block: Block, in node: NodeTypes) -> Narrowing {
    node.results.count == 1 ? .byRows : .notKnown
  }

  package func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  package func simplified(in node: NodeView) -> Expression<Value>? { nil }

  /// What each result may be written over: an operand of which nothing is read any more when it is written.
  package var aliasing: Aliasing {
    guard let program = try? made.blocks(of: self) else { return .none }
    return .eachInPlace(program.inPlace)
  }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    do {
      return try made.kernel(of: self)
    } catch {
      firnBug("fused", "\(error)")
    }
  }
}

extension Fused {
  /// Whether it can be run.
  var isSound: Bool { (try? made.elements(of: self)) != nil }

  /// The same with what is made of `other`, which does the same work.
  func sharing(_ other: Fused) -> Fused {
    var result = self
    result.made = other.made
    return result
  }

  /// What tells what is made of it, perhaps for others too, from what is made of other programs.
  var identity: ObjectIdentifier { ObjectIdentifier(made) }

  /// Whether both compute the same from the same operands, whatever their nodes are called.
  func doesSameWork(as other: Fused) -> Bool {
    let (body, others) = (content.body, other.content.body)
    return content === other.content
      || domain == other.domain && body.nodes.count == others.nodes.count && body.outputs == others.outputs
        && body.nodes.indices.allSatisfy { body.nodes[$0].doesSameWork(as: others.nodes[$0]) }
  }

  /// Equal where they do the same work.
  var workHash: Int {
    let body = content.body
    var hasher = Hasher()
    hasher.combine(body.nodes.count)
    for position in body.nodes.indices {
      for operand in body.nodes[position].inputs.indices {
        hasher.combine(body.nodes[position].inputs[operand].node)
      }
      body.nodes[position].op.hash(into: &hasher)
    }
    return hasher.finalize()
  }
}

extension GraphDef {
  /// The graph with elementwise nodes by themselves that the compiler made one op of, in loops too.
  ///
  /// What is computed is the same, to the bit, and every value is a node's result again: for looking nodes up by name.
  ///
  /// - Complexity: linear in nodes.
  public var unfused: GraphDef {
    guard nodes.contains(where: { $0.op.asBodyOp != nil }) else { return self }
    var result = rewritten { rewriter, position in
      let node = nodes[position]
      if let fused = node.op as? Fused {
        let values = rewriter.graph.inlining(
          fused.body, insteadOfInputs: node.inputs.map { rewriter($0) }, owner: node.name)
        for (result, value) in values.enumerated() {
          rewriter.replace(Value(position, result), with: value)
        }
      } else if let op = node.op(changingBody: \.unfused) {
        rewriter.keep(position, as: op)
      }
    }
    result.decided = decided
    return result
  }
}

extension Graph {
  /// Adds the nodes of a program's body, on values of this graph in the place of its inputs; what its outputs are here.
  ///
  /// - Parameters:
  ///   - owner: the name of the program, kept free for the node of its body that has it.
  ///   - phase: of the nodes added; what they have in the body if nil.
  fileprivate func inlining(
    _ body: GraphDef, insteadOfInputs inputs: [Value], owner: String? = nil, phase: Node.Phase? = nil
  ) -> [Value] {
    /// For each node of the body its first result here; results of one node lie side by side.
    var places: [Value] = []
    places.reserveCapacity(body.nodes.count)
    func place(_ value: Value) -> Value {
      Value(places[value.node].node, places[value.node].result + value.result)
    }
    for node in body.nodes {
      if let input = node.fusedInput {
        places.append(inputs[input.position])
        continue
      }
      var copy = node
      copy.inputs = node.inputs.map(place)
      if let phase { copy.phase = phase }
      places.append(Value(adopt(copy, isOwner: copy.name == owner)))
    }
    return body.outputs.map(place)
  }
}
