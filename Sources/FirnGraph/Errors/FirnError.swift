/// What every throwing call of Firn throws: what is wrong, where, and what to do about it.
public struct FirnError: Error, Hashable, Sendable {
  /// The kind of fault, stable across versions; messages may be reworded.
  public enum Code: String, Hashable, Sendable {
    case invalidGraph = "invalid-graph"
    case invalidArgument = "invalid-argument"
    case shapeMismatch = "shape-mismatch"
    case typeMismatch = "type-mismatch"
    case duplicateName = "duplicate-name"
    case unknownName = "unknown-name"
    case invalidFeed = "invalid-feed"
    case missingFeed = "missing-feed"
    case invalidSelection = "invalid-selection"
    case notScalar = "not-scalar"
    case noGradient = "no-gradient"
    case notFinite = "not-finite"
    case indexOutOfRange = "index-out-of-range"
    case parse = "parse"
    case file = "file"
  }

  /// A tensor the fault is about.
  public struct Operand: Hashable, Sendable {
    public var label: String
    public var name: String
    public var type: TensorType?
    public var location: SourceLocation?

    public init(label: String, name: String, type: TensorType?, location: SourceLocation? = nil) {
      self.label = label
      self.name = name
      self.type = type
      self.location = location
    }
  }

  public var code: Code
  /// One line.
  public var message: String
  /// What to do about it; one line.
  public var remedy: String?
  /// The number of the violated constraint in the op's documentation, such as `C2`.
  public var constraint: String?
  /// The path of the node, scope or variable concerned.
  public var place: String?
  public var location: SourceLocation?
  /// For a fault in text: the line it is in and below that a caret under the fault.
  public var excerpt: String?
  public var operands: [Operand]
  /// What led to it; for a model with several faults, one each.
  public var causes: [FirnError]

  public init(
    _ code: Code, _ message: String, remedy: String? = nil, constraint: String? = nil, place: String? = nil,
    location: SourceLocation? = nil, excerpt: String? = nil, operands: [Operand] = [],
    causes: [FirnError] = []
  ) {
    self.code = code
    self.message = message
    self.remedy = remedy
    self.constraint = constraint
    self.place = place
    self.location = location
    self.excerpt = excerpt
    self.operands = operands
    self.causes = causes
  }
}

extension FirnError: CustomStringConvertible {
  /// A short tree: the message, then excerpt, place, operands, constraint, remedy and causes, indented.
  public var description: String { lines.joined(separator: "\n") }

  private var lines: [String] {
    var result = ["error[\(code.rawValue)]: \(message)"]
    if let excerpt { result += excerpt.split(separator: "\n").map { "    " + $0 } }
    switch (place, location) {
    case (let place?, let location?): result.append("  at \(place) (\(location))")
    case (let place?, nil): result.append("  at \(place)")
    case (nil, let location?): result.append("  at \(location)")
    case (nil, nil): break
    }
    for operand in operands {
      let type = operand.type.map { " \($0)" } ?? ""
      let location = operand.location.map { " (\($0))" } ?? ""
      result.append("  \(operand.label): \(operand.name)\(type)\(location)")
    }
    if let constraint { result.append("  constraint: \(constraint)") }
    if let remedy { result.append("  remedy: \(remedy)") }
    for cause in causes { result += cause.lines.map { "  " + $0 } }
    return result
  }
}

/// Stops the program on a fault of Firn itself, never on one of its user.
package func firnBug(_ place: String, _ message: String) -> Never {
  fatalError("Firn bug in \(place): \(message)")
}
