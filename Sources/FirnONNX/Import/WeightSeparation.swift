import FirnFormats
import FirnGraph

/// Gives each module the weights of its own that an exporter has merged, folded or counted up, and says of each
/// initialiser whether it is a parameter.
///
/// Exporters keep one of several initialisers with equal elements, and new norms all have ones and zeros: without this, freezing
/// one module would freeze another's. PyTorch's older one writes `Identity` for the others; the newer one leaves them out,
/// but lists all parameters, so that what a module lacks is known.
struct WeightSeparation {
  private(set) var graph: GraphMessage
  /// What was done, in words.
  private(set) var notes: [String] = []
  /// Batch norms that are no more.
  private(set) var foldedNorms: [String] = []

  private let signature: ExportedSignature?
  /// Whether the exporter can have merged initialisers: before it does, it makes some of all constants and of what is turned.
  private var isOptimised: Bool
  /// By node, the module that it is of; nil where the file does not say.
  private var modules: [String?] = []
  /// What nodes look up in, and what others read.
  private var tables: Set<String> = []
  private var multiplied: Set<String> = []
  private var places: [String: Int] = [:]
  /// By name of the module's, the module that reads it as its own: it stands there, or in one within.
  private var homes: [String: String] = [:]
  /// What the module has by the signature and no node reads, as far as it is not found.
  private var missing: Set<String> = []
  /// By module, names of its own, and of the modules that it holds, of which some are missing.
  private var names: [String: (own: [String], within: [String])] = [:]
  /// What is another's in the file, with that one's name.
  private var merges: [(name: String, other: String)] = []
  /// By initialiser and what a module reads it as, the one that this module has in its place.
  private var own: [String: [Use: String]] = [:]

  /// What an initialiser is to a node.
  private struct Use: Hashable {
    var module: String
    /// How names of such weights end; nil where the operator does not say.
    var word: String?
  }

  /// The most elements of an initialiser that the newer exporter merges with another.
  private static let mostMerged = 1024
  /// Of so many names that a module lacks none is told from the others, and none is looked for.
  private static let mostNames = 256

  init(_ model: ModelMessage) {
    graph = model.graph ?? GraphMessage()
    signature = ExportedSignature(graph)
    isOptimised = false
    // What `training_info` updates it names as the file does.
    if !model.training.isEmpty { return }
    for (place, tensor) in graph.initializers.enumerated() where places[tensor.name] == nil {
      places[tensor.name] = place
    }
    isOptimised = !graph.nodes.contains { node in
      node.op == "Constant" || node.op == "Transpose" && places[node.inputs.first ?? ""] != nil
    }
    let hasIdentities = graph.nodes.contains { $0.op == "Identity" && places[$0.inputs.first ?? ""] != nil }
    if hasIdentities || signature != nil {
      for place in graph.nodes.indices { graph.nodes[place].number = place + 1 }
    }
    if hasIdentities { undoIdentities() }
    if let signature {
      modules = graph.nodes.map { node in
        node.metadata["pkg.torch.onnx.name_scopes"].flatMap { PathText.module(ofList: $0) }
      }
      findReaders()
      missing = unread(signature)
      index()
      // Names of modules first: what these claim is not to be guessed.
      for place in graph.nodes.indices { nameInputs(of: place, isNamed: true) }
      // What is tied may have been read under another name alone.
      missing.formUnion(unread(signature))
      index()
      for place in graph.nodes.indices { nameInputs(of: place, isNamed: false) }
      markKinds(signature)
      noteMissing(signature)
    } else if model.producer == "pytorch" {
      // Its older exporter counts up the numbers that it makes itself.
      for place in graph.initializers.indices
      where NDArray.elementCount(of: graph.initializers[place].dimensions) == 1 {
        let name = graph.initializers[place].name
        if !PathText.isNumbered(name), !name.contains("/") { graph.initializers[place].kind = .parameter }
      }
    }
    noteMerges()
    for node in graph.nodes where node.op == "PRelu" && node.domain.isEmpty {
      if let place = node.inputs.dropFirst().first.flatMap({ places[$0] }),
        graph.initializers[place].kind == nil
      {
        graph.initializers[place].kind = .parameter
      }
    }
  }

