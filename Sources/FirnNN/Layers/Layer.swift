public import FirnGraph

/// A piece of a model that owns variables: made once, called as often as wanted; every call shares them.
///
/// The first call opens the layer's scope in the graph of its argument and makes the variables there, of its argument's
/// element type; later calls add nodes to the same scope. A layer belongs to that graph; calling it with a tensor of
/// another is an error.
///
/// What a call finds wrong (a constraint its page numbers) goes on record in the graph with the line that made the
/// layer; its result is then poison, which nothing complains of again, and compiling throws the faults together.
public protocol Layer: AnyObject {
  /// The layer applied to `input`.
  func callAsFunction(_ input: Tensor) -> Tensor
}

/// A layer that a composition can give another name before its first call.
protocol ScopedLayer: Layer {
  var scope: LayerScope { get set }
}

/// The scope of a layer, opened by the first call and entered again by later ones.
struct LayerScope {
  /// What the first call opens.
  var name: String
  /// Whether its user gave the name.
  private(set) var isNamed = false
  let location: CallSite
  private var home: (graph: Graph, path: String)?

  init(_ name: String, _ file: StaticString, _ line: UInt) { self.init(name, location: CallSite(file, line)) }

  init(_ name: String, location: CallSite) {
    self.name = name
    self.location = location
  }

  /// - Parameters:
  ///   - name: what the user calls it; nil, or the default itself, for no name.
  ///   - defaultName: what a layer of this kind is called otherwise.
  init(_ name: String?, otherwise defaultName: String, _ file: StaticString, _ line: UInt) {
    self.init(name, otherwise: defaultName, location: CallSite(file, line))
  }

  init(_ name: String?, otherwise defaultName: String, location: CallSite) {
    self.init(name ?? defaultName, location: location)
    isNamed = self.name != defaultName
  }

  /// Whether it has been opened.
  var isOpened: Bool { home != nil }

  /// Runs `body` inside the scope; nil, with the fault on record, where the layer belongs to another graph.
  mutating func enter<Result>(_ input: Tensor, _ body: (Graph) -> Result) -> Result? {
    if input.isPoisoned { return nil }
    let graph = input.graph.current
    if let home {
      guard home.graph === graph.root else {
        graph.report(
          FirnError(
            .invalidGraph, "layer `\(home.path)` was first called in another graph",
            remedy: "make one layer for each graph; sessions can share values by `snapshot`",
            location: location))
        return nil
      }
      // In a loop's body, paths continue the path of the scope that holds the loop.
      let path = Path.relative(home.path, to: graph.parent?.fullScopePath ?? "")
      return graph.at(location) { graph.section(path, phase: graph.phase) { body(graph) } }
    }
    return graph.at(location) {
      graph.newScope(name) {
        home = (graph.root, graph.fullScopePath)
        return body(graph)
      }
    }
  }
}

/// The fault of an argument, recorded at the layer's place.
func report(
  _ message: String, remedy: String, code: FirnError.Code = .shapeMismatch, constraint: String? = nil,
  _ operands: Tensor...
) -> Tensor {
  guard let graph = Graph.innermost(operands) else { firnBug("layer", "a fault without operands") }
  return graph.report(FirnError(code, message, remedy: remedy, constraint: constraint), operands: operands)
}
