public import FirnGraph
import FirnOps
import FirnRuntime

/// How a stored tensor's elements are put in another order on the way into a variable.
///
/// Values stay what they are, but for ``summed(axis:)`` and ``resizedGrid(to:from:keeping:)``.
public struct WeightTransform: Hashable, Sendable {
  private enum Step: Hashable {
    /// Axis i of the result is axis `axes[i]` of the operand; nil reverses all.
    case permute([Int]?)
    /// `from` is the operand's shape, where it is known.
    case reshape([Int], from: [Int]?)
    /// Block i of the result along an axis is block `order[i]` of the operand.
    case blocks([Int], axis: Int)
    /// An axis becomes one of extent 1.
    case sum(axis: Int)
    /// The operand so often along an axis.
    case repetition(Int, axis: Int)
    /// Some positions along an axis.
    case slice(Block)
    /// Rows of a grid, after some that stay, become those of another; a square for nil.
    case grid(to: [Int], from: [Int]?, keeping: Int)
  }

  private let steps: [Step]

  private init(_ steps: [Step]) { self.steps = steps }

  /// The elements as they are stored.
  public static let none = WeightTransform([])
  /// All axes reversed: a linear layer of `[out, in]` becomes a kernel of `[in, out]`.
  public static let transposed = WeightTransform([.permute(nil)])
  /// Channels-first convolution kernels, `[out, in, height, width]`, become `[height, width, in, out]`.
  public static let convolution = permuted([2, 3, 1, 0])

  /// Axis i of the result is axis `axes[i]` of the operand.
  public static func permuted(_ axes: [Int]) -> WeightTransform { WeightTransform([.permute(axes)]) }

  /// The same elements, in the same order, under another shape.
  ///
  /// - Parameter old: the shape they have in the file; it is wanted to run backwards, and checked.
  public static func reshaped(_ shape: [Int], from old: [Int]? = nil) -> WeightTransform {
    WeightTransform([.reshape(shape, from: old)])
  }

  /// Sums over an axis, which stays with extent 1.
  ///
  /// `[out, 3, height, width]` by `summed(axis: 1)` is for grey images what the kernel is for images of three equal
  /// channels. Formed in `f64`, rounded once; does not run backwards.
  public static func summed(axis: Int) -> WeightTransform { WeightTransform([.sum(axis: axis)]) }

  /// The elements `count` times, one copy behind the other along an axis; does not run backwards.
  public static func repeated(_ count: Int, axis: Int) -> WeightTransform {
    WeightTransform([.repetition(count, axis: axis)])
  }

  /// Some positions along an axis: `sliced(axis: 0, 0..<5)` for the first five rows; does not run backwards.
  public static func sliced(axis: Int, _ range: Range<Int>) -> WeightTransform {
    WeightTransform([.slice(Block(axis: axis, range: range))])
  }

  /// A table with a row for each place of a grid, as of position embeddings, for another grid, by bicubic polynomials.
  ///
  ///     .renaming("pos_embed", to: "positions", .resizedGrid(to: (16, 16), keeping: 1)) + .pyTorch
  ///
  /// Rows are along the last axis but one, row by row of the grid: `[1, 1 + height·width, c]` of a vision transformer
  /// with a class token, or `[height·width, c]`. PyTorch's `interpolate(mode="bicubic", align_corners=False)` without
  /// antialiasing, formed in `f64`, rounded once; does not run backwards.
  ///
  /// - Parameters:
  ///   - grid: rows and columns wanted.
  ///   - old: those in the file, a square for nil.
  ///   - tokens: how many rows before the grid stay as they are.
  public static func resizedGrid(
    to grid: (height: Int, width: Int), from old: (height: Int, width: Int)? = nil, keeping tokens: Int = 0
  ) -> WeightTransform {
    WeightTransform([
      .grid(to: [grid.height, grid.width], from: old.map { [$0.height, $0.width] }, keeping: tokens)
    ])
  }

  /// Equal blocks along an axis in another order: block i of the result is block `order[i]` of the operand.
  public static func blocks(_ order: [Int], axis: Int) -> WeightTransform {
    WeightTransform([.blocks(order, axis: axis)])
  }

