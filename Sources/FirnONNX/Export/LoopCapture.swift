import FirnGraph
import FirnOps

/// What a loop reads of a value from around it: all of it, or some of its columns.
struct LoopCapture {
  let value: Value
  /// In the model.
  let name: String
  let shape: Shape
  let columns: Range<Int>?
}

extension GraphDef {
  /// What a loop's operand is before it is cut out of, or repeated: many parts of a kernel are one kernel.
  ///
  /// - Parameter cuts: whether to look through cuts; else only through copies.
  func captured(_ value: Value, cuts: Bool, _ names: [Value: String]) -> LoopCapture? {
    var value = value
    var columns: Range<Int>?
    while let (source, range) = step(behind: value, cuts: cuts), names[source] != nil {
      if let range {
        let start = range.lowerBound + (columns?.lowerBound ?? 0)
        columns = start..<start + (columns ?? range).count
      }
      value = source
    }
    guard let name = names[value] else { return nil }
    return LoopCapture(value: value, name: name, shape: type(of: value).shape, columns: columns)
  }

  /// What a value is made of, and which of its columns it is; nil where it is no part of anything.
  private func step(behind value: Value, cuts: Bool) -> (source: Value, columns: Range<Int>?)? {
    let node = nodes[value.node]
    guard let source = node.inputs.first else { return nil }
    let (whole, part) = (type(of: source).shape, type(of: value).shape)
    guard let width = part.last?.value else { return nil }
    switch node.op {
    case let split as Split where cuts && split.axis == whole.rank - 1:
      let before = split.sizes.prefix(value.result).compactMap(\.value)
      guard before.count == value.result else { return nil }
      let start = before.reduce(0, +)
      return (source, start..<start + width)
    case is Slice where cuts:
      guard let starts = try? node.op.attributes.shape("starts").dimensions,
        let steps = try? node.op.attributes.ints("steps"), steps.allSatisfy({ $0 == 1 }),
        starts.dropLast().allSatisfy({ $0 == 0 }), let start = starts.last?.value, start >= 0,
        part.dimensions.dropLast() == whole.dimensions.dropLast()
      else { return nil }
      return (source, start..<start + width)
    // A bias may have been spread over the batch outside of the loop.
    case is Broadcast where whole.rank == 1 && whole.last == part.last: return (source, nil)
    default: return nil
    }
  }
}