  private static func module(of name: String) -> String {
    name.lastIndex(of: ".").map { String(name[..<$0]) } ?? ""
  }

  private static func leaf(of name: String) -> String {
    name.lastIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? name
  }

  // MARK: The older exporter

  /// Initialisers that stand for another of equal elements are there again.
  private mutating func undoIdentities() {
    var removed: Set<Int> = []
    for (place, node) in graph.nodes.enumerated() {
      guard node.op == "Identity", node.domain.isEmpty, node.inputs.count == 1, node.outputs.count == 1,
        let source = places[node.inputs[0]], let output = node.outputs.first, places[output] == nil,
        PathText.isDotted(output) || output.hasPrefix("onnx::") && node.inputs[0].hasPrefix("onnx::"),
        graph.initializers[source].metadata["firn.scope"] == nil, isWeight(graph.initializers[source])
      else { continue }
      add(output, like: source)
      removed.insert(place)
      merges.append((output, node.inputs[0]))
    }
    graph.nodes = graph.nodes.indices.filter { !removed.contains($0) }.map { graph.nodes[$0] }
  }

  private func isWeight(_ tensor: TensorMessage) -> Bool {
    tensor.elementType.dtype?.isFloatingPoint == true
      && tensor.isWeight(tensor.name, count: NDArray.elementCount(of: tensor.dimensions) ?? 0)
  }

  private mutating func add(_ name: String, like place: Int) {
    var tensor = graph.initializers[place]
    tensor.name = name
    if let known = places[name] {
      graph.initializers[known] = tensor
    } else {
      places[name] = graph.initializers.count
      graph.initializers.append(tensor)
    }
  }

  private mutating func noteMerges() {
    let few = 4
    for merge in merges.count <= few ? merges[...] : merges.prefix(few - 1) {
      notes.append(
        "`\(merge.name)` and `\(merge.other)` were exported as one, as their values are equal; they are two variables here"
      )
    }
    if merges.count > few {
      notes.append("so are \(merges.count - few + 1) more that were exported as others of equal values")
    }
  }

  // MARK: The newer exporter

  private mutating func findReaders() {
    for (node, module) in zip(graph.nodes, modules) {
      for (operand, name) in node.inputs.enumerated() {
        if node.op == "Gather" && operand == 0 { tables.insert(name) } else { multiplied.insert(name) }
        guard let module, Self.isWithin(name, module) else { continue }
        if homes[name].map({ $0.utf8.count < module.utf8.count }) ?? true { homes[name] = module }
      }
    }
  }

  private static func isWithin(_ name: String, _ module: String) -> Bool {
    module.isEmpty || name.hasPrefix(module) && name.dropFirst(module.count).hasPrefix(".")
  }

  private mutating func index() {
    names = [:]
    for name in missing.sorted() {
      let module = Self.module(of: name)
      names[module, default: ([], [])].own.append(name)
      if !module.isEmpty { names[Self.module(of: module), default: ([], [])].within.append(name) }
    }
  }

  private func unread(_ signature: ExportedSignature) -> Set<String> {
    var read = Set(graph.outputs.map(\.name))
    for node in graph.nodes { node.addRead(to: &read) }
    return Set(signature.names).subtracting(read)
  }

