package import FirnGraph

/// Where a program is divided: what is stored for each example, and what is computed only to have that.
package struct PrefixCut: Hashable, Sendable {
  /// A value of which a row is stored for each example.
  package struct Stored: Hashable, Sendable {
    package let value: Value
    /// The axis of the examples.
    package let axis: Int
    /// It has `outer` times for each example `inner` rows.
    package let outer: Dim
    package let inner: Dim
    /// Of the value for a batch.
    package let type: TensorType

    /// Of what one example has of it.
    package var exampleType: TensorType {
      var extents = type.shape.dimensions
      if outer == 1, inner == 1 { extents.remove(at: axis) } else { extents[axis] = outer * inner }
      return TensorType(type.dtype, Shape(extents))
    }
  }

  /// In the order of the graph.
  package let stored: [Stored]
  /// By node, whether the step does without it.
  let isBefore: [Bool]

  /// Whether there is nothing to store.
  package var isEmpty: Bool { stored.isEmpty }
}
