import FirnGraph

extension Importer {
  /// Initialisers with what the model's `training_info` says of them: what it does not update is frozen.
  func withTraining(_ initializers: [TensorMessage]) -> [TensorMessage] {
    if model.training.isEmpty { return initializers }
    let learning = Set(model.training.flatMap { $0.updates.map(\.key) })
    return initializers.map { tensor in
      // What is no weight without this is none with it: a constant is not frozen.
      guard tensor.metadata["firn.trainable"] == nil,
        learning.contains(tensor.name)
          || tensor.isWeight(tensor.name, count: NDArray.elementCount(of: tensor.dimensions) ?? 0)
      else { return tensor }
      var tensor = tensor
      tensor.metadata.append(
        EntryMessage("firn.trainable", learning.contains(tensor.name) ? "true" : "false"))
      return tensor
    }
  }

  /// What the initialisers of a graph within a node stand for, for a graph that is built several times.
  func initializers(of message: GraphMessage) throws(FirnError) -> [ImportedValue] {
    var result: [ImportedValue] = []
    for initializer in message.initializers {
      result.append(try stored(initializer, name: initializer.name, isParameter: false))
    }
    return result
  }

  func variable(_ stored: StoredValue, _ array: NDArray, role: String?) -> Tensor {
    let path = unique(stored.path ?? path(of: stored.name, role: role, axes: array.shape.count))
    let leaf = Path.last(of: path)
    let role = role.map { Self.roles[$0] ?? $0 } ?? (leaf == "bias" ? leaf : nil)
    let isState =
      role == "moving_mean" || role == "moving_variance" || stored.message.kind == .buffer
    if array.shape.count == 2, array.dtype == .f32 {
      if role == "table" { tables.append((path, array)) }
      if role == "kernel" { kernels.append((path, array)) }
    }
    return atTop(graph.current) {
      graph.variable(
        path, shape: Shape(array.shape), dtype: array.dtype, role: role ?? "", initializer: .array(array),
        trainable: isState ? nil : stored.trainable, kind: isState ? .state : .parameter)
    }
  }

  /// Whether what no operator calls a weight is none: infinities are there to leave elements out.
  func isMask(_ stored: StoredValue, _ array: NDArray, _ role: String?) -> Bool {
    guard stored.role == nil, role == nil, stored.message.kind == nil,
      array.dtype == .f32
        ? array.withUnsafeBytes({ $0.bindMemory(to: Float.self).contains(where: \.isInfinite) })
        : array.doubles.contains(where: \.isInfinite)
    else { return false }
    note("`\(stored.name)` holds infinities and is no operator's weight: it is a constant here")
    return true
  }

  /// Says where a kernel has the values of a table, lying the other way: tied weights of which an exporter has made two.
  func noteTiedTables() {
    for table in tables {
      for kernel in kernels where Self.isTransposed(table.array, kernel.array) {
        note(
          "`\(kernel.path)` holds the values of `\(table.path)`: the exporter has made two variables of what was one, and "
            + "they train apart; export with `do_constant_folding=False`, or `dynamo=True, optimize=False`, to keep it"
        )
      }
    }
  }

  /// Says where the exporter has folded batch norms, all at once.
  func noteFoldedNorms() {
    guard let first = foldedNorms.first else { return }
    let others = foldedNorms.count == 1 ? "" : " and \(foldedNorms.count - 1) more"
    note(
      "`\(first)`\(others): batch norms are folded into kernels and biases by the exporter, so that these train as "
        + "convolutions alone; export with `dynamo=False, training=torch.onnx.TrainingMode.PRESERVE`, or "
        + "`dynamo=True, optimize=False`, to keep them"
    )
  }

  private static func isTransposed(_ a: NDArray, _ b: NDArray) -> Bool {
    let (rows, columns) = (a.shape[0], a.shape[1])
    guard b.shape == [columns, rows] else { return false }
    return a.withUnsafeBytes { a in
      b.withUnsafeBytes { b in
        let (a, b) = (a.bindMemory(to: UInt32.self), b.bindMemory(to: UInt32.self))
        // Others differ in the first few; zeros are nobody's.
        return a.contains { $0 << 1 != 0 }
          && (0..<rows).allSatisfy { row in
            (0..<columns).allSatisfy { a[row * columns + $0] == b[$0 * rows + row] }
          }
      }
    }
  }

  /// Where the model names modules, theirs, with Firn's word for the weight where the role is known; where an exporter
  /// has counted it up, the node's that uses it.
  private func path(of name: String, role: String?, axes: Int) -> String {
    let word = role.map { Self.words[$0] ?? $0 }
    guard PathText.isDotted(name) else {
      if !nodeScope.isEmpty, let word = word ?? (PathText.isNumbered(name) ? "weight" : nil),
        name.contains("::") || !name.contains("/")
      {
        return Path.joined(nodeScope, word)
      }
      return PathText.path(name, separators: ["/"])
    }
    let path = PathText.path(name, separators: ["."])
    let leaf = Path.last(of: path)
    // As the map `.pyTorch` has it where no operator says more.
    guard let word else {
      if leaf == "weight", axes == 1 { return Path.joined(Path.parent(of: path), "gamma") }
      return leaf == "bias" && vectorWeights.contains(name.dropLast(4) + "weight")
        ? Path.joined(Path.parent(of: path), "beta") : path
    }
    if leaf == "weight_bias", !knowsFoldedNorms {
      foldedNorms.append(Path.parent(of: path))
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
}
