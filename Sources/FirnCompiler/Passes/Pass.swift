package import FirnGraph

/// One step of compiling: a function from graphs to graphs that may also put on record what it found.
package struct Pass: Sendable {
  /// Kebab case; stands in dumps and in the message of any failure.
  package let name: String
  /// Whether a program is wrong without it; the others only make it cheaper and can be left out by name.
  package let isRequired: Bool
  /// Whether it changes nothing where it is run again on what it left, so that it need not be.
  package let isIdempotent: Bool
  package let run: @Sendable (GraphDef, inout CompilationContext) throws(FirnError) -> GraphDef

  package init(
    _ name: String, isRequired: Bool = false, isIdempotent: Bool = false,
    _ run: @escaping @Sendable (GraphDef, inout CompilationContext) throws(FirnError) -> GraphDef
  ) {
    self.name = name
    self.isRequired = isRequired
    self.isIdempotent = isIdempotent
    self.run = run
  }
}

/// From a request to a program: a list of passes, verified after each that changes something.
///
/// Each pass is declared in a file of its own; `Compiler.pipeline` lists them.
package enum Compiler {}

/// What one compiler pass did, in the order of the pipeline.
public struct PassRecord: Hashable, Sendable {
  /// The pass's name, in kebab case.
  public let pass: String
  /// Nodes of the graph it was given, bodies of loops not counted.
  public let nodesBefore: Int
  /// Nodes of the graph it made.
  public let nodesAfter: Int
  /// Whether it changed anything.
  public let isChange: Bool
  /// How long it took; differs from one compilation to the next, and so does not count where records are compared.
  public let duration: Duration

  package init(pass: String, nodesBefore: Int, nodesAfter: Int, isChange: Bool, duration: Duration) {
    self.pass = pass
    self.nodesBefore = nodesBefore
    self.nodesAfter = nodesAfter
    self.isChange = isChange
    self.duration = duration
  }

  /// Whether both did the same, however long it took.
  public static func == (a: PassRecord, b: PassRecord) -> Bool {
    a.pass == b.pass && a.nodesBefore == b.nodesBefore && a.nodesAfter == b.nodesAfter
      && a.isChange == b.isChange
  }

  /// Feeds what `==` compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(pass)
    hasher.combine(nodesBefore)
    hasher.combine(nodesAfter)
    hasher.combine(isChange)
  }
}
