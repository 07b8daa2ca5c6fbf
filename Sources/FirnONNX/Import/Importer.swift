import FirnFiles
import FirnFormats
import FirnGraph
import FirnOps

/// Walks over a model's nodes and builds a graph of them.
///
/// It adds nodes by the same functions as a user of Firn. What fails is put on the graph's record and yields poison, as
/// in any expression, so that one reading lists all that a model asks for and Firn has not.
final class Importer {
  let model: ModelMessage
  let graph = Graph()
  let files: ExternalFiles
  let fault: FileFault
  /// Values given for inputs, by name.
  let binding: [String: NDArray]
  /// What was changed on the way, in words, each once.
  private(set) var notes: [String] = []
  private(set) var inputs: [(name: String, tensor: Tensor)] = []
  private(set) var outputs: [(name: String, tensor: Tensor)] = []

  private let functions: [String: FunctionMessage]
  private var variableNames: Set<String> = []
  private var inputNames: [Tensor: String] = [:]
  private var nodeCount = 0
  /// What is worked out while the model is read, and not read from it, may still take this many bytes.
  private var rest: Int
  /// Nothing more is built; the fault that says why is on record.
  private var isStopped = false
  /// By scope: how many recurrent nodes there are, and how many are built.
  private var recurrentCounts: [String: Int] = [:]
  private var recurrentNodes: [String: Int] = [:]

  /// Nodes in all, functions and loops' bodies expanded: a few bytes can describe very many.
  private let largestCount: Int

  /// - Parameter byteCount: what may be kept of numbers that few bytes describe, such as folded ranges and places of
  ///   padding; shapes of the largest models take a hundredth of it.
  init(
    _ model: ModelMessage, files: ExternalFiles, binding: [String: NDArray], fault: FileFault,
    nodeCount: Int = 1 << 20, byteCount: Int = 256 << 20
  ) throws(FirnError) {
    largestCount = nodeCount
    rest = byteCount
    self.model = model
    self.files = files
    self.binding = binding
    self.fault = fault
    var functions: [String: FunctionMessage] = [:]
    for function in model.functions {
      let key = Self.key(function.domain, function.name, function.overload)
      guard functions.updateValue(function, forKey: key) == nil else {
        throw fault("defines the function `\(function.name)` twice", place: function.name)
      }
    }
    self.functions = functions
  }

  private static func key(_ domain: String, _ name: String, _ overload: String) -> String {
    "\(domain)::\(name)::\(overload)"
  }

  /// Says once what was changed.
  func note(_ text: String) {
    if !notes.contains(text) { notes.append(text) }
  }

  // MARK: The model

  func run() throws(FirnError) {
    guard let message = model.graph else { return }
    if let version = model.irVersion, version < 3 {
      throw fault(
        "is an ONNX model of IR version \(version), from before 2018",
        remedy: "export it anew, or convert it with onnx.version_converter")
    }
    if message.sparseInitializerCount > 0 {
      throw fault("has sparse initialisers, which Firn has not", remedy: "export them dense")
    }
    let environment = Environment(versions: try versions(model.operatorSets))
    try declare(message.initializers, in: environment, isOutermost: true)
    // Before IR version 4 initialisers are among the inputs.
    let initializers = Set(message.initializers.map(\.name))
    for input in message.inputs where !initializers.contains(input.name) {
      try declare(input, in: environment)
    }
    if let other = binding.keys.sorted().first(where: { name in !message.inputs.contains { $0.name == name } }
    ) {
      throw FirnError(
        .unknownName, "`\(other)` is bound and no input of '\(fault.source)'",
        remedy: NearestNames(to: other, among: message.inputs.map(\.name)).question
          ?? "its inputs are " + message.inputs.map(\.name).joined(separator: ", "))
    }
    for node in message.nodes where ["LSTM", "GRU", "RNN"].contains(node.op) {
      recurrentCounts[scope(of: node, environment), default: 0] += 1
    }
    build(message.nodes, in: environment)
    for output in message.outputs {
      guard let value = environment[output.name] else {
        throw fault("has an output `\(output.name)` that nothing makes", place: output.name)
      }
      let tensor = try self.tensor(value).plain
      let name = PathText.path(output.name, separators: ["/"])
      let named = tensor.isPoisoned || tensor.name == name ? tensor : identity(tensor, name: name)
      outputs.append((output.name, named))
    }
    try graph.validate()
  }

