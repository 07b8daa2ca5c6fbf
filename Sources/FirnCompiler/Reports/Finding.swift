/// Something suspicious about a graph and what is frozen in it.
public struct Finding: Hashable, Sendable, Codable {
  /// How sure it is that something is wrong.
  public enum Severity: String, Hashable, Sendable, Codable {
    /// Training cannot do what was asked for.
    case error
    /// Training runs, but probably not as meant.
    case warning
    /// Something is superfluous.
    case note
  }

  /// The rule, `F001` and so on; stable across versions.
  public let code: Code
  /// How sure it is that something is wrong; by the rule alone.
  public let severity: Severity
  /// What was found, in a sentence.
  public let message: String
  /// The variables or scopes concerned.
  public let subjects: [String]
  /// The nodes concerned.
  public let places: [NodePlace]
  /// What to do about it.
  public let remedy: String
  /// The section of the page on lint that explains it.
  public let page: String

  init(
    _ code: Code, _ message: String, subjects: [String] = [], places: [NodePlace] = [], remedy: String
  ) {
    self.code = code
    severity = code.severity
    self.message = message
    self.subjects = subjects
    self.places = places
    self.remedy = remedy
    page = code.page
  }

  /// The rules, by which findings can be told apart and ignored.
  public enum Code: String, Hashable, Sendable, Codable, CaseIterable {
    /// Trainable and under the loss, but every path is cut.
    case starved = "F001"
    /// Frozen with random first values.
    case frozenAndRandom = "F002"
    /// A `stop_gradient` without which the same gradients would exist.
    case stopWithoutEffect = "F003"
    /// A `stop_gradient` that starves variables of other scopes than its own.
    case stopBeyondItsScope = "F004"
    /// A trainable scope of which the loss can move nothing.
    case notUnderLoss = "F005"
    /// A variable read in several scopes of which only some are to train it.
    case tiedAndSplit = "F006"
    /// A `stop_gradient` that no gradient gets to because of another.
    case stopBehindStop = "F007"
    /// A frozen scope whose moving averages still move.
    case frozenAndMoving = "F008"
    /// A scope in training mode whose moving averages do not move.
    case trainedAndHeld = "F009"
    /// A selection that names a scope, but not others numbered as of the same name.
    case numberedSibling = "F010"
    /// An assignment of a training step made of weights as they were before the step.
    case laggingAssignment = "F011"
    /// A `select` that discards NaN, but not from gradients.
    case poisonedSelect = "F012"
    /// A convolution of images whose channels seem to come first.
    case channelsFirst = "F013"
    /// Trained at a rate of 0, which costs what training costs.
    case rateOfZero = "F014"
  }
}

extension Finding.Code {
  /// A few words; also the title of its section.
  public var title: String {
    switch self {
    case .starved: "starved"
    case .frozenAndRandom: "frozen and random"
    case .stopWithoutEffect: "stop without effect"
    case .stopBeyondItsScope: "stop beyond its scope"
    case .notUnderLoss: "not under the loss"
    case .tiedAndSplit: "tied and split"
    case .stopBehindStop: "stop behind a stop"
    case .frozenAndMoving: "frozen and moving"
    case .trainedAndHeld: "trained and held"
    case .numberedSibling: "numbered sibling"
    case .laggingAssignment: "lagging assignment"
    case .poisonedSelect: "poisoned select"
    case .channelsFirst: "channels first"
    case .rateOfZero: "rate of zero"
    }
  }

  /// Where `Docs/Lint.md` explains it.
  public var page: String {
    "Docs/Lint.md#" + rawValue.lowercased() + "-" + title.replacing(" ", with: "-")
  }

  /// How sure it is that something is wrong.
  public var severity: Finding.Severity {
    switch self {
    case .starved: .error
    case .frozenAndRandom, .stopBeyondItsScope, .notUnderLoss, .tiedAndSplit, .frozenAndMoving,
      .trainedAndHeld, .numberedSibling, .laggingAssignment, .poisonedSelect, .channelsFirst,
      .rateOfZero:
      .warning
    case .stopWithoutEffect, .stopBehindStop: .note
    }
  }
}
