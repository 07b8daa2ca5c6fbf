/// An op that carries a graph of its own, which passes descend into.
package protocol BodyOp: Op {
  var body: GraphDef { get }

  /// The same op over another body; inputs of the body keep their meaning.
  func with(body: GraphDef) -> Self
}

extension BodyOp {
  package var asBodyOp: (any BodyOp)? { self }
}
