internal import Dispatch
import FirnGraph

/// Verifies what a pass made, that of a large graph on another thread while the next pass runs.
///
/// One at a time: a stage waits until the one before it has been verified. A pass that breaks an invariant is Firn's own
/// fault, and ends the program wherever it is found.
final class StageVerification {
  private let queue = DispatchQueue(label: "firn.verification")
  private let group = DispatchGroup()

  /// Whether another thread may do it.
  private let isBeside: Bool

  /// - Parameter isBeside: false where each stage is to be verified before anything else is done with it.
  init(isBeside: Bool) { self.isBeside = isBeside }

  /// Nodes below which verifying takes no longer than handing it to another thread is worth.
  private static let grain = 2_000

  /// Begins to verify a stage, given the one it was made of.
  func begin(_ graph: GraphDef, madeOf earlier: GraphDef, by pass: String, outputs: Int) {
    finish()
    if !isBeside || graph.nodes.count < Self.grain {
      return Self.verify(graph, madeOf: earlier, by: pass, outputs: outputs)
    }
    queue.async(group: group) { Self.verify(graph, madeOf: earlier, by: pass, outputs: outputs) }
  }

  /// Waits until all has been verified.
  func finish() { group.wait() }

  private static func verify(_ graph: GraphDef, madeOf earlier: GraphDef, by pass: String, outputs: Int) {
    guard graph.outputs.count == outputs else {
      firnBug(pass, "\(graph.outputs.count) outputs are left of \(outputs)")
    }
    do {
      try graph.verify(knowing: earlier)
    } catch {
      firnBug(pass, ([error.description] + graph.excerpt(around: error.place)).joined(separator: "\n"))
    }
  }
}

extension GraphDef {
  /// The node called `name` and those it reads, a line each, as far as a graph that does not verify can be printed.
  fileprivate func excerpt(around name: String?) -> [String] {
    guard let name, let position = index(ofNodeNamed: name) else { return [] }
    let read = Set(nodes[position].inputs.map(\.node)).filter { nodes.indices.contains($0) && $0 != position }
    return (read.sorted() + [position]).map { place in
      let node = nodes[place]
      let inputs = node.inputs.map { input in
        nodes.indices.contains(input.node) ? "%" + self.name(of: input) : "node \(input.node)"
      }
      let types = node.types.map(\.description).joined(separator: ", ")
      return "  node \(place): %\(node.name) = \(node.mnemonic)(\(inputs.joined(separator: ", "))) : \(types)"
    }
  }
}
