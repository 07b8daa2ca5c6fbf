import FirnGraph
import FirnOps

/// A tensor of the graph and how its axes stand for those of the model's value.
///
/// ONNX's images have channels first, Firn's have them last. A value stays as what made it left it until someone wants
/// it otherwise, so nothing is transposed between layers that agree, and where it is, once.
final class LaidTensor {
  /// As it is in the graph.
  let tensor: Tensor
  /// Whether the second axis of the model's value is the last of the tensor.
  let isChannelsLast: Bool
  private var other: Tensor?

  init(_ tensor: Tensor, isChannelsLast: Bool = false) {
    self.tensor = tensor
    self.isChannelsLast = isChannelsLast && tensor.rank > 2
  }

  var rank: Int { tensor.rank }
  var dtype: DType { tensor.dtype }

  /// With the model's axes.
  var plain: Tensor { isChannelsLast ? turned : tensor }

  /// With channels last.
  var channelsLast: Tensor { isChannelsLast || rank <= 2 ? tensor : turned }

  private var turned: Tensor {
    if let other { return other }
    let order = isChannelsLast ? [0, rank - 1] + Array(1..<rank - 1) : [0] + Array(2..<rank) + [1]
    let result = tensor.transposed(order)
    other = result
    return result
  }

  /// The extents of the model's value.
  var shape: Shape { Shape((0..<rank).map { tensor.shape[place(of: $0)] }) }

  /// The extent of an axis of the model's value; 0 where there is no such axis.
  func extent(_ axis: Int) -> Dim { (0..<rank).contains(axis) ? tensor.shape[place(of: axis)] : 0 }

  /// Where an axis of the model's value is.
  func place(of axis: Int) -> Int {
    if !isChannelsLast || axis == 0 { return axis }
    return axis == 1 ? rank - 1 : axis - 1
  }
}
