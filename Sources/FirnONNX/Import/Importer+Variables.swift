import FirnGraph

extension Importer {
  func variable(
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
}
