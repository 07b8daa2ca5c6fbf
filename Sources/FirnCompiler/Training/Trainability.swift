package import FirnGraph
package import FirnNotation

/// Which variables a compilation trains, in whole or in part, and which of the three ways of saying so decided it (rule
/// 6).
package struct Trainability: Sendable {
  /// Who decided about one variable.
  package enum Decision: Hashable, Sendable {
    /// A parameter, by default.
    case byDefault
    /// Declared `trainable: false` where it was built.
    case frozenByDeclaration
    /// Named by `freezing:`.
    case frozenBySelection(String)
    /// Declared or selected frozen, but thawed by `thawing:`.
    case thawedBySelection(String)
    /// Only these blocks are trained; what keeps the rest frozen, and the selection that thawed some, in words.
    case partly([Block], frozenBy: String, thawedBy: String?)
    /// Written by the step, never by a gradient.
    case state
    /// Integers and booleans have no gradient.
    case notDifferentiable
    /// It follows another variable, and no gradient.
    case shadow(Shadow, thawedBy: String?)
    /// Trained by none of the objectives in question, in words.
    case leftOut(String)
  }

  /// In creation order, without slots.
  package let variables: [Variable]
  private let decisions: [String: Decision]
  private let regions: [String: Region]
  /// State that `freezing:` names, or that is declared so, and that `thawing:` does not name.
  private let holders: [String: Motion.Holder]
  private let frozenScopes: Set<String>

  /// - Throws: what is wrong with the selections; also where they name blocks of one variable along different axes.
  package init(
    _ context: SelectionContext, freezing: Selection?, thawing: Selection?
  ) throws(FirnError) {
    try self.init(
      context.graph.variables, freezing: try freezing?.resolve(in: context) ?? [],
      thawing: try thawing?.resolve(in: context) ?? [],
      named: (freezing?.description, thawing?.description))
  }

  package init(_ variables: [Variable], freezing: Selection?, thawing: Selection?) throws(FirnError) {
    try self.init(
      SelectionContext(GraphDef(variables: variables)), freezing: freezing, thawing: thawing)
  }

  /// - Parameter names: what the selections are called in reports; by default what they name.
  package init(
    _ variables: [Variable], freezing: [SelectedVariable], thawing: [SelectedVariable],
    named names: (freezing: String?, thawing: String?) = (nil, nil)
  ) throws(FirnError) {
    self.variables = variables.filter { $0.kind != .slot }
    let freezingName = Self.quoted(names.freezing ?? freezing.flatMap(\.matchedBy).joined(separator: " | "))
    let thawingName = Self.quoted(names.thawing ?? thawing.flatMap(\.matchedBy).joined(separator: " | "))
    let frozen = Dictionary(freezing.map { ($0.variable.name, $0.region) }, uniquingKeysWith: { $1 })
    let thawed = Dictionary(thawing.map { ($0.variable.name, $0.region) }, uniquingKeysWith: { $1 })
    var decisions: [String: Decision] = [:]
    var regions: [String: Region] = [:]
    for variable in self.variables {
      let name = variable.name
      if variable.kind == .state || !variable.type.dtype.isFloatingPoint {
        decisions[name] = variable.kind == .state ? .state : .notDifferentiable
        continue
      }
      if let shadow = variable.shadow {
        decisions[name] = .shadow(shadow, thawedBy: thawed[name] == nil ? nil : thawingName)
        continue
      }
      let declared: Region? = variable.isTrainable ? .whole : nil
      let left = try Region.difference(declared, frozen[name], of: variable)
      let trained = try Region.union(left, thawed[name], of: variable)
      regions[name] = trained
      let holder: Decision =
        frozen[name] == nil ? .frozenByDeclaration : .frozenBySelection(freezingName)
      decisions[name] =
        switch trained {
        case nil: holder
        case .whole: left == .whole ? .byDefault : .thawedBySelection(thawingName)
        case .blocks(let blocks):
          .partly(
            blocks, frozenBy: holder.explanation, thawedBy: thawed[name] == nil ? nil : thawingName)
        }
    }
    var holders: [String: Motion.Holder] = [:]
    for variable in self.variables where variable.kind == .state {
      if let shadow = variable.shadow {
        holders[variable.name] = .shadow(shadow)
        continue
      }
      if thawed[variable.name] != nil { continue }
      if frozen[variable.name] != nil {
        holders[variable.name] = .selection(freezingName)
      } else if variable.isHeld {
        holders[variable.name] = .declaration
      }
    }
    self.holders = holders
    frozenScopes = Self.frozenScopes(
      self.variables, isTrained: { regions[$0] != nil }, held: Set(holders.keys))
    self.decisions = decisions
    self.regions = regions
  }

  /// What reasons quote of a selection: one of very many alternatives would be in the reason of each variable it names.
  private static func quoted(_ selection: String) -> String {
    selection.utf8.count <= mostQuoted ? selection : selection.prefix(mostQuoted) + "…"
  }

  private static let mostQuoted = 240

  private init(
    _ variables: [Variable], _ decisions: [String: Decision], _ regions: [String: Region],
    _ holders: [String: Motion.Holder]
  ) {
    self.variables = variables
    self.decisions = decisions
    self.regions = regions
    self.holders = holders
    frozenScopes = Self.frozenScopes(
      variables, isTrained: { regions[$0] != nil }, held: Set(holders.keys))
  }

  /// The same, of which no more is trained than `regions`, by name.
  ///
  /// - Parameter reason: why the rest is not, as a sentence.
  /// - Throws: `.invalidSelection` where both name blocks of one variable along different axes.
  func restricted(to chosen: [String: Region], because reason: String) throws(FirnError) -> Trainability {
    var (decisions, regions) = (self.decisions, self.regions)
    for variable in variables {
      guard let own = self.regions[variable.name] else { continue }
      let left = try Region.overlap(own, chosen[variable.name], of: variable)
      if left == own { continue }
      regions[variable.name] = left
      decisions[variable.name] =
        if let left {
          .partly(left.blocks, frozenBy: reason, thawedBy: nil)
        } else {
          .leftOut(reason)
        }
    }
    return Trainability(variables, decisions, regions, holders)
  }

  /// What of a variable is trained, each part of it for itself.
  func parts(of variable: Variable) -> [TrainedPart] {
    switch regions[variable.name] {
    case nil: []
    case .whole: [TrainedPart(variable)]
    case .blocks(let blocks): blocks.map { TrainedPart(variable, block: $0) }
    }
  }

  package func decision(_ name: String) -> Decision { decisions[name] ?? .byDefault }

  /// What of a variable a gradient may change; nil where it is frozen.
  package func trainedRegion(_ name: String) -> Region? { regions[name] }

  /// Whether a gradient may change any part of it.
  package func isTrained(_ name: String) -> Bool { regions[name] != nil }

  /// What the selections make of a variable, before any loss is looked at.
  package func status(of variable: Variable) -> TrainingStatus {
    if variable.kind != .parameter { return .state }
    return switch trainedRegion(variable.name) {
    case .whole: .trainable
    case .blocks: .partly
    case nil: .frozen
    }
  }

  /// Names of the variables that a gradient may change.
  package var trained: Set<String> { Set(variables.map(\.name).filter(isTrained)) }

  /// What holds a state variable still, whatever its scope does.
  func holder(of state: String) -> Motion.Holder? { holders[state] }

  /// Whether `scope` runs in inference mode: it has parameters and all of them are frozen, or, having state only, all
  /// of that is held.
  package func isFrozen(scope: String) -> Bool { frozenScopes.contains(scope) }

  private static func frozenScopes(
    _ variables: [Variable], isTrained: (String) -> Bool, held: Set<String>
  ) -> Set<String> {
    var trained: Set<String> = []
    var withParameters: Set<String> = []
    var withMovingState: Set<String> = []
    var all: Set<String> = []
    // Most variables stand beside one of which the same was said.
    var last: (scope: String, isTrained: Bool, kind: Variable.Kind, isHeld: Bool)?
    for variable in variables {
      let name = variable.name
      let (isTrained, kind) = (isTrained(name), variable.kind)
      let isHeld = kind == .state && held.contains(name)
      if let last, last.isTrained == isTrained, last.kind == kind, last.isHeld == isHeld,
        Path.isDirectly(name, in: last.scope)
      {
        continue
      }
      last = (Path.parent(of: name), isTrained, kind, isHeld)
      let scopes = Path.ancestors(of: name)
      all.formUnion(scopes)
      if isTrained { trained.formUnion(scopes) }
      if kind == .parameter { withParameters.formUnion(scopes) }
      if kind == .state, !isHeld { withMovingState.formUnion(scopes) }
    }
    return all.subtracting(trained).subtracting(withMovingState.subtracting(withParameters))
  }
}

extension Trainability.Decision {
  /// One line for errors and reports.
  package var explanation: String {
    switch self {
    case .byDefault: "it is a parameter that nothing freezes"
    case .frozenByDeclaration: "it is frozen by its declaration (`trainable: false`)"
    case .frozenBySelection(let text): "it is frozen by `freezing: \(text)`"
    case .thawedBySelection(let text): "it is trained by `thawing: \(text)`"
    case .partly(let blocks, let holder, let thawed):
      blocks.map(\.description).joined(separator: ", ") + " is trained"
        + (thawed.map { " (thawed by `thawing: \($0)`)" } ?? "") + ", of the rest: " + holder
    case .state: "it is state, which only an assignment moves"
    case .notDifferentiable: "it holds no floating-point numbers"
    case .shadow(let shadow, let thawing):
      "it is frozen as \(shadow)" + (thawing.map { "; `thawing: \($0)` does not thaw it" } ?? "")
    case .leftOut(let reason): reason
    }
  }
}