  /// What a node reads that its module lacks goes by the module's name for it.
  private mutating func nameInputs(of place: Int, isNamed: Bool) {
    let node = graph.nodes[place]
    // What these read is put together of several.
    guard !Self.recurrent.contains(node.op), let module = modules[place] else { return }
    for (operand, name) in node.inputs.enumerated() {
      let kind = signature?.kinds[name]
      guard let source = places[name], kind != .constant, (kind != nil) == isNamed,
        isNamed || !PathText.isDotted(name)
      else { continue }
      let tensor = graph.initializers[source]
      guard tensor.elementType.dtype?.isFloatingPoint == true else { continue }
      let use = Use(module: module, word: Self.word(for: operand, of: node, tensor))
      if let known = own[name]?[use] {
        graph.nodes[place].inputs[operand] = known
      } else if let made = isNamed
        ? mergedName(tensor, use, in: node) : countedName(use, in: node)
      {
        missing.remove(made)
        own[name, default: [:]][use] = made
        add(made, like: source)
        graph.nodes[place].inputs[operand] = made
        if isNamed { merges.append((made, name)) }
      }
    }
  }

  private static let recurrent: Set<String> = ["LSTM", "GRU", "RNN"]

  /// How PyTorch's names of what a node reads there end; nil where its operator does not say.
  private static func word(for operand: Int, of node: NodeMessage, _ tensor: TensorMessage) -> String? {
    let axes = tensor.dimensions.count { $0 != 1 }
    switch node.op {
    case "Add" where axes == 1: return "bias"
    case "Mul" where axes == 1, "PRelu": return "weight"
    case "MatMul" where operand == 1 && tensor.dimensions.count == 2: return "weight"
    case "Gather" where operand == 0 && axes == 2: return "weight"
    case "Gemm", "Conv", "ConvTranspose": return operand == 2 ? "bias" : "weight"
    case "LayerNormalization", "GroupNormalization", "BatchNormalization", "RMSNormalization":
      let words = ["", "weight", "bias", "running_mean", "running_var"]
      return words.indices.contains(operand) ? words[operand] : nil
    default: return nil
    }
  }

  /// What a module calls an initialiser that goes by another's name, if it is one that it lacks.
  private func mergedName(_ tensor: TensorMessage, _ use: Use, in node: NodeMessage) -> String? {
    let name = tensor.name
    let owner = Self.module(of: name)
    // Larger ones are merged by nobody.
    guard let count = NDArray.elementCount(of: tensor.dimensions), count <= Self.mostMerged, !isTied(name)
    else { return nil }
    let fitting = lacking(use, in: node)
    if owner == use.module {
      // Its own, unless a batch norm reads it in another place.
      let isOwn = node.op != "BatchNormalization" || use.word.map(name.hasSuffix) ?? true
      return isOwn ? nil : only(fitting, of: use.module)
    }
    let home = homes[name] ?? owner
    // Of a module within, and nobody nearer reads it.
    if home == use.module { return nil }
    // The same place in another copy of its module, else the same name.
    let leaf = Self.leaf(of: name)
    let same = inside(use.module, home.isEmpty ? name : String(name.dropFirst(home.count + 1)))
    if missing.contains(same), node.op == "BatchNormalization" || !isOfFoldedNorm(same) { return same }
    let beside = inside(use.module, leaf)
    if fitting.contains(beside) || missing.contains(beside) && !["weight", "bias"].contains(leaf) {
      return beside
    }
    // What is within stays what it is.
    if Self.isWithin(name, use.module) { return nil }
    if let found = only(fitting, of: use.module) { return found }
    guard fitting.isEmpty else { return nil }
    let direct = lacking(Use(module: use.module), in: node).filter { Self.module(of: $0) == use.module }
    return direct.count == 1 ? direct[0] : nil
  }

  private func inside(_ module: String, _ path: String) -> String {
    module.isEmpty ? path : "\(module).\(path)"
  }

  /// What a module calls an initialiser that the exporter has counted up.
  private func countedName(_ use: Use, in node: NodeMessage) -> String? {
    use.word == nil ? nil : only(lacking(use, in: node), of: use.module)
  }

