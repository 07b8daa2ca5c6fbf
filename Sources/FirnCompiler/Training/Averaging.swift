public import FirnNotation

/// Averages of what a program trains, over the values after each of its steps.
///
/// They are kept beside the variables, as slots (`encoder/kernel/average/value`), and move with the step that moves the
/// weights: in a run that makes no step they stay. What is frozen has none, as its average is what it is. A decay alone may
/// stand for it: `averaging: 0.99`. What is evaluated under the averages says so when it is compiled:
/// `session.compile(fetching: [loss], underAverages: "average")`.
public struct Averaging: Sendable, ExpressibleByFloatLiteral {
  package enum Rule: Hashable, Sendable {
    case decay(Double)
    case mean
  }

  package let rule: Rule
  package let selection: Selection?
  /// What it is called where something is compiled under it; also the component that its slots are named by.
  public let name: String

  /// An exponential average: a' = decay·a + (1 - decay)·w', from the w before the first step.
  ///
  /// PyTorch's `AveragedModel` and Keras's `use_ema` start from the w after the first step.
  ///
  /// - Parameters:
  ///   - decay: at least 0 and below 1.
  ///   - selection: of what; of all that the program trains by default.
  ///   - name: one component of a path.
  public static func decay(
    _ decay: Double, of selection: Selection? = nil, named name: String = "average"
  ) -> Averaging {
    Averaging(rule: .decay(decay), selection: selection, name: name)
  }

  /// The plain mean of the values after each step so far: stochastic weight averaging, Izmailov et al., UAI 2018; PyTorch's
  /// `AveragedModel`.
  ///
  /// - Parameters:
  ///   - selection: of what; of all that the program trains by default.
  ///   - name: one component of a path.
  public static func mean(of selection: Selection? = nil, named name: String = "average") -> Averaging {
    Averaging(rule: .mean, selection: selection, name: name)
  }

  private init(rule: Rule, selection: Selection?, name: String) {
    self.rule = rule
    self.selection = selection
    self.name = name
  }

  /// An exponential average of all that is trained.
  public init(floatLiteral decay: Double) {
    self.init(rule: .decay(decay), selection: nil, name: "average")
  }
}
