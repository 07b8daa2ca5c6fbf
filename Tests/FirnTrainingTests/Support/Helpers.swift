import FirnGraph
import FirnRuntime
import Testing

/// Numbers without pattern on -1..<1, the same in every run.
func noise(_ shape: [Int], _ name: String = "noise", dtype: DType = .f32) throws -> NDArray {
  try Initializer.uniform(-1, 1).sample(ArrayType(.f64, shape), seed: 7, name: name).converted(to: dtype)
}

/// Labels 0..<classes in turn.
func labels(_ count: Int, classes: Int) -> NDArray { NDArray((0..<count).map { Int32($0 % classes) }) }

/// What `body` throws.
func error(
  sourceLocation: Testing.SourceLocation = #_sourceLocation, _ body: () throws -> Void
) throws -> FirnError {
  try #require(throws: FirnError.self, sourceLocation: sourceLocation, performing: body)
}

/// The variables of `graph`, as tensors, in creation order.
func variableTensors(of graph: Graph) throws -> [Tensor] {
  try graph.variables.map { variable in
    let node = try #require(graph.definition.nodes.first { $0.op.effect == .reads(variable.name) })
    return try #require(graph.tensor(named: node.name))
  }
}

extension GraphDef {
  /// Every node, those of loop bodies after the loop, each with its path.
  func allNodes(below prefix: String = "") -> [(path: String, node: Node)] {
    nodes.indices.flatMap { index -> [(path: String, node: Node)] in
      let path = Path.joined(prefix, nodes[index].name)
      return [(path, nodes[index])] + (nestedGraph(of: index)?.allNodes(below: path) ?? [])
    }
  }

  func count(_ mnemonic: String, in phase: Node.Phase? = nil) -> Int {
    allNodes().count { $0.node.mnemonic == mnemonic && (phase == nil || $0.node.phase == phase) }
  }
}

extension Session {
  /// All values, optimiser slots included.
  func everything() throws -> [String: NDArray] {
    var result: [String: NDArray] = [:]
    for variable in variables { result[variable.name] = try value(of: variable.name) }
    return result
  }
}

/// A session that keeps its warnings to itself.
///
/// - Parameter passes: what stands in the place of the environment's `FIRN_PASSES`.
func quietSession(
  _ graph: Graph, seed: UInt64 = 3, threads: Int? = 1, passes: String? = nil
) throws -> Session {
  let session = try Session(graph, seed: seed, threads: threads)
  session.passes = passes
  session.onWarning = { _ in }
  return session
}