  private func versions(_ sets: [OperatorSetMessage]) throws(FirnError) -> [String: Int] {
    var result: [String: Int] = [:]
    for set in sets {
      let domain = Self.domain(set.domain)
      guard result.updateValue(set.version, forKey: domain) == nil else {
        throw fault(
          "imports two versions of the operators of `\(set.domain.isEmpty ? "ai.onnx" : set.domain)`")
      }
    }
    return result
  }

  static func domain(_ name: String) -> String { name == "ai.onnx" ? "" : name }

  // MARK: Values

  /// Declares what a graph holds.
  func declare(
    _ initializers: [TensorMessage], in environment: Environment, isOutermost: Bool
  ) throws(FirnError) {
    for message in initializers {
      guard !environment.isOwn(message.name) else {
        throw fault("holds the initialiser `\(message.name)` twice", place: message.name)
      }
      environment[message.name] = try stored(message, name: message.name, isParameter: isOutermost)
    }
  }

  /// What elements of the file stand for: numbers where they are few integers.
  func stored(
    _ message: TensorMessage, name: String, isParameter: Bool
  ) throws(FirnError) -> ImportedValue {
    let count = try message.elementCount(fault)
    if let type = message.elementType.stored, type.dtype == .i32 || type == .bool,
      count <= KnownIntegers.limit
    {
      let integers = try message.integers(from: files, fault: fault)
      return .known(
        KnownIntegers(
          shape: message.dimensions, values: integers.map { Dim($0) }, isBool: type == .bool))
    }
    let (files, fault) = (files, fault)
    // A number without a name of its own is a constant that the exporter put beside the weights.
    let isWeight =
      isParameter && (count > 1 || PathText.isDotted(name) || message.metadata["firn.trainable"] != nil)
    return .stored(
      StoredValue(message, name: name, isParameter: isWeight) { () throws(FirnError) in
        try message.array(from: files, fault: fault)
      })
  }

  private func declare(_ input: ValueMessage, in environment: Environment) throws(FirnError) {
    guard !environment.isOwn(input.name) else {
      throw fault("has two inputs `\(input.name)`", place: input.name)
    }
    guard let type = input.type?.tensor else {
      throw fault(
        "has the input `\(input.name)`, \(input.type?.other ?? "of no type"), where Firn has only tensors",
        remedy: "export a model of tensors", place: input.name)
    }
    guard let dtype = ElementType(type.elementType).dtype else {
      throw fault(
        "has the input `\(input.name)` of \(ElementType(type.elementType).name), which Firn has not",
        remedy: "export it with float32 inputs", place: input.name)
    }
    if let array = binding[input.name] {
      environment[input.name] = try bound(array.converted(to: dtype), to: input.name)
      return
    }
    guard let shape = type.shape else {
      throw fault(
        "does not say how many axes the input `\(input.name)` has",
        remedy: "bind it to a value, or run onnx.shape_inference and export again", place: input.name)
    }
    let dims = shape.dimensions.enumerated().map { axis, dimension in
      if let value = dimension.value { return Dim(value) }
      if !dimension.parameter.isEmpty { return PathText.dimension(dimension.parameter) }
      return PathText.dimension("\(input.name)_\(axis)")
    }
    let name = PathText.path(input.name, separators: ["/"])
    let tensor = graph.placeholder(name.isEmpty ? "input" : name, shape: Shape(dims), dtype: dtype)
    inputs.append((input.name, tensor))
    inputNames[tensor] = input.name
    environment[input.name] = .of(tensor)
  }

  private func bound(_ array: NDArray, to name: String) throws(FirnError) -> ImportedValue {
    try stored(TensorMessage(name, array), name: name, isParameter: false)
  }

  /// The value as a tensor of the graph, made now where nothing was.
  func tensor(_ value: ImportedValue) throws(FirnError) -> LaidTensor {
    switch value {
    case .tensor(let tensor): return tensor
    case .known(let integers): return LaidTensor(try tensor(integers))
    case .stored(let stored): return LaidTensor(try tensor(stored, order: nil, role: nil))
    case .turned(let stored, let order): return LaidTensor(try tensor(stored, order: order, role: nil))
    }
  }

