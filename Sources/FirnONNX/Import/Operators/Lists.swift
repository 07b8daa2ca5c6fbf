import FirnGraph
import FirnOps

/// Sequences of tensors: known while the model is read, and gone when it is a graph.
extension Operator {
  static let lists: [Operator] = [
    Operator("SequenceEmpty", means: "known when the model is read") { _ throws(FirnError) in [.list([])] },
    Operator("SequenceConstruct", means: "known when the model is read") { c throws(FirnError) in
      [.list(c.inputs.compactMap(\.self))]
    },
    Operator("SequenceInsert", means: "known when the model is read") { c throws(FirnError) in
      var list = try c.list(0)
      let place = try position(c, 2, count: list.count, isEndValid: true) ?? list.count
      guard list.count < KnownIntegers.limit else { throw c.unsupported("so long a sequence") }
      list.insert(try c.value(1), at: place)
      return [.list(list)]
    },
    Operator("SequenceErase", means: "known when the model is read") { c throws(FirnError) in
      var list = try c.list(0)
      guard let place = try position(c, 1, count: list.count) ?? list.indices.last else {
        throw c.unsupported("an element of an empty sequence")
      }
      list.remove(at: place)
      return [.list(list)]
    },
    Operator("SequenceAt", means: "the tensor, by a known place") { c throws(FirnError) in
      let list = try c.list(0)
      guard let place = try position(c, 1, count: list.count) else { throw c.unsupported("no position") }
      return [list[place]]
    },
    Operator("SequenceLength", means: "known when the model is read") { c throws(FirnError) in
      [.known(KnownIntegers(scalar: Dim(try c.list(0).count)))]
    },
    Operator("ConcatFromSequence", means: "`concatenate`, `stack`") { c throws(FirnError) in
      var parts: [Tensor] = []
      for value in try c.list(0) { parts.append(try c.importer.tensor(value).plain) }
      guard !parts.isEmpty else { throw c.unsupported("a concatenation of nothing") }
      let axis = c.int("axis", 0)
      return [.of(c.flag("new_axis") ? stack(parts, axis: axis) : concatenate(parts, axis: axis))]
    },
    Operator("SplitToSequence", means: "`split`") { c throws(FirnError) in
      let x = try c.tensor(0)
      let axis = try c.axis(c.int("axis", 0), rank: x.rank)
      func extent() throws(FirnError) -> Int {
        try c.numbers([x.shape[axis]], "the extent that is split")[0]
      }
      // Without sizes parts are of one element, whose axis goes unless it is kept.
      let isWhole = c.has(1)
      var sizes: [Int]
      if isWhole {
        sizes = try c.integers(1, "split")
        if try c.shape(1).rank == 0, let size = sizes.first, size > 0 {
          let whole = try extent()
          sizes = stride(from: 0, to: whole, by: size).map { Swift.min(size, whole - $0) }
        }
      } else {
        sizes = Array(repeating: 1, count: Swift.min(try extent(), KnownIntegers.limit + 1))
      }
      guard sizes.count <= KnownIntegers.limit, sizes.allSatisfy({ $0 >= 0 }) else {
        throw c.unsupported("\(sizes.count) parts")
      }
      var parts: [Tensor] = []
      if x.shape[axis].value != nil {
        parts = x.split(sizes: sizes.map { Dim($0) }, axis: axis)
      } else {
        // Of a named extent the sizes say what is taken.
        var start = 0
        for size in sizes {
          parts.append(x.sliced(axis: axis, from: Dim(start), to: Dim(start + size)))
          start += size
        }
      }
      let drops = !isWhole && !c.flag("keepdims", true)
      return [.list(parts.map { .of(drops ? $0.squeezed(axes: [axis]) : $0) })]
    },
  ]

  /// A known place in a sequence, counted from its end where it is negative; nil where none is given.
  private static func position(
    _ c: OperatorCall, _ input: Int, count: Int, isEndValid: Bool = false
  ) throws(FirnError) -> Int? {
    guard c.has(input) else { return nil }
    let given = try c.integer(input, "position")
    let place = given < 0 ? given.addingReportingOverflow(count).partialValue : given
    guard (0..<count + (isEndValid ? 1 : 0)).contains(place) else {
      throw FirnError(
        .indexOutOfRange, "position \(given) of a sequence of \(count)", remedy: "check the model")
    }
    return place
  }
}

extension OperatorCall {
  /// An input that is a sequence.
  fileprivate func list(_ index: Int) throws(FirnError) -> [ImportedValue] {
    guard case .list(let values) = try value(index) else {
      throw FirnError(
        .invalidGraph, "its input \(index) is no sequence", remedy: "check the file with onnx.checker")
    }
    return values
  }
}
