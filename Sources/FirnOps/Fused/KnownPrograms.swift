package import FirnGraph

/// Programs that do the same work, whatever their nodes are called: what is made of one serves all.
///
/// A model has few different ones. Every layer of a kind has the same, and the update of every variable of a type.
package struct KnownPrograms {
  private var known: [Int: [Fused]] = [:]
  /// What was made of those that were met: what shares it need not be compared.
  private var shared: Set<ObjectIdentifier> = []

  package init() {}

  /// `fused` with what is, or will be, made of the first that does the same work.
  package mutating func sharing(_ fused: Fused) -> Fused {
    if shared.contains(fused.identity) { return fused }
    let hash = fused.workHash
    if let equal = known[hash]?.first(where: { $0.doesSameWork(as: fused) }) { return fused.sharing(equal) }
    known[hash, default: []].append(fused)
    shared.insert(fused.identity)
    return fused
  }

  /// The op of a node, a program with what was made of an equal one.
  package mutating func op(of node: Node) -> any Op {
    guard node.traits.contains(.body), let fused = node.op as? Fused else { return node.op }
    return sharing(fused)
  }
}
