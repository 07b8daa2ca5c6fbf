/// What surrounds a volume, with zeros, before windows slide over it.
///
/// As `Padding2D`, with a third axis before the others.
public enum Padding3D: Hashable, Sendable {
  /// Nothing: only windows wholly inside count.
  case valid
  /// As many results as the extent divided by the stride, rounded up; an odd padding goes to the end.
  case same
  /// So many planes, rows and columns; none is negative.
  case explicit(front: Int, back: Int, top: Int, bottom: Int, left: Int, right: Int)

  /// The same on opposite sides: PyTorch's `padding=(depth, height, width)`.
  ///
  /// There are no constraints; numbers below 0 are refused by what pads.
  ///
  /// - Complexity: constant.
  public static func symmetric(_ depth: Int, _ height: Int, _ width: Int) -> Padding3D {
    .explicit(front: depth, back: depth, top: height, bottom: height, left: width, right: width)
  }

  /// That of the planes' rows and columns.
  var plane: Padding2D {
    switch self {
    case .valid: .valid
    case .same: .same
    case .explicit(_, _, let top, let bottom, let left, let right):
      .explicit(top: top, bottom: bottom, left: left, right: right)
    }
  }

  /// Front and back, as padding of rows.
  var depth: Padding2D {
    switch self {
    case .valid: .valid
    case .same: .same
    case .explicit(let front, let back, _, _, _, _): .explicit(top: front, bottom: back, left: 0, right: 0)
    }
  }

  /// Front and back, for a volume and windows of these depths.
  func depthNumbers(extent: Int, span: Int, stride: Int) -> (low: Int, high: Int) {
    let numbers = depth.numbers(image: (extent, 1), window: (span, 1), strides: (stride, 1))
    return (numbers[0], numbers[1])
  }
}
