/// An op that runs a graph it carries, once or often; its results are the outputs of that graph, in order.
package protocol LoopOp: Op {
  /// The operand that gives `parameter` of the body its value, for a carry the first one; nil where none does.
  func operand(of parameter: Parameter) -> Int?
}