  private func tensor(_ integers: KnownIntegers) throws(FirnError) -> Tensor {
    if let numbers = integers.numbers {
      if integers.isBool {
        return graph.constant(try NDArray(numbers.map { $0 != 0 }, shape: integers.shape))
      }
      return graph.constant(try NDArray(narrowed(numbers), shape: integers.shape))
    }
    let scalars = integers.values.map { graph.extent($0, dtype: .i32) }
    return stack(scalars).reshaped(to: Shape(integers.shape))
  }

  /// A variable or constant of the file's elements, its axes in `order`; made by the first who asks, in that order.
  func tensor(_ stored: StoredValue, order: [Int]?, role: String?) throws(FirnError) -> Tensor {
    let plain = Array(stored.message.dimensions.indices)
    // A weight that the exporter named by a number belongs to the module that uses it: two that use it had equal ones.
    if role != nil, stored.isParameter, stored.made != nil, stored.path == nil,
      !PathText.isDotted(stored.name), !nodeScope.isEmpty, stored.scope != nodeScope
    {
      let copy = stored.copies[nodeScope] ?? stored.copy()
      if stored.copies.updateValue(copy, forKey: nodeScope) == nil {
        note(
          "weights of `\(nodeScope)` and `\(stored.scope)` were exported as one, as their values are equal; they are two variables here"
        )
      }
      copy.scope = nodeScope
      return try tensor(copy, order: order, role: role)
    }
    if let known = stored.arranged(order ?? plain) { return known }
    let own = order ?? plain
    let array = try stored.array()
    let laid = own == plain ? array : try array.transposed(own)
    let tensor: Tensor
    if stored.isParameter, array.dtype.isFloatingPoint {
      tensor = variable(stored, laid, isRearranged: own != plain, role: stored.role ?? role)
    } else {
      tensor = graph.constant(laid)
    }
    stored.made = (tensor, own)
    stored.scope = nodeScope
    return stored.arranged(own) ?? tensor
  }

  // MARK: Variables

  /// The scope of the node being built, where the model tells it.
  private(set) var nodeScope = ""

  private func variable(
    _ stored: StoredValue, _ array: NDArray, isRearranged: Bool, role: String?
  ) -> Tensor {
    let path = unique(stored.path ?? path(of: stored.name, role: role, isRearranged: isRearranged))
    let leaf = Path.last(of: path)
    let role = role.map { Self.roles[$0] ?? $0 } ?? (leaf == "bias" ? leaf : nil)
    let isState = role == "moving_mean" || role == "moving_variance"
    return atTop(graph.current) {
      graph.variable(
        path, shape: Shape(array.shape), dtype: array.dtype, role: role ?? "", initializer: .array(array),
        trainable: isState ? nil : stored.trainable, kind: isState ? .state : .parameter)
    }
  }

  /// Where the model names modules, theirs, with Firn's word for the weight where the role is known; where an exporter
  /// has counted it up, the node's that uses it.
  private func path(of name: String, role: String?, isRearranged: Bool) -> String {
    let word = role.map { Self.words[$0] ?? $0 }
    guard PathText.isDotted(name) else {
      if !nodeScope.isEmpty, let word, name.contains("::") || !name.contains("/") {
        return Path.joined(nodeScope, word)
      }
      return PathText.path(name, separators: ["/"])
    }
    let path = PathText.path(name, separators: ["."])
    guard let word else { return path }
    let leaf = Path.last(of: path)
    if leaf == "weight_bias" {
      note(
        "`\(Path.parent(of: path))`: its batch norm is folded into its kernel and bias by the exporter, so that it trains as a "
          + "convolution alone; export with `training=torch.onnx.TrainingMode.PRESERVE` to keep it")
    }
    let isCommon = ["weight", "bias", "weight_bias", "running_mean", "running_var"].contains(leaf)
    return isCommon ? Path.joined(Path.parent(of: path), word) : path
  }

  /// What layers call a variable, by its role, where that differs.
  private static let words = ["gain": "gamma"]

  /// The role of what entries of the table tell apart only by its name.
  private static let roles = ["beta": "bias"]

