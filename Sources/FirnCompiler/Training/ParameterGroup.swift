public import FirnNotation

/// What is different for some of the variables that one optimiser moves: `Adam(groups: [.init("body", rate: .times(0.01))])`.
///
/// A variable may be in several groups, or in none. Where two that name it say the same thing, the later one holds; so a
/// list goes from the general to the particular. Groups name of variables what is trained as one: a variable, or all of a
/// trained block.
///
/// A rate of 0 is not freezing: the gradient is made, memory is kept, and lint says so. Freeze by `freezing:` instead.
public struct ParameterGroup: Hashable, Sendable {
  /// A rate in the place of the optimiser's.
  public enum Rate: Hashable, Sendable {
    /// So many times the optimiser's rate, as it is in each step.
    case times(Double)
    /// This rate, whatever the optimiser's schedule.
    case fixed(Double)
  }

  package enum Target: Hashable, Sendable {
    case selection(Selection)
    case layers(of: String)
  }

  package let target: Target
  package let rate: Rate?
  package let weightDecay: Double?

  /// What holds for the variables that a selection names.
  ///
  /// - Parameters:
  ///   - selection: variables; that some of them are frozen changes nothing.
  ///   - rate: in the place of the optimiser's rate; that one by default.
  ///   - weightDecay: in the place of the optimiser's; that one by default.
  public init(_ selection: Selection, rate: Rate? = nil, weightDecay: Double? = nil) {
    target = .selection(selection)
    self.rate = rate
    self.weightDecay = weightDecay
  }

  private init(target: Target, rate: Rate) {
    self.target = target
    self.rate = rate
    weightDecay = nil
  }

  /// Layer-wise rates: of the n children of a scope, scopes and variables in creation order, the last has the optimiser's
  /// rate, and each before it `factor` times that of the next; Howard & Ruder, ACL 2018, section 3.2.
  ///
  /// All children count, frozen or not, so that freezing one changes no other's rate.
  ///
  /// - Parameters:
  ///   - factor: positive and finite; 1 / 2.6 in the paper.
  ///   - scope: a path; `""` is the root.
  public static func discriminative(_ factor: Double, over scope: String) -> ParameterGroup {
    ParameterGroup(target: .layers(of: scope), rate: .times(factor))
  }
}
