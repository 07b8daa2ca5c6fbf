import FirnGraph

/// Where gradients flow, found the slow way: from a graph flattened to single edges between named values, loops with their
/// way round, without a word from the ops but their mnemonics and types.
struct BruteForce {
  private var readers: [String: [String]] = [:]
  private var operands: [String: [String]] = [:]

  /// Ops through which nothing is learnt.
  private static let cutting: Set<String> = ["stop_gradient", "floor", "sign", "argmax", "equal"]

  init(_ graph: GraphDef) { flatten(graph, path: "") }

  private mutating func connect(_ from: String, _ to: String) {
    readers[from, default: []].append(to)
    operands[to, default: []].append(from)
  }

  private static func key(_ graph: GraphDef, _ path: String, _ value: Value) -> String {
    path + "/" + graph.nodes[value.node].name + ":\(value.result)"
  }

  private mutating func flatten(_ graph: GraphDef, path: String) {
    for (position, node) in graph.nodes.enumerated() {
      if let body = graph.nestedGraph(of: position) {
        let inner = path + "/" + node.name
        flatten(body, path: inner)
        flatten(loop: node, at: position, of: graph, body: body, path: path, inner: inner)
        continue
      }
      if Self.cutting.contains(node.mnemonic) { continue }
      for result in node.types.indices where node.types[result].dtype.isFloatingPoint {
        for input in node.inputs where graph.type(of: input).dtype.isFloatingPoint {
          connect(Self.key(graph, path, input), Self.key(graph, path, Value(position, result)))
        }
      }
    }
  }

  private mutating func flatten(
    loop: Node, at position: Int, of graph: GraphDef, body: GraphDef, path: String, inner: String
  ) {
    let attributes = loop.op.attributes
    let carries = (try? attributes.int("carries")) ?? 0
    let slices = (try? attributes.int("slices")) ?? 0
    for (number, node) in body.nodes.enumerated() where node.mnemonic == "loop_input" {
      guard node.types[0].dtype.isFloatingPoint, let place = try? node.op.attributes.int("position") else {
        continue
      }
      let parameter = Self.key(body, inner, Value(number))
      switch try? node.op.attributes.string("kind") {
      case "carry":
        connect(Self.key(graph, path, loop.inputs[place]), parameter)
        connect(Self.key(body, inner, body.outputs[place]), parameter)
      case "slice": connect(Self.key(graph, path, loop.inputs[carries + place]), parameter)
      case "capture": connect(Self.key(graph, path, loop.inputs[carries + slices + place]), parameter)
      default: break
      }
    }
    for result in loop.types.indices where loop.types[result].dtype.isFloatingPoint {
      let value = Self.key(graph, path, Value(position, result))
      connect(Self.key(body, inner, body.outputs[result]), value)
      // The state a loop starts with is what it ends with where it does not run.
      if result < carries { connect(Self.key(graph, path, loop.inputs[result]), value) }
    }
  }

  /// Paths of all nodes on some way from one of `variables` to `loss`, both included.
  func nodes(between variables: [String], and loss: String) -> Set<String> {
    let forward = Self.closure(variables.map { "/\($0):0" }, readers)
    let backward = Self.closure(["/\(loss):0"], operands)
    return Set(
      forward.intersection(backward).map { key in
        String(key.prefix(upTo: key.lastIndex(of: ":") ?? key.endIndex))
      })
  }

  private static func closure(_ start: [String], _ edges: [String: [String]]) -> Set<String> {
    var reached: Set<String> = []
    var pending = start
    while let next = pending.popLast() {
      if reached.insert(next).inserted { pending += edges[next] ?? [] }
    }
    return reached
  }
}
