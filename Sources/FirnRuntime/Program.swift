public import FirnCompiler
public import FirnGraph
package import FirnNotation

/// What a session compiled: immutable, to be run any number of times.
///
/// It holds no weights: those are the session's, and all its programs share them.
public struct Program: Sendable {
  package let compilation: Compilation
  /// Shared by copies; a session keeps plans and buffers for as long as it lives.
  let identity = ProgramIdentity()
  let session: SessionIdentity
  /// The graph it was compiled from.
  let home: GraphIdentity
  /// Names of what a run returns, in the order asked for; the losses of a training program are last.
  public let fetches: [String]
  /// For each fetch its output; nil for gradients that do not exist here.
  let outputs: [Int?]
  /// Knows the placeholders it needs, and those of the graph it was made from.
  let feedCheck: FeedCheck

  /// Whether its runs need the other members of a world.
  let isExchanging: Bool

  /// Of the variables that are trained in part, what is.
  let trainedBlocks: [String: [Block]]

  private let ownMoves = Once<[String], Never>()
  /// State that its runs move by what this member of a world alone was fed.
  var ownState: [String] { ownMoves { compilation.graph.ownState } }

  private let statusReport = Once<StatusReport, Never>()
  /// What becomes of each variable and each scope, and why; worked out when it is first asked for.
  public var status: StatusReport {
    statusReport {
      do {
        return try compilation.status()
      } catch {
        // Selections that name nothing were refused when it was compiled.
        firnBug("status", "\(error)")
      }
    }
  }
  /// What is suspicious but not wrong: frozen variables that were never loaded or trained.
  public let warnings: [String]
  /// What each pass of the compiler did, and how long it took.
  public var history: [PassRecord] { compilation.context.history }
  /// For each variable, or trained block of one, with optimiser memory, in creation order, whether that was kept from
  /// the last program compiled with this optimiser, starts fresh, or is no longer used.
  public let slotReport: [SlotReport]

  /// What a run costs: arithmetic, nodes and bytes.
  public var cost: Cost { Cost(compilation.graph) }

  /// The part of `cost` that one scope has: its nodes, their adjoints and the updates of its variables.
  ///
  /// An adjoint is the gradient of the loss by one value of the forward program, as a node of its own.
  public func cost(of scope: String) -> Cost { Cost(compilation.graph, within: scope) }

  /// What runs do not compute, as it depends on frozen variables and constants only: the values, their bytes, and the
  /// variables that each is made of.
  public var frozenReport: FrozenReport { FrozenReport(compilation) }

  /// What is kept for the backward program, and what is not: of which values a mask is enough, and which scopes are
  /// computed again.
  public var memoryReport: MemoryReport { MemoryReport(compilation) }

  /// What makes the values that ``graph`` recalls as `bound`: it runs before the first run, and again when a variable that
  /// it reads has changed.
  public var boundGraph: GraphDef { compilation.bound }

  /// The compiled graph: forward, backward and update nodes; `graph.text` prints it.
  ///
  /// `graph.dot()` draws as frozen what the program froze. Elementwise nodes that one op runs are in its body;
  /// `graph.unfused` has them as nodes again.
  public var graph: GraphDef {
    let trainability = compilation.context.trainability
    var graph = compilation.graph
    graph.decided = Dictionary(
      trainability.variables.map { ($0.name, trainability.status(of: $0)) },
      uniquingKeysWith: { first, _ in first })
    return graph
  }

  /// Gradient edges that freezing and `stop_gradient` removed.
  public var removedGradients: [GradientEdge] { compilation.removedGradients }

  /// The names of its objectives, by which ``explanation(of:)`` and ``dot(of:_:)`` ask about one; none where nothing is
  /// trained.
  public var objectives: [String] { compilation.context.objectives.map(\.name) }

  /// The variables trained in whole or in part.
  public var trained: [Variable] { variables(with: [.trained, .partly]) }
  /// What of the variables is trained, in creation order: variables, or blocks of those trained in part.
  public var trainedParts: [TrainedPart] { compilation.trainedParts }
  /// Names of the variables a run writes, slots among them, in the order it does.
  package var writtenVariables: [String] { compilation.graph.writtenVariables }
  /// What it was compiled with.
  package var selections: (freezing: Selection?, thawing: Selection?) {
    (compilation.context.request.freezing, compilation.context.request.thawing)
  }
  /// The variables frozen in whole.
  public var frozen: [Variable] { variables(with: [.frozen]) }

  private func variables(with statuses: Set<TrainingStatus>) -> [Variable] {
    let names = Set(status.variables.filter { statuses.contains($0.status) }.map(\.name))
    return compilation.context.trainability.variables.filter { names.contains($0.name) }
  }
}

/// Tells sessions apart, even after one of them is gone.
final class SessionIdentity: Sendable {}