  /// What a module or one that it holds lacks that a node could read so.
  private func lacking(_ use: Use, in node: NodeMessage) -> [String] {
    guard let names = names[use.module] else { return [] }
    return [names.own, names.within].flatMap { names in
      if names.count > Self.mostNames { return [String]() }
      return names.filter { name in
        // A batch norm that was folded reads nothing; what is in its place reads a convolution's.
        missing.contains(name) && use.word.map(name.hasSuffix) ?? true
          && (node.op == "BatchNormalization" || !isOfFoldedNorm(name))
      }
    }
  }

  private func isOfFoldedNorm(_ name: String) -> Bool {
    let module = Self.module(of: name)
    return missing.contains(module.isEmpty ? "running_mean" : module + ".running_mean")
  }

  /// The only one of the module's own, or the only one of those within it.
  private func only(_ names: [String], of module: String) -> String? {
    let direct = names.filter { Self.module(of: $0) == module }
    if direct.count == 1 { return direct[0] }
    return direct.isEmpty && names.count == 1 ? names[0] : nil
  }

  /// Whether what several modules read is one in the model too: a table that others multiply with, or anything in a file that
  /// keeps equal initialisers apart.
  private func isTied(_ name: String) -> Bool {
    !isOptimised || tables.contains(name) && multiplied.contains(name)
  }

  private mutating func markKinds(_ signature: ExportedSignature) {
    let lost = signature.names.filter {
      signature.kinds[$0] == .parameter && missing.contains($0) && !isOfFoldedNorm($0)
    }
    var lacking: Set<String> = []
    for name in lost {
      let module = Self.module(of: name)
      lacking.insert(module)
      // The outermost counts for itself alone.
      if module.contains(".") { lacking.insert(Self.module(of: module)) }
    }
    let lacksKernel = lost.contains { $0.hasSuffix("weight") }
    // What may be made of parameters that are lost.
    var derived: Set<String> = []
    var read: Set<String> = []
    for (node, module) in zip(graph.nodes, modules) {
      let isOpen = module.map(lacking.contains) ?? true || Self.recurrent.contains(node.op)
      for (operand, name) in node.inputs.enumerated() {
        read.insert(name)
        // A product may be another module's, which calls no node its own.
        let isKernel =
          lacksKernel && ["MatMul", "Gemm", "Conv", "ConvTranspose", "Gather"].contains(node.op)
          && places[name].map { Self.word(for: operand, of: node, graph.initializers[$0]) } == "weight"
        if isOpen || isKernel { derived.insert(name) }
      }
    }
    for place in graph.initializers.indices {
      let name = graph.initializers[place].name
      if let kind = signature.kinds[name] {
        graph.initializers[place].kind = kind
      } else if !PathText.isDotted(name), read.contains(name), !derived.contains(name) {
        // No parameter is left that it could be made of.
        graph.initializers[place].kind = .constant
      }
    }
  }

  /// Says what the module has and the file has not: it does not learn by itself.
  private mutating func noteMissing(_ signature: ExportedSignature) {
    let recurring = Set(
      zip(graph.nodes, modules).lazy.filter { Self.recurrent.contains($0.0.op) }.compactMap(\.1))
    // Those of batch norms are spoken of together.
    foldedNorms = signature.names.filter { $0.hasSuffix("running_mean") && missing.contains($0) }
      .map { PathText.path(Self.module(of: $0), separators: ["."]) }
    let folded = Set(foldedNorms)
    let lost = signature.names.filter { name in
      let module = Self.module(of: name)
      return signature.kinds[name] == .parameter && missing.contains(name) && !recurring.contains(module)
        && !folded.contains(PathText.path(module, separators: ["."]))
    }
    guard !lost.isEmpty else { return }
    notes.append(
      lost.prefix(3).map { "`\($0)`" }.joined(separator: ", ")
        + (lost.count > 3 ? " and \(lost.count - 3) more" : "")
        + ": the module has these and the file has not, since they are folded into other values, tied to others, change nothing, or "
        + "are not used; they do not learn by themselves here; `optimize=False` keeps what is folded")
  }
}
