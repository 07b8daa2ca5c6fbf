package import FirnGraph

/// What `store-frozen` has put into a smaller type, and of each other parameter why it is not.
package struct StoredKernels: Sendable {
  /// Why a parameter is held as `f32`.
  package struct Kept: Hashable, Sendable {
    package let name: String
    package let reason: String
  }

  /// The type that was asked for; nil where none was.
  package private(set) var storage: FrozenStorage?
  /// The variables that are kernels by themselves, or make one of their shape, in creation order.
  package private(set) var variables: [String] = []
  /// The other parameters that the program reads, in creation order.
  package private(set) var kept: [Kept] = []
  /// Whether the program reads no stored kernel, be it a variable or made of some.
  package private(set) var isEmpty = true
  /// The first kernel that could not be stored.
  package private(set) var refused: Kept?

  static let none = StoredKernels()

  private init() {}

  init(
    _ kernels: FrozenKernels, in graph: GraphDef, _ trainability: Trainability, moving others: Set<String>
  ) {
    storage = kernels.storage
    isEmpty = kernels.kernels.isEmpty
    self.refused = kernels.refused.first.map { Kept(name: graph.name(of: $0.value), reason: $0.reason) }
    var (stored, parts, refused) = (Set<String>(), [String: String](), [String: String]())
    for (value, _) in kernels.kernels {
      let count = graph.type(of: value).shape.elementCount
      for name in graph.variables(madeInto: value.node) {
        if graph.variable(named: name)?.type.shape.elementCount == count { stored.insert(name) }
        if parts[name] == nil { parts[name] = graph.name(of: value) }
      }
    }
    for (value, reason) in kernels.refused {
      for name in graph.variables(madeInto: value.node) where refused[name] == nil { refused[name] = reason }
    }
    var read: Set<String> = []
    for node in graph.nodes where node.traits.contains(.reads) {
      if case .reads(let name) = node.op.effect { read.insert(name) }
    }
    let written = others.union(graph.writtenVariables)
    for variable in trainability.variables where variable.kind == .parameter {
      let name = variable.name
      let status = trainability.status(of: variable)
      if stored.contains(name) {
        variables.append(name)
      } else if status == .partly || status == .trained || written.contains(name) {
        kept.append(Kept(name: name, reason: status == .partly ? "a part of it is trained" : "it is trained"))
      } else if read.contains(name) {
        let reason =
          refused[name]
          ?? parts[name].map { "it is a part of `\($0)`, which is stored as \(kernels.storage)" }
          ?? (variable.type.dtype == .f32
            ? "nothing multiplies by it as a kernel, or looks it up"
            : "it is \(variable.type.dtype), and no f32")
        kept.append(Kept(name: name, reason: reason))
      }
    }
  }
}
