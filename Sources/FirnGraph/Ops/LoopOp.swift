/// An op that runs a graph it carries, once or often.
package protocol LoopOp: Op {
  /// The operand that gives `parameter` of the body its value, for a carry the first one; nil where none does.
  func operand(for parameter: Parameter) -> Int?

  /// The output of the body that `result` is made of; nil where there is none.
  func bodyOutput(for result: Int) -> Int?
}