  /// A linear layer of `[out, channels·height·width]` that reads a flattened channels-first image becomes a kernel of
  /// `[height·width·channels, out]` that reads a flattened channels-last one.
  public static func linear(outputs: Int, flattening image: (channels: Int, height: Int, width: Int))
    -> WeightTransform
  {
    // Too many to count are those of no file; the reshape says so.
    let features = image.channels.saturatingProduct(image.height).saturatingProduct(image.width)
    return reshaped([outputs, image.channels, image.height, image.width], from: [outputs, features])
      .then(convolution)
      .then(reshaped([features, outputs], from: [image.height, image.width, image.channels, outputs]))
  }

  /// This, and then another.
  public func then(_ next: WeightTransform) -> WeightTransform { WeightTransform(steps + next.steps) }

  var isNone: Bool { steps.isEmpty }

  /// Whether each element of the result is one of the operand, as it was.
  var isMove: Bool {
    steps.allSatisfy { step in
      switch step {
      case .sum, .grid: false
      case .permute, .reshape, .blocks, .repetition, .slice: true
      }
    }
  }

  /// What undoes it; nil where elements are lost, or their shape in the file is not known.
  public var inverse: WeightTransform? {
    var inverse: [Step] = []
    for step in steps.reversed() {
      switch step {
      case .permute(nil): inverse.append(step)
      case .permute(let axes?):
        guard let places = Self.inverse(of: axes) else { return nil }
        inverse.append(.permute(places))
      case .reshape(let shape, let old?): inverse.append(.reshape(old, from: shape))
      case .blocks(let order, let axis):
        guard let places = Self.inverse(of: order) else { return nil }
        inverse.append(.blocks(places, axis: axis))
      case .reshape(_, nil), .sum, .repetition, .slice, .grid: return nil
      }
    }
    return WeightTransform(inverse)
  }

  private static func inverse(of order: [Int]) -> [Int]? {
    guard order.sorted() == Array(order.indices) else { return nil }
    var places = order
    for (place, value) in order.enumerated() { places[value] = place }
    return places
  }

  /// The shape it makes of `shape`.
  ///
  /// - Throws: `.shapeMismatch` where it does not apply.
  public func shape(of shape: [Int]) throws(FirnError) -> [Int] {
    var shape = shape
    for step in steps { shape = try Self.shape(of: shape, step) }
    return shape
  }

  private static func shape(of shape: [Int], _ step: Step) throws(FirnError) -> [Int] {
    switch step {
    case .permute(nil): return shape.reversed()
    case .permute(let axes?):
      guard axes.sorted() == Array(shape.indices) else {
        throw FirnError(
          .shapeMismatch, "\(Shape(shape)) has no axes \(axes) to permute", remedy: "name each axis once")
      }
      return axes.map { shape[$0] }
    case .reshape(let target, let old):
      guard old == nil || old == shape else {
        throw FirnError(
          .shapeMismatch, "\(Shape(shape)) is not \(Shape(old ?? [])), which is to become \(Shape(target))",
          remedy: "check the sizes the map was made for")
      }
      guard NDArray.elementCount(of: target) == NDArray.elementCount(of: shape) else {
        throw FirnError(
          .shapeMismatch, "\(Shape(shape)) cannot be reshaped to \(Shape(target)): element counts differ",
          remedy: "check the sizes the map was made for")
      }
      return target
    case .blocks(let order, let axis):
      guard shape.indices.contains(axis), order.sorted() == Array(0..<order.count), !order.isEmpty,
        shape[axis] % order.count == 0
      else {
        throw FirnError(
          .shapeMismatch,
          "\(Shape(shape)) does not consist of \(order.count) equal blocks along axis \(axis)",
          remedy: "name each block once")
      }
      return shape
    case .sum(let axis), .repetition(_, let axis):
      guard shape.indices.contains(axis) else {
        throw FirnError(
          .shapeMismatch, "\(Shape(shape)) has no axis \(axis)", remedy: "count axes from 0, as in the file")
      }
      var result = shape
      result[axis] = 1
      if case .repetition(let count, _) = step {
        let (extent, overflow) = shape[axis].multipliedReportingOverflow(by: count)
        guard count > 0, !overflow else {
          throw FirnError(
            .invalidArgument, "\(Shape(shape)) cannot be repeated \(count) times",
            remedy: "give a positive count")
        }
        result[axis] = extent
      }
      // An extent of 0 that goes may leave others of any size.
      guard NDArray.elementCount(of: result) != nil else {
        throw FirnError(
          .shapeMismatch, "\(Shape(shape)) would become \(Shape(result)), which has too many elements",
          remedy: "check the sizes the map was made for")
      }
      return result
    case .slice(let block):
      guard shape.indices.contains(block.axis), block.range.lowerBound >= 0,
        block.range.upperBound <= shape[block.axis]
      else {
        throw FirnError(
          .shapeMismatch, "\(Shape(shape)) has no \(block)", remedy: "count axes and positions from 0")
      }
      var result = shape
      result[block.axis] = block.range.count
      return result
    case .grid(let to, let from, let kept):
      let resize = try GridResize(of: shape, to: to, from: from, keeping: kept)
      return resize.shape
    }
  }

