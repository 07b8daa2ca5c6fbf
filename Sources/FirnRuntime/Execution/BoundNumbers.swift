import FirnGraph

/// Numbers for nodes of bound programs: those that compute the same from the same variables have the same number.
///
/// Two nodes are the same where their ops are equal and what they read is; nothing is told by a digest, so nothing is ever
/// taken for something else. Numbers are not used again.
struct BoundNumbers {
  /// A result of a numbered node.
  struct Result: Hashable {
    var node: Int
    var result: Int
  }

  private struct Key: Hashable {
    var op: any Op
    var inputs: [Result]

    static func == (a: Key, b: Key) -> Bool { a.inputs == b.inputs && a.op.isEqual(to: b.op) }

    func hash(into hasher: inout Hasher) {
      hasher.combine(ObjectIdentifier(type(of: op)))
      op.hash(into: &hasher)
      hasher.combine(inputs)
    }
  }

  private var known: [Key: Int] = [:]
  private var next = 0

  var count: Int { known.count }

  /// The number of each node of a graph.
  mutating func numbers(of graph: GraphDef) -> [Int] {
    var numbers: [Int] = []
    numbers.reserveCapacity(graph.nodes.count)
    for node in graph.nodes {
      let key = Key(
        op: node.op, inputs: node.inputs.map { Result(node: numbers[$0.node], result: $0.result) })
      if let number = known[key] {
        numbers.append(number)
      } else {
        known[key] = next
        numbers.append(next)
        next += 1
      }
    }
    return numbers
  }

  /// Forgets what is not among these.
  mutating func keep(_ numbers: Set<Int>) { known = known.filter { numbers.contains($0.value) } }
}
