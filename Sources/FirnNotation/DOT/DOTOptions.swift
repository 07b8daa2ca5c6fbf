public import FirnGraph

/// What a drawing of a graph shows.
public struct DOTOptions: Sendable {
  /// Stands above the drawing.
  public var title: String?
  /// Scopes nested deeper than this become one box each; nil draws everything.
  ///
  /// A loop's body counts as a scope.
  public var depth: Int?
  /// Whether each scope that has variables of its own, a layer, becomes one box.
  public var collapsesLayers: Bool
  /// Whether sibling scopes that differ in nothing but a number in their names are drawn once.
  public var foldsRepeats: Bool
  /// What each variable is, which decides its shape and colour.
  ///
  /// What no gradient reaches though nothing freezes it is drawn as trainable, with the word for what it is.
  public var status: @Sendable (Variable) -> TrainingStatus { didSet { isDeclared = false } }
  /// Whether `status` is that of declarations, which what a compilation decided takes the place of.
  private var isDeclared = false
  /// Where no gradient flows, drawn as dotted edges from the consumer back to the producer.
  public var removedGradients: [GradientEdge]
  /// Whether adjoints and the optimiser's nodes are drawn.
  public var showsBackward: Bool
  /// Whether the shapes and lines that occur are explained.
  public var legend: Bool

  /// A drawing that knows variables as they were declared, or, of a program's graph, as the program treats them;
  /// everything drawn by default.
  ///
  /// - Parameter frozen: names of variables drawn as frozen besides those declared `trainable: false`.
  public init(
    title: String? = nil, depth: Int? = nil, collapsesLayers: Bool = false, foldsRepeats: Bool = false,
    frozen: Set<String> = [],
    removedGradients: [GradientEdge] = [], showsBackward: Bool = true, legend: Bool = false
  ) {
    self.init(
      title: title, depth: depth, collapsesLayers: collapsesLayers, foldsRepeats: foldsRepeats,
      removedGradients: removedGradients,
      showsBackward: showsBackward, legend: legend
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
    title: String? = nil, depth: Int? = nil, collapsesLayers: Bool = false, foldsRepeats: Bool = false,
    removedGradients: [GradientEdge] = [], showsBackward: Bool = true, legend: Bool = false,
    status: @escaping @Sendable (Variable) -> TrainingStatus
  ) {
    self.title = title
    self.depth = depth
    self.collapsesLayers = collapsesLayers
    self.foldsRepeats = foldsRepeats
    self.removedGradients = removedGradients
    self.showsBackward = showsBackward
    self.legend = legend
    self.status = status
  }
}
