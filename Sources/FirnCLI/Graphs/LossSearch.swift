internal import FirnGraph

/// Finds the loss of a graph that does not say which node it is.
///
/// What the file names; else, in this order, the first kind of which there is one: a floating-point scalar called `loss`; one below a scope of
/// that name; one nobody reads. Of several of a kind, the only one that nobody reads counts.
struct LossSearch {
  private let graph: GraphDef
  /// Nodes that compute one floating-point scalar.
  private let scalars: [Int]
  private let unread: Set<Int>

  init(_ graph: GraphDef) {
    self.graph = graph
    scalars = graph.nodes.indices.filter { index in
      let node = graph.nodes[index]
      guard !node.inputs.isEmpty, node.phase == .forward, let type = node.types.first else { return false }
      return type.shape.rank == 0 && type.dtype.isFloatingPoint
    }
    let consumers = graph.consumers
    unread = Set(
      scalars.filter { index in
        consumers[index].allSatisfy { graph.nodes[$0].op is Gradients || graph.nodes[$0].phase != .forward }
      })
  }

  /// - Throws: `.invalidArgument` with the candidates.
  func loss() throws(FirnError) -> Value {
    if let loss = graph.loss { return loss }
    let kinds = [
      scalars.filter { Path.last(of: graph.nodes[$0].name) == "loss" },
      scalars.filter { Path.parent(of: graph.nodes[$0].name).split(separator: "/").contains("loss") },
      scalars.filter(unread.contains),
    ]
    for kind in kinds where !kind.isEmpty {
      let plain = kind.count == 1 ? kind : kind.filter(unread.contains)
      if plain.count == 1 { return Value(plain[0]) }
      throw FirnError(
        .invalidArgument, "it is not plain which of \(kind.count) scalars is the loss",
        remedy: "name one with --loss: " + names(plain.isEmpty ? kind : plain))
    }
    throw FirnError(
      .invalidArgument, "the graph computes no floating-point scalar that could be the loss",
      remedy: graph.lossOutputs.map {
        "add one to an output, by --loss 'crossEntropy(OUTPUT, labels)' or 'meanSquaredError(OUTPUT, target)': \($0)"
      } ?? (scalars.isEmpty ? "reduce something to a scalar" : "name one with --loss: " + names(scalars)))
  }

  /// - Throws: `.unknownName` with the nearest names, `.notScalar` for a node that cannot be a loss.
  func loss(named name: String) throws(FirnError) -> Value {
    guard let index = graph.index(ofNodeNamed: name) else {
      throw FirnError(
        .unknownName, "the graph has no node `\(name)`",
        remedy: NearestNames(to: name, among: graph.nodes.map(\.name)).question
          ?? (scalars.isEmpty ? nil : "its scalars are " + names(scalars)))
    }
    guard let type = graph.nodes[index].types.first, type.shape.rank == 0, type.dtype.isFloatingPoint else {
      let type = graph.nodes[index].types.map(\.description).joined(separator: ", ")
      throw FirnError(
        .notScalar, "`\(name)` is \(type), not a floating-point scalar",
        remedy: scalars.isEmpty ? nil : "its scalars are " + names(scalars),
        location: graph.nodes[index].location)
    }
    return Value(index)
  }

  private func names(_ indices: [Int]) -> String {
    let shown = indices.prefix(6).map { graph.nodes[$0].name }.joined(separator: ", ")
    return indices.count > 6 ? shown + ", …" : shown
  }
}
