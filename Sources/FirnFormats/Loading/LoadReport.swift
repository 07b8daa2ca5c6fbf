/// What a load found, name by name: variables in creation order, then what is left of the file, in its order.
public struct LoadReport: Hashable, Sendable, Codable {
  /// What became of a variable or of a tensor in the file.
  public enum Outcome: String, Hashable, Sendable, Codable, CaseIterable {
    /// Loaded as it is stored.
    case matched
    /// Loaded after a change of element type or order, which `note` says.
    case converted
    /// A variable nothing in the file is for; it is as it was.
    case missing
    /// A tensor no variable is there for.
    case unexpected
    /// A variable of another shape than the tensor; it is as it was.
    case wrongShape
    /// Likewise for element types that do not convert, such as integers to floats.
    case wrongType
    /// Tensors that a rule of the map was about but could not convert, or with elements that their variable cannot
    /// hold, for the reason in `note`; the variable is as it was.
    case unconvertible
    /// Left out on purpose, by the map or by `only:`.
    case ignored
  }

  /// One variable and what it was made from, or tensors of the file that no variable took.
  public struct Row: Hashable, Sendable, Codable {
    /// What became of it.
    public let outcome: Outcome
    /// Its path; nil where there is no variable.
    public let variable: String?
    /// What it is made from, or what is left over.
    public let sources: [String]
    /// Element type and shape of the variable, as `f32[3,4]`; nil where there is no variable.
    public let variableType: String?
    /// Stored type and shape of the tensor, as `f16[3,4]`; nil where there is none or more than one.
    public let sourceType: String?
    /// What was done, or what is wrong.
    public let note: String

    /// The sources in a few words.
    var sourceText: String {
      sources.count > 1 ? "\(sources[0]) and \(sources.count - 1) more" : sources.first ?? ""
    }
  }

  /// The file, as ``Weights/source`` names it.
  public let source: String
  /// One for each variable that was asked for, and one for each tensor, or group of them, that none of these took.
  public let rows: [Row]

  /// The rows of one outcome.
  public func rows(_ outcome: Outcome) -> [Row] { rows.filter { $0.outcome == outcome } }

  /// How many rows have one outcome.
  public func count(_ outcome: Outcome) -> Int { rows.count { $0.outcome == outcome } }

  /// Whether every variable got its value and every tensor was used or left out on purpose.
  public var isComplete: Bool { faults.isEmpty }

  /// Rows a strict load refuses.
  public var faults: [Row] {
    rows.filter { ![.matched, .converted, .ignored].contains($0.outcome) }
  }

  /// In one line: `12 matched, 2 missing, 1 unexpected`.
  public var summary: String {
    let counts = Outcome.allCases.compactMap { outcome in
      count(outcome) == 0 ? nil : "\(count(outcome)) \(outcome.words)"
    }
    return counts.isEmpty ? "nothing to load" : counts.joined(separator: ", ")
  }
}

extension LoadReport.Outcome {
  var words: String {
    switch self {
    case .wrongShape: "of another shape"
    case .wrongType: "of another type"
    default: rawValue
    }
  }
}
