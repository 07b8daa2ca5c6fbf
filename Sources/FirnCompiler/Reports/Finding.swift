/// Something suspicious about a graph and what is frozen in it.
public struct Finding: Hashable, Sendable, Codable {
  public enum Severity: String, Hashable, Sendable, Codable {
    case error
    case warning
    case note
  }

  /// The rule, `F001` and so on; stable across versions.
  public let code: Code
  public let severity: Severity
  public let message: String
  /// The variables or scopes concerned.
  public let subjects: [String]
  /// The nodes concerned.
  public let places: [NodePlace]
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

  public enum Code: String, Hashable, Sendable, Codable, CaseIterable {
    case starved = "F001"
    case frozenAndRandom = "F002"
    case stopWithoutEffect = "F003"
    case stopBeyondItsScope = "F004"
    case notUnderLoss = "F005"
    case tiedAndSplit = "F006"
    case stopBehindStop = "F007"
    case frozenAndMoving = "F008"
    case trainedAndHeld = "F009"
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
    }
  }

  /// Where `Docs/Lint.md` explains it.
  public var page: String {
    "Docs/Lint.md#" + rawValue.lowercased() + "-" + title.replacing(" ", with: "-")
  }

  public var severity: Finding.Severity {
    switch self {
    case .starved: .error
    case .frozenAndRandom, .stopBeyondItsScope, .notUnderLoss, .tiedAndSplit, .frozenAndMoving,
      .trainedAndHeld:
      .warning
    case .stopWithoutEffect, .stopBehindStop: .note
    }
  }
}
