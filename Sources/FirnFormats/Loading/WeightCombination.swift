public import FirnGraph

/// How several stored tensors become one.
public struct WeightCombination: Hashable, Sendable {
  private enum Kind: Hashable {
    case weightNorm, sum
    case concatenated(axis: Int)
  }

  private let kind: Kind

  private init(_ kind: Kind) { self.kind = kind }

  /// g · v / ‖v‖ of a gain g and a direction v, in this order: PyTorch's `weight_norm`.
  ///
  /// The norm is the Euclidean one over the axes along which g has the extent 1, over all where g is a scalar; a
  /// direction of zeros stays zeros (PyTorch: NaN). Formed in `f64`, rounded once (Salimans and Kingma, NeurIPS 2016,
  /// equation 2).
  public static let weightNorm = WeightCombination(.weightNorm)
  /// The sum of tensors of one shape, formed in `f64` in order and rounded once.
  public static let sum = WeightCombination(.sum)
  /// One behind the other along an axis; their other extents are equal.
  public static func concatenated(axis: Int) -> WeightCombination {
    WeightCombination(.concatenated(axis: axis))
  }

  /// The shape it makes of these.
  ///
  /// - Throws: `.shapeMismatch` where it does not apply, `.invalidArgument` for too few or too many.
  public func shape(of shapes: [[Int]]) throws(FirnError) -> [Int] {
    guard let first = shapes.first else {
      throw FirnError(.invalidArgument, "nothing is combined", remedy: "name the tensors")
    }
    func fault() -> FirnError {
      FirnError(
        .shapeMismatch,
        "\(shapes.map { "\(Shape($0))" }.joined(separator: " and ")) are no tensors for \(self)",
        remedy: "check the order of the patterns and the shapes in the file")
    }
    switch kind {
    case .weightNorm:
      guard shapes.count == 2 else {
        throw FirnError(
          .invalidArgument, "\(self) is of 2 tensors, not \(shapes.count)", remedy: "give gain and direction")
      }
      guard
        first.isEmpty
          || first.count == shapes[1].count && zip(first, shapes[1]).allSatisfy({ $0 == 1 || $0 == $1 })
      else { throw fault() }
      return shapes[1]
    case .sum:
      guard shapes.allSatisfy({ $0 == first }) else { throw fault() }
      return first
    case .concatenated(let axis):
      guard first.indices.contains(axis) else { throw fault() }
      func others(_ shape: [Int]) -> [Int]? {
        var shape = shape
        guard shape.indices.contains(axis) else { return nil }
        shape.remove(at: axis)
        return shape
      }
      guard shapes.allSatisfy({ others($0) == others(first) }) else { throw fault() }
      var result = first
      var sum = 0
      for shape in shapes {
        let (next, overflows) = sum.addingReportingOverflow(shape[axis])
        guard !overflows else { throw fault() }
        sum = next
      }
      result[axis] = sum
      return result
    }
  }

  /// - Throws: `.typeMismatch` where they are not all of one floating point type.
  func requireTypes(_ dtypes: [DType]) throws(FirnError) {
    guard let first = dtypes.first, first.isFloatingPoint, dtypes.allSatisfy({ $0 == first }) else {
      throw FirnError(
        .typeMismatch, "\(dtypes.map { "\($0)" }.joined(separator: " and ")) are no types for \(self)",
        remedy: "save all in one floating point type")
    }
  }

  /// What it makes of arrays of one floating point type.
  ///
  /// - Throws: as ``shape(of:)``; `.typeMismatch` for other types.
  public func callAsFunction(_ arrays: [NDArray]) throws(FirnError) -> NDArray {
    let shape = try shape(of: arrays.map(\.shape))
    try requireTypes(arrays.map(\.dtype))
    let dtype = arrays[0].dtype
    var values: [Double]
    switch kind {
    case .weightNorm: values = Self.normalized(arrays[1].doubles, arrays[0].doubles, arrays[0].shape, shape)
    case .sum:
      values = arrays[0].doubles
      for array in arrays.dropFirst() {
        for (position, value) in array.doubles.enumerated() { values[position] += value }
      }
    case .concatenated(let axis):
      values = []
      // Extents beside a 0 may be any.
      if shape.contains(0) { break }
      let outer = shape[..<axis].reduce(1, *)
      let parts = arrays.map(\.doubles)
      for row in 0..<outer {
        for part in parts {
          let width = part.count / max(outer, 1)
          values += part[row * width..<(row + 1) * width]
        }
      }
    }
    return try NDArray(values, shape: shape).converted(to: dtype)
  }

  private static func normalized(
    _ direction: [Double], _ gain: [Double], _ gainShape: [Int], _ shape: [Int]
  ) -> [Double] {
    let (strides, gainStrides) = (shape.rowMajorStrides, gainShape.rowMajorStrides)
    /// The gain of an element.
    func group(_ position: Int) -> Int {
      var group = 0
      for axis in gainShape.indices where gainShape[axis] > 1 {
        group += position / strides[axis] % shape[axis] * gainStrides[axis]
      }
      return group
    }
    var squares = [Double](repeating: 0, count: gain.count)
    for (position, value) in direction.enumerated() { squares[group(position)] += value * value }
    return direction.enumerated().map { position, value in
      let group = group(position)
      return value == 0 ? 0 : gain[group] * value / squares[group].squareRoot()
    }
  }
}

extension WeightCombination: CustomStringConvertible {
  /// In words, as reports show it: `a gain times a direction`.
  public var description: String {
    switch kind {
    case .weightNorm: "a gain times a direction"
    case .sum: "summed"
    case .concatenated(let axis): "concatenated along axis \(axis)"
    }
  }
}
