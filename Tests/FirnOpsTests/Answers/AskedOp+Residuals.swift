import FirnGraph
import FirnOps

extension AskedOp {
  /// Whether something less than an operand is known to be enough, and what is wrong with that.
  func residualFaults() throws -> (isKnown: Bool, faults: [String]) {
    var (isKnown, faults) = (false, [String]())
    for operand in operands.indices {
      guard let rule = op.residual(of: operand, in: node) else { continue }
      isKnown = true
      let kept = try rule.arrange.results(of: [operands[operand]])[0]
      if kept.byteCount >= operands[operand].byteCount {
        faults.append(
          "of operand \(operand) \(kept.byteCount) bytes are kept, of \(operands[operand].byteCount)")
      }
      var others = operands
      others[operand] = kept
      for (made, wanted) in zip(try rule.op.results(of: others), results)
      where !made.isBitwiseEqual(to: wanted) {
        faults.append("made of what is kept of operand \(operand) it differs")
      }
    }
    return (isKnown, faults)
  }
}
