public import FirnGraph
import FirnRuntime

/// How a stored tensor's elements are put in another order on the way into a variable; values never change.
public struct WeightTransform: Hashable, Sendable {
  private enum Step: Hashable {
    /// Axis i of the result is axis `axes[i]` of the operand; nil reverses all.
    case permute([Int]?)
    case reshape([Int])
    /// Block i of the result along an axis is block `order[i]` of the operand.
    case blocks([Int], axis: Int)
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
  public static func reshaped(_ shape: [Int]) -> WeightTransform { WeightTransform([.reshape(shape)]) }

  /// Equal blocks along an axis in another order: block i of the result is block `order[i]` of the operand.
  public static func blocks(_ order: [Int], axis: Int) -> WeightTransform {
    WeightTransform([.blocks(order, axis: axis)])
  }

  /// A linear layer of `[out, channels·height·width]` that reads a flattened channels-first image becomes a kernel of
  /// `[height·width·channels, out]` that reads a flattened channels-last one.
  public static func linear(outputs: Int, flattening image: (channels: Int, height: Int, width: Int))
    -> WeightTransform
  {
    reshaped([outputs, image.channels, image.height, image.width])
      .then(convolution).then(.reshaped([image.channels * image.height * image.width, outputs]))
  }

  /// This, and then another.
  public func then(_ next: WeightTransform) -> WeightTransform { WeightTransform(steps + next.steps) }

  var isNone: Bool { steps.isEmpty }

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
    case .reshape(let target):
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
    }
  }

  /// The elements in their new order.
  ///
  /// - Complexity: O(n) for each step.
  /// - Throws: `.shapeMismatch` where it does not apply.
  public func callAsFunction(_ array: NDArray) throws(FirnError) -> NDArray {
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
          array = array.replacing(Block(axis: axis, range: target * width..<(target + 1) * width), with: part)
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
      case .reshape(let shape): "reshaped to \(Shape(shape))"
      case .blocks(let order, let axis):
        "blocks \(order.map(String.init).joined(separator: " ")) of axis \(axis)"
      }
    }.joined(separator: ", ")
  }
}

extension NDArray {
  /// Axis i of the result is axis `axes[i]` of this array.
  fileprivate func permuted(_ axes: [Int]) -> NDArray {
    let (shape, strides) = (axes.map { self.shape[$0] }, self.shape.rowMajorStrides)
    let elements = StridedElements(shape, strides: axes.map { strides[$0] })
    return NDArray(
      ArrayType(dtype, shape),
      in: withUnsafeBytes { elements.gathered(from: $0, byteCount: dtype.byteCount) })
  }
}
