import FirnGraph
import FirnOps
import Testing

/// Whether a factor does the same where an op says that it can stand.
extension AskedOp {
  /// Every place along whose axes a factor is known to stand elsewhere too.
  var factors: [(place: FactorPlace, axis: Int, target: OperandAxis)] {
    guard results.count == 1 else { return [] }
    let places =
      [(FactorPlace.result, node.shape.rank)]
      + operands.indices.map { (FactorPlace.operand($0), operands[$0].shape.count) }
    return places.flatMap { place, rank in
      (0..<rank).compactMap { axis in
        op.factor(along: axis, of: place, in: node).map { (place, axis, $0) }
      }
    }
  }

  /// What is wrong with what it says of factors; for operands in `f64`.
  func factorFaults() throws -> [String] {
    try factors.flatMap { place, axis, target -> [String] in
      let what = "a factor along \(axis) of \(place)"
      guard operands.indices.contains(target.operand), place != .operand(target.operand) else {
        return ["\(what) stands at operand \(target.operand)"]
      }
      var (here, there) = (operands, operands)
      there[target.operand] = there[target.operand].scaled(along: target.axis)
      let expected: NDArray
      if case .operand(let operand) = place {
        here[operand] = here[operand].scaled(along: axis)
        expected = try op.results(of: here)[0]
      } else {
        expected = results[0].scaled(along: axis)
      }
      let made = try op.results(of: there)[0]
      let isSame = zip(made.doubles, expected.doubles).allSatisfy { abs($0 - $1) <= 1e-9 * (1 + abs($1)) }
      return isSame && made.shape == expected.shape ? [] : ["\(what) is not one along \(target)"]
    }
  }
}

extension NDArray {
  /// Times another number at each place along an axis.
  fileprivate func scaled(along axis: Int) -> NDArray {
    let inner = shape[(axis + 1)...].reduce(1, *)
    let values = doubles.enumerated().map { $1 * (0.5 + 0.75 * Double($0 / inner % shape[axis])) }
    guard let array = try? NDArray(values, shape: shape) else { return self }
    return array.converted(to: dtype)
  }
}