  /// - Throws: `.typeMismatch` where it computes with elements that are no floating point numbers.
  func requireType(_ dtype: DType) throws(FirnError) {
    guard !isMove, !dtype.isFloatingPoint else { return }
    throw FirnError(.typeMismatch, "\(dtype) cannot be \(self)", remedy: "save it as f32")
  }

  /// The elements in their new order.
  ///
  /// - Complexity: O(n) for each step.
  /// - Throws: `.shapeMismatch` where it does not apply, `.typeMismatch` where it computes and there are no floating
  ///   point numbers.
  public func callAsFunction(_ array: NDArray) throws(FirnError) -> NDArray {
    try requireType(array.dtype)
    var array = array
    for step in steps {
      let shape = try Self.shape(of: array.shape, step)
      switch step {
      case .permute(let axes):
        array = array.permuted(axes ?? Array(array.shape.indices.reversed()))
      case .reshape: array = NDArray(ArrayType(array.dtype, shape), in: array.sharedStorage)
      case .blocks(let order, let axis):
        if array.elementCount == 0 { continue }
        let width = shape[axis] / order.count
        let source = array
        for (target, block) in order.enumerated() {
          let part = source.block(Block(axis: axis, range: block * width..<(block + 1) * width))
          array.replace(Block(axis: axis, range: target * width..<(target + 1) * width), with: part)
        }
      case .sum(let axis): array = try array.summed(axis: axis, shape)
      case .slice(let block): array = array.block(block)
      case .grid(let to, let from, let kept):
        array = try GridResize(of: array.shape, to: to, from: from, keeping: kept)(array)
      case .repetition(_, let axis):
        let (source, width) = (array, array.shape[axis])
        array = try NDArray(zeros: shape, dtype: source.dtype)
        if array.elementCount == 0 { continue }
        for start in stride(from: 0, to: shape[axis], by: width) {
          array.replace(Block(axis: axis, range: start..<start + width), with: source)
        }
      }
    }
    return array
  }
}

extension WeightTransform: CustomStringConvertible {
  /// In words, as reports show it: `axes 2 3 1 0, reshaped to [72,16]`; empty for ``none``.
  public var description: String {
    steps.map { step in
      switch step {
      case .permute(nil): "transposed"
      case .permute(let axes?): "axes " + axes.map(String.init).joined(separator: " ")
      case .reshape(let shape, _): "reshaped to \(Shape(shape))"
      case .blocks(let order, let axis):
        "blocks \(order.map(String.init).joined(separator: " ")) of axis \(axis)"
      case .sum(let axis): "summed over axis \(axis)"
      case .repetition(let count, let axis): "\(count) times along axis \(axis)"
      case .slice(let block): "its \(block)"
      case .grid(let to, _, _): "resized to a grid of \(to[0])×\(to[1])"
      }
    }.joined(separator: ", ")
  }
}

extension NDArray {
  fileprivate func summed(axis: Int, _ shape: [Int]) throws(FirnError) -> NDArray {
    try ArrayType(.f64, shape).requireMemory()
    let (inner, extent) = (self.shape[(axis + 1)...].elementCount, self.shape[axis])
    var sums = [Double](repeating: 0, count: shape.elementCount)
    for (position, value) in doubles.enumerated() {
      sums[position / (inner * extent) * inner + position % inner] += value
    }
    return try NDArray(sums, shape: shape).converted(to: dtype)
  }

  /// Axis i of the result is axis `axes[i]` of this array.
  fileprivate func permuted(_ axes: [Int]) -> NDArray {
    let (shape, strides) = (axes.map { self.shape[$0] }, self.shape.rowMajorStrides)
    let elements = StridedElements(shape, strides: axes.map { strides[$0] })
    return NDArray(
      ArrayType(dtype, shape),
      in: withUnsafeBytes { elements.gathered(from: $0, byteCount: dtype.byteCount) })
  }
}
