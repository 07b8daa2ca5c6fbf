/// What every throwing call of Firn throws: what is wrong, where, and what to do about it.
public struct FirnError: Error, Hashable, Sendable {
  /// The kind of fault, stable across versions; messages may be reworded.
  ///
  /// Later versions may add kinds: a `switch` over codes needs a `default`.
  public struct Code: RawRepresentable, Hashable, Sendable {
    /// Kebab case, as printed: `shape-mismatch`.
    public let rawValue: String

    /// The code printed as `rawValue`.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The graph contradicts itself or its use: a loop, a run, a program.
    public static let invalidGraph = Code(rawValue: "invalid-graph")
    /// An argument has a value that is not allowed.
    public static let invalidArgument = Code(rawValue: "invalid-argument")
    /// Shapes do not fit each other.
    public static let shapeMismatch = Code(rawValue: "shape-mismatch")
    /// Element types do not fit each other or the operation.
    public static let typeMismatch = Code(rawValue: "type-mismatch")
    /// A second thing would have the name of a first.
    public static let duplicateName = Code(rawValue: "duplicate-name")
    /// Nothing has this name.
    public static let unknownName = Code(rawValue: "unknown-name")
    /// What is fed does not fit its placeholder.
    public static let invalidFeed = Code(rawValue: "invalid-feed")
    /// A placeholder that the program needs is not fed.
    public static let missingFeed = Code(rawValue: "missing-feed")
    /// A selection is malformed, matches nothing, or contradicts another.
    public static let invalidSelection = Code(rawValue: "invalid-selection")
    /// A loss is no scalar.
    public static let notScalar = Code(rawValue: "not-scalar")
    /// A gradient that is asked for does not exist.
    public static let noGradient = Code(rawValue: "no-gradient")
    /// A run produced NaN or infinity while numerics were checked.
    public static let notFinite = Code(rawValue: "not-finite")
    /// An index points outside its axis.
    public static let indexOutOfRange = Code(rawValue: "index-out-of-range")
    /// Text or a file's content is malformed.
    public static let parse = Code(rawValue: "parse")
    /// A file cannot be read or written.
    public static let file = Code(rawValue: "file")
    /// The members of a world do not agree, or one of them is gone.
    public static let world = Code(rawValue: "world")
  }

  /// A tensor the fault is about.
  public struct Operand: Hashable, Sendable {
    /// What it is to the operation: `left`, `operand 2`, `column`.
    public var label: String
    /// The path of the tensor.
    public var name: String
    /// Element type and shape; nil where they are not known, as what made it is faulty itself.
    public var type: TensorType?
    /// The line that made it; nil where that is not known.
    public var location: CallSite?

    /// A tensor in a role.
    public init(label: String, name: String, type: TensorType?, location: CallSite? = nil) {
      self.label = label
      self.name = name
      self.type = type
      self.location = location
    }
  }

  /// What kind of fault it is, for programs to decide by.
  public var code: Code
  /// One line.
  public var message: String
  /// What to do about it; one line.
  public var remedy: String?
  /// The number of the violated constraint in the op's documentation, such as `C2`.
  public var constraint: String?
  /// The path of the node, scope or variable concerned.
  public var place: String?
  /// The line of the user's program that is at fault; nil where that is not known.
  public var location: CallSite?
  /// For a fault in text: the line it is in and below that a caret under the fault.
  public var excerpt: String?
  /// The tensors it is about, with their shapes.
  public var operands: [Operand]
  /// What led to it; for a model with several faults, one each.
  public var causes: [FirnError]

  /// A fault of one's own, such as an optimiser's; only code and message are needed.
  ///
  /// What a terminal would obey, such as an escape in a name that a file made up, becomes a space in the texts; names
  /// by themselves, `place` and those of operands, stay as they are and are cleaned where they are printed.
  public init(
    _ code: Code, _ message: String, remedy: String? = nil, constraint: String? = nil, place: String? = nil,
    location: CallSite? = nil, excerpt: String? = nil, operands: [Operand] = [],
    causes: [FirnError] = []
  ) {
    self.code = code
    self.message = PlainText.singleLine(message)
    self.remedy = remedy.map(PlainText.singleLine)
    self.constraint = constraint
    self.place = place
    self.location = location
    self.excerpt = excerpt.map(PlainText.styledLines)
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
    switch (place.map(PlainText.singleLine), location) {
    case (let place?, let location?): result.append("  at \(place) (\(location))")
    case (let place?, nil): result.append("  at \(place)")
    case (nil, let location?): result.append("  at \(location)")
    case (nil, nil): break
    }
    for operand in operands {
      let type = operand.type.map { " \($0)" } ?? ""
      let location = operand.location.map { " (\($0))" } ?? ""
      result.append("  \(operand.label): \(PlainText.singleLine(operand.name))\(type)\(location)")
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
