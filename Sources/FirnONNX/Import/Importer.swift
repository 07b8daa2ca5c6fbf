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
  private(set) var notes: [String]
  private(set) var inputs: [(name: String, tensor: Tensor)] = []
  private(set) var outputs: [(name: String, tensor: Tensor)] = []
  /// Inputs of whole numbers that the file has in another size than `i32`.
  private(set) var narrowedInputs: [String] = []

  let functions: [String: FunctionMessage]
  var variableNames: Set<String> = []
  /// Matrices that are looked up in, and that are multiplied with, as they were made.
  var tables: [(path: String, array: NDArray)] = []
  var kernels: [(path: String, array: NDArray)] = []
  /// Batch norms that the exporter has folded, where it says so, else modules into whose kernels it has.
  var foldedNorms: [String]
  let knowsFoldedNorms: Bool
  var inputNames: [Tensor: String] = [:]
  private var nodeCount = 0
  /// What is worked out while the model is read, and not read from it, may still take this many bytes.
  var rest: Int
  /// What is built now stands in a step of a loop that is written out, after its first: what it keeps of the file's
  /// elements is kept once more.
  var isRepeating = false
  /// Nothing more is built; the fault that says why is on record.
  var isStopped = false
  /// The first attribute of the node being built that holds something else than was asked of it.
  private var wrongAttribute: FirnError?
  /// What constants of functions stand for, by function and place in it: one that is called often makes them once.
  private var functionConstants: [String: ImportedValue] = [:]
  /// By scope: how many recurrent nodes there are, and how many are built.
  var recurrentCounts: [String: Int] = [:]
  var recurrentNodes: [String: Int] = [:]
  /// The scope of the node being built, where the model tells it.
  private(set) var nodeScope = ""
  /// The node of the model's own graph that is being built, as errors name it.
  var outermostName = ""
  /// The file's name without its folder.
  let fileName: String

  /// The names that dimensions of the model's inputs have by themselves.
  private let plainDimensions: Set<String>
  /// Initialisers called `weight` that are vectors.
  private(set) lazy var vectorWeights = Set(
    (model.graph?.initializers ?? []).lazy.filter { $0.dimensions.count == 1 && $0.name.hasSuffix("weight") }
      .map(\.name))
  /// The names that a node or the model's outputs read, in whatever graph they stand.
  let readNames: Set<String>

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
    var model = model
    let separation = WeightSeparation(model)
    if model.graph != nil { model.graph = separation.graph }
    (notes, foldedNorms) = (separation.notes, separation.foldedNorms)
    knowsFoldedNorms = !separation.foldedNorms.isEmpty
    self.model = model
    self.files = files
    self.binding = binding
    self.fault = fault
    fileName = PlainText.singleLine(fault.source.split(separator: "/").last.map(String.init) ?? fault.source)
    let dimensions = (model.graph?.inputs ?? []).flatMap { $0.type?.tensor?.shape?.dimensions ?? [] }
    plainDimensions = Set(
      dimensions.map(\.parameter).filter { name in Dim(parsing: name).map { $0.names == [name] } ?? false })
    var read = Set((model.graph?.outputs ?? []).map(\.name) + model.functions.flatMap(\.outputs))
    for node in (model.graph?.nodes ?? []) + model.functions.flatMap(\.nodes) { node.addRead(to: &read) }
    readNames = read
    var functions: [String: FunctionMessage] = [:]
    for function in model.functions {
      let key = Self.key(function.domain, function.name, function.overload)
      guard functions.updateValue(function, forKey: key) == nil else {
        throw fault("defines the function `\(function.name)` twice", place: function.name)
      }
    }
    self.functions = functions
  }

  static func key(_ domain: String, _ name: String, _ overload: String) -> String {
    "\(domain)::\(name)::\(overload)"
  }

  /// Puts an attribute on record that is not what its operator asks for.
  func reportAttribute(_ name: String, wanted: AttributeMessage.Kind) {
    guard wrongAttribute == nil else { return }
    wrongAttribute = FirnError(
      .invalidGraph, "its attribute `\(name)` is not \(wanted.name)",
      remedy: "check the file with onnx.checker")
  }

  /// Says once what was changed.
  func note(_ text: String) {
    if !notes.contains(text) { notes.append(text) }
  }

  // MARK: The model

  func run() throws(FirnError) {
    guard let message = model.graph.map({ withGroupNorms($0) }) else { return }
    if let version = model.irVersion, version < 3 {
      throw fault(
        "is an ONNX model of IR version \(version), from before 2018",
        remedy: "export it anew, or convert it with onnx.version_converter")
    }
    if message.sparseInitializerCount > 0 {
      throw fault("has sparse initialisers, which Firn has not", remedy: "export them dense")
    }
    let environment = Environment(versions: try versions(model.operatorSets))
    try declare(withTraining(message.initializers), in: environment, isOutermost: true)
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
          ?? "its inputs are " + message.inputs.map(\.name).joined(separator: ", "), place: other)
    }
    for node in message.nodes where ["LSTM", "GRU", "RNN"].contains(node.op) {
      recurrentCounts[scope(of: node, environment), default: 0] += 1
    }
    build(message.nodes, in: environment)
    for (number, output) in message.outputs.enumerated() {
      graph.source = CallSite(file: "\(fileName), output", line: number + 1)
      defer { graph.source = nil }
      guard let value = environment[output.name] else {
        throw fault("has an output `\(output.name)` that nothing makes", place: output.name)
      }
      let tensor = try self.tensor(value).plain
      let name = PathText.path(output.name, separators: ["/"])
      let named = tensor.isPoisoned || tensor.name == name ? tensor : identity(tensor, name: name)
      outputs.append((output.name, named))
    }
    try graph.validate()
    noteFoldedNorms()
    noteTiedTables()
  }

  func versions(_ sets: [OperatorSetMessage]) throws(FirnError) -> [String: Int] {
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
      let value = try stored(message, name: message.name, isParameter: isOutermost)
      try declare(message, value, in: environment)
    }
  }

  private func declare(
    _ message: TensorMessage, _ value: ImportedValue, in environment: Environment
  ) throws(FirnError) {
    guard !environment.isOwn(message.name) else {
      throw fault("holds the initialiser `\(message.name)` twice", place: message.name)
    }
    environment[message.name] = value
  }

  /// What elements of the file stand for: numbers where they are few integers.
  func stored(
    _ message: TensorMessage, name: String, isParameter: Bool
  ) throws(FirnError) -> ImportedValue {
    let count = try message.elementCount(fault)
    if isRepeating { try keep(Swift.min(count, 1 << 40) * MemoryLayout<Double>.stride) }
    if let type = message.elementType.stored, type.dtype == .i32 || type == .bool,
      count <= KnownIntegers.limit
    {
      let integers = try message.integers(from: files, fault: fault)
      return .known(
        KnownIntegers(
          shape: message.dimensions, values: integers.map { Dim($0) }, isBool: type == .bool))
    }
    let (files, fault) = (files, fault)
    return .stored(
      StoredValue(message, name: name, isParameter: isParameter && message.isWeight(name, count: count)) {
        () throws(FirnError) in
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
      environment[input.name] = try bound(array, to: input.name, dtype, type.shape)
      return
    }
    guard let shape = type.shape else {
      throw fault(
        "does not say how many axes the input `\(input.name)` has",
        remedy: "bind it to a value, or run onnx.shape_inference and export again", place: input.name)
    }
    let dims = shape.dimensions.enumerated().map { axis, dimension in
      if let value = dimension.value { return Dim(value) }
      let name = dimension.parameter.isEmpty ? "\(input.name)_\(axis)" : dimension.parameter
      return PathText.dimension(name, among: plainDimensions)
    }
    let name = PathText.path(input.name, separators: ["/"])
    graph.source = CallSite(file: "\(fileName), input", line: inputs.count + 1)
    defer { graph.source = nil }
    let tensor = graph.placeholder(name.isEmpty ? "input" : name, shape: Shape(dims), dtype: dtype)
    inputs.append((input.name, tensor))
    if dtype == .i32, type.elementType != ElementType(.i32).code { narrowedInputs.append(input.name) }
    inputNames[tensor] = input.name
    environment[input.name] = .of(tensor)
  }

  /// The value as a tensor of the graph, made now where nothing was.
  func tensor(_ value: ImportedValue) throws(FirnError) -> LaidTensor {
    switch value {
    case .tensor(let tensor): return tensor
    case .known(let integers): return LaidTensor(try tensor(integers))
    case .stored(let stored): return LaidTensor(try tensor(stored, order: nil, role: nil))
    case .turned(let stored, let order): return LaidTensor(try tensor(stored, order: order, role: nil))
    case .list: throw ImportedValue.listFault
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
    if stored.isParameter, array.dtype.isFloatingPoint, !isMask(stored, array, role) {
      tensor = variable(stored, laid, role: stored.role ?? role)
    } else {
      tensor = graph.constant(laid)
    }
    stored.made = (tensor, own)
    stored.scope = nodeScope
    return stored.arranged(own) ?? tensor
  }

  // MARK: Graphs of nodes

  /// The outputs of a graph within a node, built where it stands.
  ///
  /// - Parameter initializers: what its initialisers stand for, where that is made already.
  func branch(
    _ message: GraphMessage, _ values: [ImportedValue] = [], initializers: [ImportedValue]? = nil,
    in outer: Environment
  ) throws(FirnError) -> [ImportedValue] {
    let inner = try nested(message, values, initializers, in: outer)
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
  func body(
    _ message: GraphMessage, _ values: [Tensor], initializers: [ImportedValue]? = nil, in outer: Environment
  ) -> [Tensor] {
    do throws(FirnError) {
      var results: [Tensor] = []
      let given = values.map { ImportedValue.of($0) }
      for value in try branch(message, given, initializers: initializers, in: outer) {
        results.append(try tensor(value).plain)
      }
      return results
    } catch {
      return message.outputs.map { _ in graph.current.report(error) }
    }
  }

  private func nested(
    _ message: GraphMessage, _ values: [ImportedValue], _ initializers: [ImportedValue]?,
    in outer: Environment
  ) throws(FirnError) -> Environment {
    guard outer.depth < Nesting.limit else {
      throw FirnError(.invalidGraph, "graphs lie in one another without end", remedy: "export the model anew")
    }
    let inner = Environment(versions: outer.versions, outer: outer, depth: outer.depth + 1)
    for (input, value) in zip(message.inputs, values) { inner[input.name] = value }
    let held: [ImportedValue]
    if let initializers { held = initializers } else { held = try self.initializers(of: message) }
    for (initializer, value) in zip(message.initializers, held) {
      try declare(initializer, value, in: inner)
    }
    build(message.nodes, in: inner)
    return inner
  }

  // MARK: Nodes

  func build(_ nodes: [NodeMessage], in environment: Environment) {
    for (place, node) in nodes.enumerated() {
      build(node, number: node.number ?? place + 1, in: environment)
    }
  }

  /// - Parameters:
  ///   - number: of the node among those of its graph or function.
  ///   - constant: under which name what the node gives is kept for later calls of its function.
  func build(_ node: NodeMessage, number: Int, constant: String? = nil, in environment: Environment) {
    nodeCount += 1
    if nodeCount > largestCount, !isStopped {
      isStopped = true
      graph.current.report(
        FirnError(
          .invalidGraph, "it has more than \(largestCount) nodes, its functions and loops written out",
          remedy: "export the model in parts"))
    }
    if isStopped { return poison(node, environment) }
    if let constant, let output = node.outputs.first, !environment.isOwn(output) {
      if let known = functionConstants[constant] {
        environment[output] = known
        return
      }
      defer { functionConstants[constant] = environment[output] }
      return buildAtSource(node, number, in: environment)
    }
    buildAtSource(node, number, in: environment)
  }

  private func buildAtSource(_ node: NodeMessage, _ number: Int, in environment: Environment) {
    let (outer, outerSource) = (nodeScope, graph.source)
    graph.source = source(of: node, number, in: environment)
    defer { (nodeScope, graph.source) = (outer, outerSource) }
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
      let name = node.name.isEmpty ? PlainText.singleLine(node.op) : node.shownName
      error.message = "\(name): \(error.message)"
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
    let outer = wrongAttribute
    wrongAttribute = nil
    defer { wrongAttribute = outer }
    let results: [ImportedValue]
    do throws(FirnError) { results = try self.results(of: row, call) } catch { throw wrongAttribute ?? error }
    if let wrongAttribute { throw wrongAttribute }
    return results
  }

  private func results(of row: Operator, _ call: OperatorCall) throws(FirnError) -> [ImportedValue] {
    // A damaged node may have fewer inputs than its operator; those are as if left out.
    if let fold = row.fold, let known = call.knownInputs,
      let result = try fold(call, known + [KnownIntegers?](repeating: nil, count: 3))
    {
      try keep(result.values.count * MemoryLayout<Dim>.stride)
      return [.known(result)]
    }
    let isPoisoned = call.inputs.contains { value in
      if case .tensor(let tensor)? = value { return tensor.tensor.isPoisoned }
      return false
    }
    if isPoisoned { return call.node.outputs.map { _ in .of(.poisoned(in: graph.current)) } }
    return try row.build(call)
  }
}
