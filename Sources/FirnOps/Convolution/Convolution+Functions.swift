public import FirnGraph

/// The convolution of images with a kernel, each window multiplied and summed; nothing is mirrored.
///
/// y[n, p, q, o] = Σ x[n, p sₕ - top + i dₕ, q sᵥ - left + j dᵥ, c] k[i, j, c, o]
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, height, width, channels] |
/// | kernel | [height, width, channels / groups, features] |
/// | result | [batch, ⌊(height + top + bottom - span) / sₕ⌋ + 1, likewise across, features] |
///
/// The span of a kernel is (extent - 1) dilation + 1. Only the batch may be a named dimension. A depthwise convolution
/// has as many groups as channels; a kernel [h, w, channels, m] of TensorFlow's is then [h, w, 1, channels m] here.
///
/// 1. x and kernel are of one floating point type and have four axes. 2. `groups` divides channels and features. 3. The
///    kernel reads channels / groups. 4. No padding is larger than the span, nor the span than the padded image.
///
/// Faults go on record with both numbers and yield poison.
///
/// - Complexity: 2 batch rows columns features (channels / groups) taps FLOPs.
public func conv2d(
  _ x: Tensor, _ kernel: Tensor, strides: (height: Int, width: Int) = (1, 1), padding: Padding2D = .valid,
  dilation: (height: Int, width: Int) = (1, 1), groups: Int = 1, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  if x.isPoisoned || kernel.isPoisoned { return .poisoned(in: x.graph) }
  let window = SlidingWindow(
    padding, on: x, window: kernel.rank == 4 ? kernel.shape[..<2].map { $0.value ?? 0 } : [0, 0],
    strides: strides,
    dilation: dilation)
  return x.applying(
    Convolution(.forward, window, groups: groups), kernel, location: CallSite(file, line))
}

/// The transposed convolution: what `conv2d` does to the gradient of its images.
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, rows, columns, features] |
/// | kernel | [height, width, channels / groups, features]: what it makes comes before what it reads, as in TensorFlow |
/// | result | [batch, (rows - 1) sₕ + span - top - bottom + output padding, likewise across, channels] |
///
/// `same` gives rows · sₕ, as TensorFlow does; `valid` gives PyTorch's size, of which TensorFlow's differs where the stride is
/// larger than the span, by an output padding of stride - span.
///
/// - Parameter outputPadding: rows and columns added at the bottom and right, below the stride: which of several images
///   with as many windows is meant.
/// - Complexity: 2 batch rows columns features (channels / groups) taps FLOPs.
public func conv2dTranspose(
  _ x: Tensor, _ kernel: Tensor, strides: (height: Int, width: Int) = (1, 1), padding: Padding2D = .valid,
  outputPadding: (height: Int, width: Int) = (0, 0), dilation: (height: Int, width: Int) = (1, 1),
  groups: Int = 1, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  if x.isPoisoned || kernel.isPoisoned { return .poisoned(in: x.graph) }
  let (steps, gaps) = ([strides.height, strides.width], [dilation.height, dilation.width])
  let extra = [outputPadding.height, outputPadding.width]
  var window = SlidingWindow(strides: steps, dilation: gaps)
  var size = [1, 1]
  // What is not an image or a kernel at all is left to the op to report.
  if let image = try? x.type.image("").size, let taps = try? kernel.type.numbers(0..<2, ""),
    (try? window.require()) != nil
  {
    for axis in 0..<2 where !(0..<steps[axis]).contains(extra[axis]) {
      return x.fault(
        .invalidArgument, "output padding \(extra[axis]) for a stride of \(steps[axis])",
        remedy: "use less than the stride: the next image has one more window", constraint: "C9",
        location: location)
    }
    let spans = (0..<2).map { window.span(taps[$0], $0) }
    window.padding = padding.numbers(
      image: (image[0] * steps[0], image[1] * steps[1]), window: (spans[0], spans[1]),
      strides: (steps[0], steps[1]))
    if (try? window.require()) != nil {
      size = (0..<2).map { axis in
        let cut = window.padding[2 * axis] + window.padding[2 * axis + 1]
        let whole = (image[axis] - 1) * steps[axis] + spans[axis]
        return padding == .same ? image[axis] * steps[axis] : whole - cut + extra[axis]
      }
      for axis in 0..<2 where size[axis] < 1 {
        return x.fault(
          .shapeMismatch,
          "nothing is left of \(x.type) spread by \(steps[axis]) after padding "
            + "\(window.padding[2 * axis]) and \(window.padding[2 * axis + 1])",
          remedy: "pad less: padding of a transposed convolution is cut off its result", constraint: "C8",
          location: location)
      }
    }
  }
  return x.applying(
    Convolution(.inputGradient, window, groups: groups, size: size), kernel, location: location)
}

/// The convolution of sequences: `conv2d` on images one row high.
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, time, channels] |
/// | kernel | [width, channels / groups, features] |
/// | result | [batch, ⌊(time + left + right - span) / stride⌋ + 1, features] |
///
/// - Parameter padding: of an explicit one left and right count; top and bottom must be 0.
public func conv1d(
  _ x: Tensor, _ kernel: Tensor, stride: Int = 1, padding: Padding2D = .valid, dilation: Int = 1,
  groups: Int = 1,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  if x.isPoisoned || kernel.isPoisoned { return .poisoned(in: x.graph) }
  guard x.rank == 3, kernel.rank == 3 else {
    return x.fault(
      .shapeMismatch,
      "\(x.type) and \(kernel.type) are not [batch, time, channels] and [width, channels, features]",
      remedy: "reshape them to three axes", constraint: "C1", operands: [x, kernel], location: location)
  }
  if case .explicit(let top, let bottom, _, _) = padding, top != 0 || bottom != 0 {
    return x.fault(
      .invalidArgument, "padding \(top) above and \(bottom) below sequences, which have no height",
      remedy: "pad left and right: `.symmetric(0, …)`", constraint: "C7", operands: [x, kernel],
      location: location)
  }
  let row = x.inserting([1], location: location)
  let taps = kernel.inserting([0], location: location)
  let window = SlidingWindow(
    padding, on: row, window: [1, taps.shape[1].value ?? 0], strides: (1, stride), dilation: (1, dilation))
  let y = row.applying(Convolution(.forward, window, groups: groups), taps, location: location)
  return y.isPoisoned ? y : y.withShape(y.shape.removing([1]), location: location)
}

extension SlidingWindow {
  /// With `padding` in numbers, as far as the operands let it; what is wrong with them the op reports.
  init(
    _ padding: Padding2D, on x: Tensor, window: [Int], strides: (height: Int, width: Int),
    dilation: (height: Int, width: Int) = (1, 1)
  ) {
    self.init(strides: [strides.height, strides.width], dilation: [dilation.height, dilation.width])
    let isSound = (try? require()) != nil && window.allSatisfy((0...Self.limit).contains)
    let size = (try? x.type.image("").size) ?? [0, 0]
    let spans = (0..<2).map { isSound ? span(window[$0], $0) : 1 }
    self.padding = padding.numbers(
      image: (size[0], size[1]), window: (spans[0], spans[1]), strides: (self.strides[0], self.strides[1]))
  }
}