  /// Variables are named from the top, also where a loop's body in some scope asks for them.
  private func atTop<Result>(_ graph: Graph, _ body: () -> Result) -> Result {
    func inside() -> Result { graph.section("", phase: .forward, body) }
    return graph.parent.map { atTop($0, inside) } ?? inside()
  }

  private func unique(_ path: String) -> String {
    var result = path
    var number = 0
    while !variableNames.insert(result).inserted {
      number += 1
      result = "\(path)_\(number)"
    }
    return result
  }

  /// A variable of a recurrent node: one direction's part of an initialiser, laid as Firn's layers have it.
  func recurrentVariable(
    _ path: String, _ array: NDArray, role: String, trainable: Bool?, blocks: BlockNames?
  ) -> Tensor {
    let path = unique(path)
    return atTop(graph.current) {
      graph.variable(
        path, shape: Shape(array.shape), dtype: array.dtype, role: role, initializer: .array(array),
        trainable: trainable, blocks: blocks)
    }
  }

  /// The scopes of a recurrent node's directions: as layers of Firn name them, a stack's by number.
  func recurrentScopes(directions: Int) -> [String] {
    let module = nodeScope.isEmpty ? "rnn" : nodeScope
    let number = recurrentNodes[module, default: 0]
    recurrentNodes[module] = number + 1
    let count = recurrentCounts[nodeScope, default: 1]
    let base = count > 1 ? Path.joined(module, "layer_\(number)") : module
    return directions == 1 ? [base] : [Path.joined(base, "forward"), Path.joined(base, "backward")]
  }

  // MARK: Graphs of nodes

  /// The outputs of a branch, built where it stands.
  func branch(_ message: GraphMessage, in outer: Environment) throws(FirnError) -> [ImportedValue] {
    let inner = try nested(message, in: outer)
    var results: [ImportedValue] = []
    for output in message.outputs {
      guard let value = inner[output.name] else {
        throw FirnError(
          .invalidGraph, "nothing makes its output `\(output.name)`",
          remedy: "check the file with onnx.checker")
      }
      results.append(value)
    }
    return results
  }

  /// The outputs of a loop's body, as tensors; called while the body is built.
  func body(_ message: GraphMessage, _ values: [Tensor], in outer: Environment) -> [Tensor] {
    do throws(FirnError) {
      let inner = try nested(message, values.map { .of($0) }, in: outer)
      var results: [Tensor] = []
      for output in message.outputs {
        guard let value = inner[output.name] else {
          throw FirnError(
            .invalidGraph, "nothing makes its output `\(output.name)`",
            remedy: "check the file with onnx.checker")
        }
        results.append(try tensor(value).plain)
      }
      return results
    } catch {
      return message.outputs.map { _ in graph.current.report(error) }
    }
  }

  private func nested(
    _ message: GraphMessage, _ values: [ImportedValue] = [], in outer: Environment
  ) throws(FirnError) -> Environment {
    guard outer.depth < Nesting.limit else {
      throw FirnError(.invalidGraph, "graphs lie in one another without end", remedy: "export the model anew")
    }
    let inner = Environment(versions: outer.versions, outer: outer, depth: outer.depth + 1)
    for (input, value) in zip(message.inputs, values) { inner[input.name] = value }
    try declare(message.initializers, in: inner, isOutermost: false)
    build(message.nodes, in: inner)
    return inner
  }

  // MARK: Nodes

  func build(_ nodes: [NodeMessage], in environment: Environment) {
    for node in nodes { build(node, in: environment) }
  }

  private func build(_ node: NodeMessage, in environment: Environment) {
    nodeCount += 1
    if nodeCount > largestCount, !isStopped {
      isStopped = true
      graph.current.report(
        FirnError(
          .invalidGraph, "it has more than \(largestCount) nodes, its functions and loops written out",
          remedy: "export the model in parts"))
    }
    if isStopped { return poison(node, environment) }
    let outer = nodeScope
    defer { nodeScope = outer }
    let scope = scope(of: node, environment)
    nodeScope = Path.joined(outer, scope)
    if scope.isEmpty { return buildInScope(node, in: environment) }
    graph.current.scope(scope) { buildInScope(node, in: environment) }
  }

