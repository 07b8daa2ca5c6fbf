public import FirnGraph

/// What a drawing of a graph shows.
///
/// Where nothing is said of depth, a drawing is folded to what a person can read: layers and loops are boxes, scopes
/// that repeat are drawn once, and where that leaves too many boxes, so are scopes further out. `opening:` opens some of
/// them, `depth: .max` all.
public struct DOTOptions: Sendable {
  /// Stands above the drawing.
  public var title: String?
  /// Scopes nested deeper than this become one box each; nil leaves it to what can be read.
  ///
  /// A loop's body counts as a scope.
  public var depth: Int?
  /// Whether each scope that has variables of its own, a layer, and each loop becomes one box.
  public var collapsesLayers: Bool
  /// Whether sibling scopes that differ in nothing but a number in their names are drawn once.
  public var foldsRepeats: Bool
  /// Paths of scopes that are drawn with all that is in them, however the rest is folded.
  public var opening: [String]
  /// What each variable is, which decides its shape and colour.
  ///
  /// What no gradient reaches though nothing freezes it is drawn as trainable, with the word for what it is.
  public var status: @Sendable (Variable) -> TrainingStatus { didSet { isDeclared = false } }
  /// Whether `status` is that of declarations, which what a compilation decided takes the place of.
  private var isDeclared = false
  /// Where no gradient flows, drawn as dotted edges from the consumer back to the producer.
  public var removedGradients: [GradientEdge]
  /// Names of nodes that no run computes, as they depend on frozen variables and constants only; drawn dashed.
  public var computedOnce: Set<String> = []
  /// Names of values that caching stores for each example, drawn as bold edges: what is behind them is computed once.
  public var stored: Set<String> = []
  /// Whether adjoints and the optimiser's nodes are drawn.
  public var showsBackward: Bool
  /// Whether the shapes and lines that occur are explained.
  public var legend: Bool

  /// A drawing that knows variables as they were declared, or, of a program's graph, as the program treats them; folded
  /// unless a depth is given.
  ///
  /// - Parameters:
  ///   - depth: scopes nested deeper become one box each; `.max` draws everything.
  ///   - collapsesLayers: whether layers and loops become boxes; by default where no depth is given.
  ///   - foldsRepeats: whether scopes that repeat are drawn once; by default where no depth is given.
  ///   - opening: paths of scopes that are drawn whole.
  ///   - frozen: names of variables drawn as frozen besides those declared `trainable: false`.
  public init(
    title: String? = nil, depth: Int? = nil, collapsesLayers: Bool? = nil, foldsRepeats: Bool? = nil,
    opening: [String] = [], frozen: Set<String> = [],
    removedGradients: [GradientEdge] = [], showsBackward: Bool = true, legend: Bool = false
  ) {
    self.init(
      title: title, depth: depth, collapsesLayers: collapsesLayers, foldsRepeats: foldsRepeats,
      opening: opening,
      removedGradients: removedGradients, showsBackward: showsBackward, legend: legend
    ) { variable in
      let status = variable.declaredStatus
      return status == .trainable && frozen.contains(variable.name) ? .frozen : status
    }
    isDeclared = true
  }

  /// For a graph of which a compilation decided what becomes of variables.
  func knowing(_ decided: [String: TrainingStatus]) -> DOTOptions {
    guard isDeclared else { return self }
    var result = self
    result.status = { [status] variable in
      let known = status(variable)
      return known == variable.declaredStatus ? decided[variable.name] ?? known : known
    }
    return result
  }

  /// A drawing that knows variables as a compilation sees them.
  ///
  /// - Parameter status: what each variable is, for compilations that thaw some.
  public init(
    title: String? = nil, depth: Int? = nil, collapsesLayers: Bool? = nil, foldsRepeats: Bool? = nil,
    opening: [String] = [], removedGradients: [GradientEdge] = [], showsBackward: Bool = true,
    legend: Bool = false, status: @escaping @Sendable (Variable) -> TrainingStatus
  ) {
    self.title = title
    self.depth = depth
    self.collapsesLayers = collapsesLayers ?? (depth == nil)
    self.foldsRepeats = foldsRepeats ?? (depth == nil)
    self.opening = opening
    self.removedGradients = removedGradients
    self.showsBackward = showsBackward
    self.legend = legend
    self.status = status
  }

  /// Whether a scope is drawn open: it lies in one that is opened, or that lies in it.
  func opens(_ scope: String) -> Bool {
    opening.contains { Path.isWithin(scope, $0) || Path.isWithin($0, scope) }
  }
}
