package import FirnGraph

/// One step of compiling: a function from graphs to graphs that may also put on record what it found.
package struct Pass: Sendable {
  /// Kebab case; stands in dumps and in the message of any failure.
  package let name: String
  package let run: @Sendable (GraphDef, inout CompilationContext) throws(FirnError) -> GraphDef

  package init(
    _ name: String,
    _ run: @escaping @Sendable (GraphDef, inout CompilationContext) throws(FirnError) -> GraphDef
  ) {
    self.name = name
    self.run = run
  }
}

/// From a request to a program: a list of passes, verified after each that changes something.
///
/// Each pass is declared in a file of its own; `Compiler.pipeline` lists them.
package enum Compiler {}

/// What passes read besides the graph, and what they leave for reports.
package struct CompilationContext: Sendable {
  package let request: CompilationRequest
  package let trainability: Trainability
  /// Whether what was asked for has been taken out of the whole graph: assignments left after that are the program's.
  package var hasExtracted = false
  /// What `prune-gradients` decided.
  package var pruning: PruningRecord?
  /// What each pass that changed something did to the number of nodes.
  package var history: [PassRecord] = []

  /// - Throws: what is wrong with the request's selections.
  package init(_ request: CompilationRequest) throws(FirnError) {
    self.request = request
    if let trainability = request.trainability {
      self.trainability = trainability
    } else {
      trainability = try Trainability(
        request.selectionContext, freezing: request.freezing, thawing: request.thawing)
    }
  }
}

/// One line of a compilation's history.
public struct PassRecord: Hashable, Sendable {
  public let pass: String
  public let nodesBefore: Int
  public let nodesAfter: Int
}
