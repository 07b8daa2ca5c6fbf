package import FirnGraph

/// A new value of a variable, or of a block of one.
package struct VariableChange: Sendable {
  package var name: String
  /// Nil for the whole.
  package var block: Block?
  /// Nil for the first value a variable had.
  package var array: NDArray?
  /// Where the value comes from; nil leaves what is known of the variable as it is.
  package var origin: Origin?

  package init(_ name: String, block: Block? = nil, to array: NDArray?, origin: Origin?) {
    self.name = name
    self.block = block
    self.array = array
    self.origin = origin
  }
}

extension Session {
  /// Makes all the changes, or none: everything is checked, and every value made, before the first is put in place.
  ///
  /// - Throws: one error that lists all that is wrong: `.unknownName`, `.shapeMismatch`, `.typeMismatch`, and
  ///   `.duplicateName` where an element is given two values.
  package func apply(_ changes: [VariableChange]) throws(FirnError) {
    var faults: [FirnError] = []
    var seen: [String: [Block?]] = [:]
    for change in changes {
      guard let entry = store[change.name] else {
        faults.append(unknown(change.name))
        continue
      }
      if let array = change.array, let fault = mismatch(array, entry, block: change.block) {
        faults.append(fault)
      }
      if seen[change.name]?.contains(where: { overlap($0, change.block) }) == true {
        faults.append(
          FirnError(
            .duplicateName, "`\(change.name)` is given two values", remedy: "give each element one value",
            place: change.name))
      }
      seen[change.name, default: []].append(change.block)
    }
    try FirnError.throwing(faults, "\(faults.count) values cannot be set, so none was")
    var values: [(name: String, array: NDArray?, origin: Origin?)] = []
    var positions: [String: Int] = [:]
    for change in changes {
      guard let block = change.block, let array = change.array else {
        values.append((change.name, change.array, change.origin))
        continue
      }
      let position = positions[change.name] ?? values.count
      if position == values.count {
        positions[change.name] = position
        values.append((change.name, try store.value(of: change.name), store[change.name]?.origin))
      }
      values[position].array = values[position].array?.replacing(block, with: array)
      if let origin = change.origin, let variable = store[change.name]?.variable {
        values[position].origin?.set([block], to: origin, of: variable)
      }
    }
    for value in values { store.replace(value.name, with: value.array, origin: value.origin) }
  }

  private func overlap(_ a: Block?, _ b: Block?) -> Bool {
    guard let a, let b, a.axis == b.axis else { return true }
    return a.range.overlaps(b.range)
  }

  func unknown(_ name: String) -> FirnError {
    FirnError(
      .unknownName, "the session holds no variable `\(name)`",
      remedy: NearestNames(to: name, among: store.variables.map(\.name)).question
        ?? "`variables` lists what it holds; other values are fetched by a program", place: name)
  }

  private func mismatch(_ array: NDArray, _ entry: VariableStore.Entry, block: Block?) -> FirnError? {
    let name = entry.variable.name + (block?.description ?? "")
    var wanted = entry.type
    if let block {
      guard wanted.shape.indices.contains(block.axis), block.range.lowerBound >= 0,
        block.range.upperBound <= wanted.shape[block.axis]
      else {
        return FirnError(
          .invalidArgument, "`\(entry.variable.name)` is \(wanted): it has no block \(block)",
          remedy: "stay within its extents", place: entry.variable.name)
      }
      wanted.shape[block.axis] = block.range.count
    }
    guard let difference = wanted.difference(from: array.type) else { return nil }
    return FirnError(
      wanted.shape == array.shape ? .typeMismatch : .shapeMismatch,
      "`\(name)` is \(wanted), the value is \(array.type): \(difference.message)",
      remedy: difference.remedy, place: entry.variable.name)
  }
}

extension ArrayType {
  /// How `given` is not this type, and what to do; nil where it is.
  package func difference(from given: ArrayType) -> (message: String, remedy: String)? {
    if shape.count != given.shape.count {
      return ("it has \(given.shape.count) axes, not \(shape.count)", "reshape the array")
    }
    let wrong = shape.indices.filter { shape[$0] != given.shape[$0] }
    if !wrong.isEmpty {
      let axes = wrong.map { "axis \($0) is \(given.shape[$0]), not \(shape[$0])" }
      let isTransposed = shape.count == 2 && shape == given.shape.reversed()
      return (
        axes.joined(separator: ", "),
        isTransposed ? "transpose the array" : "give an array of the variable's shape"
      )
    }
    if dtype != given.dtype {
      return ("its elements are \(given.dtype), not \(dtype)", "convert with `converted(to: .\(dtype))`")
    }
    return nil
  }
}

extension FirnError {
  /// Throws one fault as it is, several as causes of one error.
  package static func throwing(_ faults: [FirnError], _ summary: @autoclosure () -> String) throws(FirnError)
  {
    guard let first = faults.first else { return }
    throw faults.count == 1 ? first : FirnError(first.code, summary(), causes: faults)
  }
}
