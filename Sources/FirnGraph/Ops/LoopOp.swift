/// An op that runs a graph it carries, once or often; its results are the outputs of that graph, in order.
package protocol LoopOp: BodyOp {
  /// The operand that gives `parameter` of the body its value, for a carry the first one; nil where none does.
  func operand(of parameter: LoopInput) -> Int?

  /// Names of the `stop_gradient` nodes in the body at which paths between an operand and a result end.
  func stops(from operand: Int, to result: Int) -> [String]
}

extension Node {
  /// Names of the `stop_gradient` nodes that cut between an operand and a result: its own, or those in its body.
  package func stops(from operand: Int, to result: Int) -> [String] {
    guard let loop = op.asBodyOp as? any LoopOp else { return [name] }
    return loop.stops(from: operand, to: result).map { Path.joined(name, $0) }
  }
}
