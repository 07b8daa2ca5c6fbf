import FirnGraph

/// Copies of an update differ in what they read and write alone: what was worked out for one holds for all.
extension Planner {
  /// A step of a program that shares its pattern with that of another step, which is of the same types.
  mutating func append(
    _ node: Node, _ values: [Value], as model: Plan.Step, canFail: Bool, at position: Int
  ) {
    var step = model
    (step.name, step.location) = (node.name, node.location)
    step.operands = node.inputs.map { slot($0) }
    for (value, type) in zip(values, model.resultTypes) {
      slots[index[value]] = newSlot(.arena(0), bytes: type.byteCount)
      types[index[value]] = type
    }
    step.results = values.map { slot($0) }
    if let check = checks?.check(of: position, making: values, as: steps.count) { step.check = check }
    if canFail { lastFailing = steps.count }
    steps.append(step)
  }
}