  private func buildInScope(_ node: NodeMessage, in environment: Environment) {
    do throws(FirnError) {
      var inputs: [ImportedValue?] = []
      for name in node.inputs {
        if name.isEmpty {
          inputs.append(nil)
        } else if let value = environment[name] {
          inputs.append(value)
        } else {
          throw FirnError(
            .invalidGraph, "`\(name)` is read before it is made, or made by nothing",
            remedy: "the file is damaged: check it with onnx.checker")
        }
      }
      let results = try results(of: node, inputs, in: environment)
      for (name, result) in zip(node.outputs, results) where !name.isEmpty {
        guard !environment.isOwn(name) else {
          throw FirnError(
            .duplicateName, "`\(name)` is made twice", remedy: "check the file with onnx.checker")
        }
        environment[name] = result
      }
      if let missing = node.outputs.dropFirst(results.count).first(where: { !$0.isEmpty }) {
        throw FirnError(.invalidGraph, "its output `\(missing)` is not supported", remedy: "do not use it")
      }
    } catch {
      var error = error
      error.message = "\(node.op)\(node.name.isEmpty ? "" : " `\(node.name)`"): \(error.message)"
      graph.current.report(error, name: nil)
      poison(node, environment)
    }
  }

  private func poison(_ node: NodeMessage, _ environment: Environment) {
    for name in node.outputs where !name.isEmpty && !environment.isOwn(name) {
      environment[name] = .of(.poisoned(in: graph.current))
    }
  }

  private func results(
    of node: NodeMessage, _ inputs: [ImportedValue?], in environment: Environment
  ) throws(FirnError) -> [ImportedValue] {
    let domain = Self.domain(node.domain)
    if let function = functions[Self.key(node.domain, node.op, node.overload)] {
      return try expanded(function, node, inputs, in: environment)
    }
    guard let version = environment.versions[domain] else {
      throw FirnError(
        .invalidGraph,
        "the model does not say which operators of `\(domain.isEmpty ? "ai.onnx" : domain)` it uses",
        remedy: "export it anew")
    }
    guard let row = OperatorTable[domain, node.op] else {
      throw FirnError(
        .invalidGraph,
        "\(domain.isEmpty ? "" : domain + ".")\(node.op) of opset \(version) has no counterpart in Firn",
        remedy: OperatorTable.remedy(domain, node.op))
    }
    let call = OperatorCall(
      importer: self, node: node, version: version, inputs: inputs, environment: environment)
    // A damaged node may have fewer inputs than its operator; those are as if left out.
    if let fold = row.fold, let known = call.knownInputs,
      let result = try fold(call, known + [KnownIntegers?](repeating: nil, count: 3))
    {
      try keep(result.values.count * MemoryLayout<Dim>.stride)
      return [.known(result)]
    }
    let isPoisoned = inputs.contains { value in
      if case .tensor(let tensor)? = value { return tensor.tensor.isPoisoned }
      return false
    }
    if isPoisoned { return node.outputs.map { _ in .of(.poisoned(in: graph.current)) } }
    return try row.build(call)
  }

  /// A model's own operator, made of its nodes.
  private func expanded(
    _ function: FunctionMessage, _ node: NodeMessage, _ inputs: [ImportedValue?], in environment: Environment
  ) throws(FirnError) -> [ImportedValue] {
    guard environment.depth < Nesting.limit else {
      throw FirnError(
        .invalidGraph, "functions call one another without end", remedy: "export the model anew")
    }
    var versions = environment.versions
    versions.merge(try self.versions(function.operatorSets)) { $1 }
    let inner = Environment(versions: versions, depth: environment.depth + 1)
    for (name, value) in zip(function.inputs, inputs) { inner[name] = value }
    let given = node.attributes
    for body in function.nodes {
      var body = body
      body.inputs = body.inputs.map { name in
        // An optional input that is not given is none for the nodes inside either.
        function.inputs.contains(name) && inner[name] == nil ? "" : name
      }
      body.attributes = body.attributes.compactMap { $0.resolved(by: given, defaults: function.defaults) }
      build(body, in: inner)
    }
    var results: [ImportedValue] = []
    for (index, name) in function.outputs.enumerated() {
      let isWanted = node.outputs.indices.contains(index) && !node.outputs[index].isEmpty
      guard inner[name] != nil || !isWanted || isStopped else {
        throw FirnError(
          .invalidGraph, "nothing makes the function's output `\(name)`",
          remedy: "check the file with onnx.checker")
      }
      results.append(inner[name] ?? .of(.poisoned(in: graph.current)))
    }
    return results
  }

