/// An op that carries a graph of its own, which passes descend into.
package protocol BodyOp: Op {
  var body: GraphDef { get }

  /// The body, perhaps under other names, where it is at hand: of many ops that share it, only those that are looked at
  /// by name make a body of their own. Default: the body.
  var pattern: GraphDef { get }

  /// What tells the pattern from others; nil for an op that shares none. Default: nil.
  var sharedPattern: ObjectIdentifier? { get }

  /// The same op over another body; inputs of the body keep their meaning.
  func with(body: GraphDef) -> Self
}

extension BodyOp {
  package var asBodyOp: (any BodyOp)? { self }
  package var pattern: GraphDef { body }
  package var sharedPattern: ObjectIdentifier? { nil }
}
