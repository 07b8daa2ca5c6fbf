public import FirnGraph

extension Tensor {
  /// The first `lengths` steps of each sequence in the opposite order, and the others where they were.
  ///
  /// TensorFlow's `reverse_sequence`, ONNX's `ReverseSequence`.
  ///
  /// | operand | type |
  /// | --- | --- |
  /// | x | any, with an axis of sequences and one of steps |
  /// | lengths | `i32[sequences]`, each in 0...steps |
  ///
  /// Constraints: (C1) `batchAxis` and `timeAxis` are two of the axes; (C2) lengths are `i32`, one for each sequence. A
  /// length beyond the steps is an error of the run, `.indexOutOfRange`; one below 0 counts as 0.
  ///
  /// - Parameters:
  ///   - lengths: how many steps of each sequence are turned.
  ///   - batchAxis: the axis of sequences.
  ///   - timeAxis: the axis of steps.
  /// - Complexity: 4 FLOPs a step; each element read and written once, and transposed where the axes are not the first.
  public func reversedSequences(
    lengths: Tensor, batchAxis: Int = 0, timeAxis: Int = 1, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    let location = CallSite(file, line)
    guard !lengths.isPoisoned,
      let batch = axis(batchAxis, "reversedSequences", constraint: "C1", location: location),
      let time = axis(timeAxis, "reversedSequences", constraint: "C1", location: location)
    else { return .poisoned(in: graph) }
    guard batch != time else {
      return fault(
        .invalidArgument, "reversedSequences: axis \(batch) for sequences and for steps",
        remedy: "name two axes", constraint: "C1", location: location)
    }
    guard lengths.type == TensorType(.i32, [shape[batch]]) else {
      return fault(
        lengths.dtype == .i32 ? .shapeMismatch : .typeMismatch,
        "reversedSequences: lengths are \(lengths.type) for \(shape[batch]) sequences",
        remedy: "give one i32 for each sequence", constraint: "C2", operands: [self, lengths],
        location: location)
    }
    return composing(file, line) { x in
      let order = [batch, time] + (0..<rank).filter { $0 != batch && $0 != time }
      let sorted = x.permuted(order)
      let (sequences, steps) = (shape[batch], shape[time])
      let step = graph.iota(steps).inserting([0]).repeated(to: [sequences, steps])
      let length = lengths.inserting([1]).repeated(to: [sequences, steps])
      let turned = select(where: less(step, length), length - step - 1, otherwise: step)
      let rows = sorted.withShape(Shape([sequences * steps] + sorted.shape.dropFirst(2)))
      let starts = graph.iota(sequences).inserting([1]) * graph.extent(steps, dtype: .i32)
      // Of a length beyond the steps the first index is out of range, and is found to be.
      let places = turned.countedFromStart(steps) + starts
      let result = rows.applying(Gather(axis: 0), places.withShape([sequences * steps]))
      var inverse = order
      for (place, axis) in order.enumerated() { inverse[axis] = place }
      return result.withShape(sorted.shape).permuted(inverse)
    }
  }
}
