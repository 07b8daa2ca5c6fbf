import FirnGraph

/// What the functions a user calls are made of. None of it traps: faults go on record and yield poison.
extension Tensor {
  /// The only result of `op` on this tensor and `others`.
  func applying(_ op: any Op, _ others: Tensor..., location: CallSite? = nil) -> Tensor {
    Graph.apply(op, to: [self] + others, location: location)[0]
  }

  /// Records a fault of an expression whose first operand is this tensor.
  func fault(
    _ code: FirnError.Code, _ message: String, remedy: String?, constraint: String? = nil,
    operands: [Tensor]? = nil, location: CallSite?
  ) -> Tensor {
    graph.report(
      FirnError(code, message, remedy: remedy, constraint: constraint), operands: operands ?? [self],
      location: location)
  }

  /// `axis` counted from the start; nil, with the fault of `constraint` on record, where there is none such.
  func axis(
    _ axis: Int, _ what: String, extra: Int = 0, constraint: String, location: CallSite?
  ) -> Int? {
    if isPoisoned { return nil }
    let count = rank + extra
    let positive = axis < 0 ? axis + count : axis
    if (0..<count).contains(positive) { return positive }
    _ = fault(
      .invalidArgument, "\(what): axis \(axis) is outside \(-count)..<\(count) of \(type)",
      remedy: count == 0 ? "a scalar has no axes" : "choose one of its \(count) axes", constraint: constraint,
      location: location)
    return nil
  }

  /// `axes` counted from the start, sorted; all of them for nil.
  func axes(_ axes: [Int]?, _ what: String, constraint: String, location: CallSite?) -> [Int]? {
    if isPoisoned { return nil }
    guard let axes else { return Array(0..<rank) }
    var result: [Int] = []
    for axis in axes {
      guard let axis = self.axis(axis, what, constraint: constraint, location: location) else { return nil }
      if result.contains(axis) {
        _ = fault(
          .invalidArgument, "\(what): axes \(axes) name axis \(axis) twice", remedy: "name each axis once",
          constraint: constraint, location: location)
        return nil
      }
      result.append(axis)
    }
    return result.sorted()
  }
}
