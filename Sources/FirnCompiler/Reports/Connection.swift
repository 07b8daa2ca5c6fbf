public import FirnGraph

/// Whether a gradient gets from one tensor to another, and which way or why not.
public struct Connection: Hashable, Sendable, Codable {
  /// Whether a gradient exists, and if not, whether anything could be opened for one.
  public enum Verdict: String, Hashable, Sendable, Codable {
    /// A gradient passes along `path`.
    case connected
    /// Every path is cut, by `cuts`.
    case cut
    /// There is no path of any kind.
    case unconnected
  }

  /// Whether a gradient arrives.
  public let verdict: Verdict
  /// A shortest path along which gradients pass, from what is differentiated to what it is differentiated by; after
  /// each loop the way through its body.
  public let path: [NodePlace]
  /// A minimal set of nodes that cuts every path, in graph order.
  ///
  /// Even if gradients passed at all other nodes of the graph, none would arrive; and if they also passed at any one of
  /// these, one would. A result is entered with an edge that passes none, so nodes with one result are meant exactly;
  /// of a loop with several results, those in question.
  public let cuts: [CuttingNode]
  /// The nodes to open for a path with the fewest cuts to pass gradients.
  public let opening: [CuttingNode]
}

/// A node at which gradients end.
public struct CuttingNode: Hashable, Sendable, Codable {
  /// Why no gradient passes.
  public enum Kind: String, Hashable, Sendable, Codable {
    /// The user said so: PyTorch's `detach()`, TensorFlow's `stop_gradient`.
    case stopGradient = "stop_gradient"
    /// A derivative that is zero wherever it exists, such as that of `floor`.
    case zeroDerivative = "zero derivative"
    /// There is none, as of comparisons, integers and indices.
    case noDerivative = "no derivative"
  }

  /// The node.
  public let node: NodePlace
  /// Why no gradient passes it.
  public let kind: Kind
  /// For a loop, the paths of the stops in its body.
  public let inside: [String]
}

/// Why a variable is trained or not.
public struct VariableExplanation: Hashable, Sendable, Codable {
  /// The variable's path.
  public let variable: String
  /// What becomes of it.
  public let status: TrainingStatus
  /// The rule or the node that decides, as a sentence's end: `it is frozen by …`.
  public let reason: String
  /// The scopes that read it, in graph order; more than one for tied weights.
  public let readers: [String]
  /// Between the loss and the variable, whoever decided that it is frozen; nil without a loss.
  public let connection: Connection?
}