  /// The scope a node stands in, relative to where it is built.
  private func scope(of node: NodeMessage, _ environment: Environment) -> String {
    if let scope = node.metadata["firn.scope"] { return PathText.path(scope, separators: ["/"]) }
    if let list = node.metadata["pkg.torch.onnx.name_scopes"], let scope = PathText.scope(ofList: list) {
      return scope
    }
    if let scope = PathText.scope(ofNode: node.name) { return scope }
    for name in node.inputs where PathText.isDotted(name) {
      if case .stored? = environment[name] {
        return Path.parent(of: PathText.path(name, separators: ["."]))
      }
    }
    return ""
  }

  // MARK: Numbers

  /// Takes the cost of what is kept and not read from the file; few bytes can ask for very much of it.
  func keep(_ byteCount: Int) throws(FirnError) {
    rest -= byteCount
    guard rest < 0 else { return }
    isStopped = true
    throw FirnError(
      .invalidGraph, "the model's constants, worked out, take more memory than any model needs",
      remedy: "export large tables as initialisers")
  }

  private func narrowed(_ numbers: [Int]) throws(FirnError) -> [Int32] {
    guard let wide = numbers.first(where: { Int32(exactly: $0) == nil }) else {
      return numbers.map { Int32($0) }
    }
    throw FirnError(
      .indexOutOfRange, "\(wide) is no i32, in which Firn keeps 64-bit integers",
      remedy: "export with smaller numbers")
  }

  /// Numbers of a value that a node must know, such as axes or a shape.
  func array(_ value: ImportedValue, _ what: String) throws(FirnError) -> NDArray {
    switch value {
    case .stored(let stored): return try stored.array()
    case .turned(let stored, let order): return try stored.array().transposed(order)
    case .known(let integers):
      if integers.isBool, let numbers = integers.numbers {
        return try NDArray(numbers.map { $0 != 0 }, shape: integers.shape)
      }
      if let numbers = integers.numbers {
        return try NDArray(narrowed(numbers), shape: integers.shape)
      }
    case .tensor(let laid):
      let array = try ConstantEvaluation.value(of: laid.plain) { (cost) throws(FirnError) in try keep(cost) }
      if let array { return array }
    }
    throw unknown(value, what)
  }

  /// The error of a value that must be known and depends on what is fed.
  func unknown(_ value: ImportedValue, _ what: String) -> FirnError {
    if case .tensor(let laid) = value {
      if let name = sourceInput(of: laid.tensor) {
        return FirnError(
          .missingFeed, "its \(what) decides shapes and depends on the input `\(name)`",
          remedy: "give that input's value with `binding:`", place: name)
      }
    }
    return FirnError(
      .missingFeed, "its \(what) decides shapes and is not known before the model runs",
      remedy: "export the model with that as a constant")
  }

  /// An input that a tensor is made of, the first.
  private func sourceInput(of tensor: Tensor) -> String? {
    guard !tensor.isPoisoned else { return nil }
    var seen: Set<Int> = []
    var pending = [tensor.value.node]
    let nodes = tensor.graph.nodes
    var first: Int?
    while let next = pending.popLast() {
      guard seen.insert(next).inserted else { continue }
      if inputNames[Tensor(tensor.graph, Value(next))] != nil { first = Swift.min(first ?? next, next) }
      pending += nodes[next].inputs.map(\.node)
    }
    return first.flatMap { inputNames[Tensor(tensor.graph, Value($0))] }
  }
}

extension AttributeMessage {
  /// The attribute with what it refers to put in; nil where neither the call nor the function gives that.
  fileprivate func resolved(by given: [AttributeMessage], defaults: [AttributeMessage]) -> AttributeMessage? {
    var result = self
    if !reference.isEmpty {
      guard
        let value = given.first(where: { $0.name == reference })
          ?? defaults.first(where: { $0.name == reference })
      else { return nil }
      result = value
      result.name = name
      return result
    }
    if var graph = result.graph {
      graph.nodes = graph.nodes.map { node in
        var node = node
        node.attributes = node.attributes.compactMap { $0.resolved(by: given, defaults: defaults) }
        return node
      }
      result.graph = graph
    }
    return result
  }
}
