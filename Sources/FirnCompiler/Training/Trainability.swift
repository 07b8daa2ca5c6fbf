package import FirnGraph

/// Which variables a compilation trains, and which of the three ways of saying so decided it (rule 6).
package struct Trainability: Sendable {
  /// Who decided about one variable.
  package enum Decision: Hashable, Sendable {
    /// A parameter, by default.
    case byDefault
    /// Declared `trainable: false` where it was built.
    case frozenByDeclaration
    /// Named by `freezing:`.
    case frozenBySelection(String)
    /// Declared or selected frozen, but thawed by `training:`.
    case thawedBySelection(String)
    /// Written by the step, never by a gradient.
    case state
    /// Integers and booleans have no gradient.
    case notDifferentiable
  }

  /// In creation order, without slots.
  package let variables: [Variable]
  private let decisions: [String: Decision]

  package init(_ variables: [Variable], freezing: Selection?, training: Selection?) throws(FirnError) {
    self.variables = variables.filter { $0.kind != .slot }
    let frozen = Set(try freezing?.resolve(in: variables).map(\.name) ?? [])
    let thawed = Set(try training?.resolve(in: variables).map(\.name) ?? [])
    var decisions: [String: Decision] = [:]
    for variable in self.variables {
      let name = variable.name
      if variable.kind == .state {
        decisions[name] = .state
      } else if !variable.type.dtype.isFloatingPoint {
        decisions[name] = .notDifferentiable
      } else if let training, thawed.contains(name), !variable.isTrainable || frozen.contains(name) {
        decisions[name] = .thawedBySelection(training.description)
      } else if let freezing, frozen.contains(name) {
        decisions[name] = .frozenBySelection(freezing.description)
      } else {
        decisions[name] = variable.isTrainable ? .byDefault : .frozenByDeclaration
      }
    }
    self.decisions = decisions
  }

  package func decision(_ name: String) -> Decision { decisions[name] ?? .byDefault }

  package func isTrained(_ name: String) -> Bool {
    switch decision(name) {
    case .byDefault, .thawedBySelection: true
    case .frozenByDeclaration, .frozenBySelection, .state, .notDifferentiable: false
    }
  }

  /// Names of the variables that a gradient may change.
  package var trained: Set<String> { Set(variables.map(\.name).filter(isTrained)) }

  /// Whether every parameter below `scope` is frozen and there is at least one: such a scope runs in inference mode.
  package func isFrozen(scope: String) -> Bool {
    var any = false
    for variable in variables where variable.kind == .parameter && Path.isWithin(variable.name, scope) {
      if isTrained(variable.name) { return false }
      any = true
    }
    return any
  }
}

extension Trainability.Decision {
  /// One line for errors and reports.
  package var explanation: String {
    switch self {
    case .byDefault: "it is a parameter that nothing freezes"
    case .frozenByDeclaration: "it is frozen by its declaration (`trainable: false`)"
    case .frozenBySelection(let text): "it is frozen by `freezing: \(text)`"
    case .thawedBySelection(let text): "it is trained by `training: \(text)`"
    case .state: "it is state, which the step itself writes"
    case .notDifferentiable: "it holds no floating-point numbers"
    }
  }
}
