import FirnGraph

/// What a loop keeps for its gradient: memory against computing steps once more.
public enum Recomputation: Hashable, Sendable {
  /// Everything the gradient reads, of every step.
  case none
  /// The state before every n-th step; the steps between are computed again.
  ///
  /// For T steps, T/n states and n steps' values are held at a time: least for n near √T (Chen et al., *Training Deep
  /// Nets with Sublinear Memory Cost*, 2016, section 4.1). It costs each step once more.
  ///
  /// A length that is no number must be a multiple of n by its name, such as `4*segments`, and n positive; `scan` cites
  /// both as C6. Values, random draws and gradients have the bits they have without it, with two exceptions that differ
  /// by rounding: gradients of what all steps share where n does not divide T, and derivatives of gradients.
  case every(Int)
}

extension PreparedLoop {
  /// Adds a loop over segments of `count` steps, which recomputes, around one over the steps of a segment; steps beyond
  /// the last whole segment are a loop of their own.
  func appendSegments(of count: Int, in outer: Graph) -> [Tensor] {
    func fault(_ message: String, remedy: String) -> [Tensor] {
      let error = FirnError(.invalidArgument, "scan: \(message)", remedy: remedy, constraint: "C6")
      let poison = outer.report(error, operands: sequences + initial, name: name, location: location)
      return op.body.outputs.map { _ in poison }
    }
    guard (1...Int(Int32.max)).contains(count) else {
      return fault(
        "a checkpoint every \(count) steps",
        remedy: count < 1 ? "keep one every step at least" : "keep one every \(Int32.max) steps at least")
    }
    let rest = op.length.value.map { $0 % count } ?? 0
    guard let segments = (op.length - Dim(rest)).divided(exactlyBy: Dim(count)) else {
      return fault(
        "\(op.length) steps do not fall into segments of \(count)",
        remedy: "name the axis `\(count)*segments` and pad sequences to it, or give the number of steps")
    }
    let whole = segments * Dim(count)
    func main(_ initial: [Tensor]) -> [Tensor] {
      let heads = sequences.map { rest == 0 ? $0 : $0.sliced(axis: 0, to: whole) }
      return appendWhole(segments, of: count, over: heads, from: initial, in: outer)
    }
    if rest == 0 { return main(initial) }
    func tail(_ initial: [Tensor]) -> [Tensor] {
      let start = outer.constant(NDArray(scalar: Int32(clamping: whole.value ?? 0)))
      return append(
        op.displaced(length: Dim(rest)), initial: initial,
        sequences: sequences.map { $0.sliced(axis: 0, from: whole) }, captures: captures + [start], in: outer)
    }
    let first = op.isReversed ? tail(initial) : main(initial)
    let carries = Array(first.prefix(op.carries))
    let second = op.isReversed ? main(carries) : tail(carries)
    let (head, end) = op.isReversed ? (second, first) : (first, second)
    return second.prefix(op.carries)
      + zip(head, end).dropFirst(op.carries).map { concatenate([$0, $1], axis: 0) }
  }

  /// Adds the loop of loops over `segments * count` steps.
  private func appendWhole(
    _ segments: Dim, of count: Int, over sequences: [Tensor], from initial: [Tensor], in outer: Graph
  ) -> [Tensor] {
    let cut = sequences.map {
      $0.withShape(Shape([segments, Dim(count)] + $0.shape.dropFirst()), location: location)
    }
    let segment = Graph(bodyIn: outer)
    let index = segment.loopInput(.index, 0, type: TensorType(.i32, .scalar), name: "index")
    let carries = initial.enumerated().map {
      segment.loopInput(.carry, $0, type: $1.type, name: "carry_\($0)")
    }
    let slices = cut.enumerated().map {
      segment.loopInput(
        .slice, $0, type: TensorType($1.dtype, $1.shape.removing([0])), name: "slice_\($0)")
    }
    let start = segment.at(location) { index * outer.constant(NDArray(scalar: Int32(clamping: count))) }
    let results = append(
      op.displaced(length: Dim(count)), initial: carries, sequences: slices,
      captures: captures + [start], in: segment)
    if results.contains(where: \.isPoisoned) { return results.map { _ in .poisoned(in: outer) } }
    var body = segment.definition
    body.outputs = results.map(\.value)
    let loop = Scan(
      body: body, carries: op.carries, slices: op.slices, captures: segment.captures.count, length: segments,
      isReversed: op.isReversed, recomputes: true)
    let tensors = append(
      loop, initial: initial, sequences: cut, captures: segment.captures.map(\.outer), in: outer)
    return tensors.prefix(op.carries)
      + tensors.dropFirst(op.carries).map {
        let steps = Shape([segments * Dim(count)] + $0.shape.dropFirst(2))
        return $0.withShape(steps, location: location)
      }
  }
}

extension Scan {
  /// A loop over `length` of the same steps, of which the first stands where one more capture says: random draws, and
  /// all else that reads the index, see positions in the whole.
  fileprivate func displaced(length: Dim) -> Scan {
    let displaced = body.rewritten { rewriter, position in
      guard let input = body.nodes[position].op as? LoopInput, input.kind == .index else { return }
      rewriter.keep(position)
      let start = rewriter.graph.loopInput(.capture, captures, type: input.type, name: "start")
      rewriter.replace(Value(position), with: (start + rewriter.tensor(Value(position))).value)
    }
    return Scan(
      body: displaced, carries: carries, slices: slices,
      captures: captures + 1, length: length, isReversed: isReversed)
  }
}
