/// What an op can be in a fused program, which goes through its elements a block at a time.
package enum FusionRole: Sendable {
  /// Nothing: it is run by itself.
  case none
  /// An instruction: it works element by element, on a run of elements of any length.
  case instruction
  /// Nothing is done: each result shows elements of the only operand through a window.
  case windows([Window])
  /// Nothing is done: the operands lie one after the other along this axis of the only result.
  case joined(axis: Int)
}

/// Which element of a value is seen at each place: one index for each axis, linear in those of the place.
package struct Window: Hashable, Sendable {
  /// For each axis of what is seen, the axis of the value that it goes along; nil where the value is repeated.
  ///
  /// No two go along the same one.
  package var axes: [Int?]
  /// For each axis of what is seen, how far the next index is; 1 where the value is repeated.
  package var steps: [Int]
  /// For each axis of the value, the index at place 0.
  package var starts: [Dim]

  package init(axes: [Int?], steps: [Int]? = nil, starts: [Dim]) {
    self.axes = axes
    self.steps = steps ?? axes.map { _ in 1 }
    self.starts = starts
  }

  /// All of a value of this rank.
  package init(rank: Int) { self.init(axes: Array(0..<rank), starts: Array(repeating: 0, count: rank)) }

  /// What is seen through this window of what `inner` shows.
  package func onto(_ inner: Window) -> Window {
    var result = Window(axes: [], steps: [], starts: inner.starts)
    for (axis, through) in inner.axes.enumerated() {
      if let through {
        result.starts[through] = result.starts[through] + starts[axis] * Dim(inner.steps[axis])
      }
    }
    for (axis, step) in zip(axes, steps) {
      let through = axis.flatMap { inner.axes[$0] }
      result.axes.append(through)
      result.steps.append(through == nil ? 1 : step * (axis.map { inner.steps[$0] } ?? 1))
    }
    return result
  }

  /// Whether everything of a value of `shape` is seen, as it lies, in what has the shape `seen`: nothing is left out, and
  /// what is seen more than once is repeated as a whole.
  package func showsAll(of shape: Shape, as seen: Shape) -> Bool {
    shape.indices.allSatisfy { axis in
      guard let through = axes.firstIndex(of: axis) else { return shape[axis] == 1 }
      return starts[axis] == 0 && steps[through] == 1 && seen[through] == shape[axis]
    }
  }
}
