import FirnGraph
import FirnOps

/// How windows slide over the spatial axes of an image, as `auto_pad`, `pads`, `strides`, `dilations` and `ceil_mode`
/// say.
struct Windows {
  let sizes: [Int]
  let strides: [Int]
  let dilations: [Int]
  /// Before and after, axis by axis.
  private(set) var low: [Int]
  private(set) var high: [Int]
  /// How many windows there are along each axis.
  let counts: [Int]

  /// - Parameter extents: of the image's spatial axes; nil where one is named, which some padding allows.
  init(_ c: OperatorCall, sizes: [Int], on extents: [Dim]) throws(FirnError) {
    let rank = sizes.count
    self.sizes = sizes
    strides = c.ints("strides") ?? Array(repeating: 1, count: rank)
    dilations = c.ints("dilations") ?? Array(repeating: 1, count: rank)
    let pads = c.ints("pads") ?? Array(repeating: 0, count: 2 * rank)
    guard strides.count == rank, dilations.count == rank, pads.count == 2 * rank, extents.count == rank,
      (strides + dilations).allSatisfy({ (1...1 << 30).contains($0) }),
      (pads + sizes).allSatisfy({ (0...1 << 30).contains($0) })
    else {
      throw FirnError(
        .shapeMismatch, "strides, dilations or pads do not fit windows of \(rank) axes",
        remedy: "check the file with onnx.checker")
    }
    let image = try c.numbers(extents, "an extent of the image")
    low = Array(pads[..<rank])
    high = Array(pads[rank...])
    var counts: [Int] = []
    let roundsUp = c.flag("ceil_mode")
    for axis in 0..<rank {
      let span = (sizes[axis] - 1) * dilations[axis] + 1
      switch c.string("auto_pad", "NOTSET") {
      case "SAME_UPPER", "SAME_LOWER":
        let count = (image[axis] + strides[axis] - 1) / strides[axis]
        let total = Swift.max(0, (count - 1) * strides[axis] + span - image[axis])
        let isUpper = c.string("auto_pad", "") == "SAME_UPPER"
        low[axis] = isUpper ? total / 2 : total - total / 2
        high[axis] = total - low[axis]
        counts.append(count)
      case "VALID":
        (low[axis], high[axis]) = (0, 0)
        counts.append(Swift.max(0, (image[axis] - span) / strides[axis] + 1))
      default:
        let free = image[axis] + low[axis] + high[axis] - span
        guard free >= 0 else {
          throw FirnError(
            .shapeMismatch, "a window of \(span) does not fit an image of \(image[axis]) with its padding",
            remedy: "feed larger images")
        }
        var count = (roundsUp ? (free + strides[axis] - 1) / strides[axis] : free / strides[axis]) + 1
        // A last window must begin before the padding behind.
        if roundsUp, (count - 1) * strides[axis] >= image[axis] + low[axis] { count -= 1 }
        counts.append(count)
      }
    }
    self.counts = counts
  }

  var hasDilation: Bool { dilations.contains { $0 != 1 } }

  /// Where a last window reaches beyond the padding, what reaches beyond it.
  func overhang(on image: [Int]) -> [Int] {
    sizes.indices.map { axis in
      let reach = (counts[axis] - 1) * strides[axis] + (sizes[axis] - 1) * dilations[axis] + 1
      return Swift.max(0, reach - image[axis] - low[axis] - high[axis])
    }
  }

  /// The padding of the first spatial axis and of the second.
  func padding(_ first: Int, _ second: Int?, extra: [Int]? = nil) -> Padding2D {
    let more = extra ?? Array(repeating: 0, count: sizes.count)
    return .explicit(
      top: low[first], bottom: high[first] + more[first], left: second.map { low[$0] } ?? 0,
      right: second.map { high[$0] + more[$0] } ?? 0)
  }

  /// Of three axes.
  var volumePadding: Padding3D {
    .explicit(front: low[0], back: high[0], top: low[1], bottom: high[1], left: low[2], right: high[2])
  }

  /// Three numbers by name.
  static func volume(_ numbers: [Int]) -> (depth: Int, height: Int, width: Int) {
    (numbers[0], numbers[1], numbers[2])
  }
}

extension OperatorCall {
  /// - Throws: where a matrix made here would be larger than is sensible.
  static func requireMatrix(_ rows: Int, _ columns: Int) throws(FirnError) {
    guard rows >= 0, rows.multipliedReportingOverflow(by: columns).partialValue < 1 << 26,
      !rows.multipliedReportingOverflow(by: columns).overflow
    else {
      throw FirnError(
        .shapeMismatch, "a matrix of \(rows) rows and \(columns) columns would be needed",
        remedy: "use smaller images here")
    }
  }

  /// A linear map of one axis: y[…, i, …] = Σ m[i, j] x[…, j, …].
  static func mapping(_ x: Tensor, axis: Int, by matrix: [[Double]]) throws(FirnError) -> Tensor {
    // What was wrong with another axis is on record.
    if x.isPoisoned { return x }
    let last = x.rank - 1
    var order = Array(0..<x.rank)
    order.swapAt(axis, last)
    let columns = matrix.first?.count ?? 0
    // [in, out], so that rows of x stay where they are.
    var values: [Double] = []
    values.reserveCapacity(columns * matrix.count)
    for column in 0..<columns { for row in matrix { values.append(row[column]) } }
    let weights = x.graph.constant(
      try NDArray(values, shape: [columns, matrix.count]).converted(to: x.dtype))
    return Operator.product(x.transposed(order), weights).transposed(order)
  }
}
