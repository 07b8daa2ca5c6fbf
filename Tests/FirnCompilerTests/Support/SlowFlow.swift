import FirnGraph
import FirnOps

/// Gradient edges between named values, found the slow way: loops flattened with their way round, and not a word from ops
/// but their mnemonics and types.
struct SlowFlow {
  private struct Edge {
    var from: String
    var to: String
    var passes: Bool
  }

  private var edges: [Edge] = []

  /// Ops through which nothing is learnt.
  private static let cutting: Set<String> = [
    "stop_gradient", "floor", "ceil", "round", "sign", "argmax", "argmin", "one_hot",
  ]

  /// Names of stops that pass all the same.
  private let opened: Set<String>

  init(_ graph: GraphDef, opening opened: Set<String> = []) {
    self.opened = opened
    flatten(graph, path: "")
  }

  static func key(_ graph: GraphDef, _ value: Value, path: String = "") -> String {
    path + "/" + graph.name(of: value)
  }

  private mutating func flatten(_ graph: GraphDef, path: String) {
    for (position, node) in graph.nodes.enumerated() {
      if let scan = node.op as? Scan {
        flatten(scan, position, of: graph, path: path)
        continue
      }
      for result in node.types.indices {
        for input in node.inputs {
          let isFloating =
            node.types[result].dtype.isFloatingPoint && graph.type(of: input).dtype.isFloatingPoint
          let isCut = Self.cutting.contains(node.mnemonic) && !opened.contains(node.name)
          edges.append(
            Edge(
              from: Self.key(graph, input, path: path),
              to: Self.key(graph, Value(position, result), path: path), passes: isFloating && !isCut))
        }
      }
    }
  }

  private mutating func flatten(_ scan: Scan, _ position: Int, of graph: GraphDef, path: String) {
    let inner = path + "/" + graph.nodes[position].name
    flatten(scan.body, path: inner)
    func connect(_ from: String, _ to: String, _ type: TensorType) {
      edges.append(Edge(from: from, to: to, passes: type.dtype.isFloatingPoint))
    }
    for (number, node) in scan.body.nodes.enumerated() {
      guard let input = node.op as? LoopInput, let operand = scan.operand(of: input) else { continue }
      let entry = Self.key(scan.body, Value(number), path: inner)
      connect(Self.key(graph, graph.nodes[position].inputs[operand], path: path), entry, input.type)
      guard input.kind == .carry else { continue }
      connect(
        Self.key(scan.body, scan.body.outputs[input.position], path: inner), entry, input.type)
    }
    for (result, output) in scan.body.outputs.enumerated() {
      let (value, type) = (Value(position, result), scan.body.type(of: output))
      connect(Self.key(scan.body, output, path: inner), Self.key(graph, value, path: path), type)
      guard result < scan.carries else { continue }
      // What a loop that does not run ends with.
      connect(
        Self.key(graph, graph.nodes[position].inputs[result], path: path),
        Self.key(graph, value, path: path), type)
    }
  }

  /// All that is reached from `starts`, or from which they are: along edges that pass, or along any.
  func reach(_ starts: [String], backwards: Bool = false, onlyPassing: Bool = true) -> Set<String> {
    let open = edges.filter { $0.passes || !onlyPassing }
    let next = Dictionary(grouping: open) { backwards ? $0.to : $0.from }
    var reached: Set<String> = []
    var pending = starts
    while let key = pending.popLast() {
      if reached.insert(key).inserted { pending += (next[key] ?? []).map { backwards ? $0.from : $0.to } }
    }
    return reached
  }
}
