/// The same operations on parts of a given variable, with errors instead of nil.
extension Region {
  /// What is in either.
  ///
  /// - Throws: `.invalidSelection` where they are blocks along different axes, or not of this variable.
  package static func union(_ a: Region?, _ b: Region?, of variable: Variable) throws(FirnError) -> Region? {
    try combined(.union, a, b, of: variable)
  }

  /// What is in `a` and not in `b`.
  ///
  /// - Throws: `.invalidSelection` where they are blocks along different axes, or not of this variable.
  package static func difference(
    _ a: Region?, _ b: Region?, of variable: Variable
  ) throws(FirnError) -> Region? {
    try b?.check(variable)
    return try combined(
      .intersection, a, complement(of: b, extents: variable.type.shape.extents ?? []), of: variable)
  }

  /// What is in both.
  ///
  /// - Throws: `.invalidSelection` where they are blocks along different axes, or not of this variable.
  package static func overlap(
    _ a: Region?, _ b: Region?, of variable: Variable
  ) throws(FirnError) -> Region? {
    try combined(.intersection, a, b, of: variable)
  }

  /// What is not in `region`.
  package static func complement(_ region: Region?, of variable: Variable) throws(FirnError) -> Region? {
    try difference(.whole, region, of: variable)
  }

  /// The blocks; none where it is the whole.
  package var blocks: [Block] { if case .blocks(let blocks) = self { blocks } else { [] } }

  private static func combined(
    _ operation: Operation, _ a: Region?, _ b: Region?, of variable: Variable
  ) throws(FirnError) -> Region? {
    try a?.check(variable)
    try b?.check(variable)
    guard let result = combine(operation, a, b, extents: variable.type.shape.extents ?? []) else {
      let axes = [a, b].compactMap { $0?.blocks.first?.description }
      throw FirnError(
        .invalidSelection,
        "`\(variable.name)` is named by parts along two axes: " + axes.joined(separator: " and "),
        remedy: "name its parts along one axis", place: variable.name)
    }
    return result
  }

  private func check(_ variable: Variable) throws(FirnError) {
    for block in blocks {
      guard let extents = variable.type.shape.extents, extents.indices.contains(block.axis),
        block.range.lowerBound >= 0, block.range.upperBound <= extents[block.axis]
      else {
        throw FirnError(
          .invalidSelection, "\(block) is no part of \(variable.type)", remedy: "stay within its extents",
          place: variable.name)
      }
    }
  }
}
