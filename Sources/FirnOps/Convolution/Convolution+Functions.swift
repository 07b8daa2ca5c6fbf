public import FirnGraph

/// The convolution of images with a kernel, each window multiplied and summed; nothing is mirrored.
///
/// y[n, p, q, o] = Σ x[n, p sₕ - top + i dₕ, q sᵥ - left + j dᵥ, c] k[i, j, c, o]
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, height, width, channels], `f32` or `f64` |
/// | kernel | [height, width, channels / groups, features] |
/// | result | [batch, ⌊(height + top + bottom - span) / sₕ⌋ + 1, likewise across, features] |
///
/// Channels come last, as in Keras and TensorFlow. PyTorch's images are [batch, channels, height, width], its kernels
/// [features, channels / groups, height, width].
///
/// The span of a kernel is (extent - 1) dilation + 1. Only the batch may be a named dimension. A depthwise convolution
/// has as many groups as channels; a kernel [h, w, channels, m] of TensorFlow's is then [h, w, 1, channels m] here. NaN
/// and infinity travel as in the sums written out; of the zeros beside the image some are multiplied in `f32`, which
/// of an infinite factor is NaN.
///
/// Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
///
/// Constraints: (C1) x and kernel have four axes; (C2) they are of one floating point type; (C3) strides, dilation and
/// groups are positive, padding is not negative; (C4) all extents but the batch are numbers; (C5) `groups` divides
/// channels and features; (C6) the kernel reads channels / groups; (C7) no padding is larger than the span; (C8) the
/// kernel has a tap, and its span is not larger than the padded image.
///
/// - Parameters:
///   - x: the images.
///   - kernel: what each window is multiplied by.
///   - strides: sₕ and sᵥ, from window to window.
///   - padding: what surrounds an image: `same` and `valid` as in Keras, or numbers.
///   - dilation: dₕ and dᵥ, from one tap of a window to the next.
///   - groups: blocks of channels that do not see each other.
/// - Complexity: 2 batch rows columns features (channels / groups) taps FLOPs; x and kernel read, the result written
///   once.
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
/// y[n, p sₕ - top + i dₕ, q sᵥ - left + j dᵥ, c] += x[n, p, q, o] k[i, j, c, o]
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, rows, columns, features], `f32` or `f64` |
/// | kernel | [height, width, channels / groups, features]: what it makes comes before what it reads, as in TensorFlow |
/// | result | [batch, (rows - 1) sₕ + span - top - bottom + output padding, likewise across, channels] |
///
/// Channels come last, as in Keras; PyTorch's kernel is [features, channels / groups, height, width]. `same` gives rows
/// · sₕ, as TensorFlow does; `valid` gives PyTorch's size, of which TensorFlow's differs where the stride is larger
/// than the span, by an output padding of stride - span.
///
/// Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, section 4.
///
/// Constraints, numbered as `conv2d`'s: (C1) x and kernel have four axes; (C2) they are of one floating point type;
/// (C3) strides, dilation and groups are positive, padding is not negative; (C4) all extents but the batch are numbers;
/// (C5) `groups` divides channels and features; (C6) x has the kernel's features; (C7) no padding is larger than the
/// span; (C8) the kernel has a tap, and something is left of the result; (C9) output padding is in 0..<stride,
/// and 0 beside `same`.
///
/// - Parameters:
///   - x: what is spread.
///   - kernel: what each element is spread by.
///   - strides: sₕ and sᵥ, how far apart elements of x are spread.
///   - padding: what is cut off the result.
///   - outputPadding: rows and columns added at the bottom and right, below the stride: which of several images with as
///     many windows is meant.
///   - dilation: from one tap of the kernel to the next.
///   - groups: blocks of channels that do not see each other.
/// - Complexity: 2 batch rows columns features (channels / groups) taps FLOPs; x and kernel read, the result written
///   once.
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
    if padding == .same, extra.contains(where: { $0 != 0 }) {
      return x.fault(
        .invalidArgument, "output padding \(extra[0]), \(extra[1]) beside `same`, which decides the size",
        remedy: "leave it out, or pad by numbers", constraint: "C9", location: location)
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
/// y[n, p, o] = Σ x[n, p s - left + j d, c] k[j, c, o]
///
/// | operand | shape |
/// | --- | --- |
/// | x | [batch, time, channels], `f32` or `f64` |
/// | kernel | [width, channels / groups, features] |
/// | result | [batch, ⌊(time + left + right - span) / s⌋ + 1, features] |
///
/// Channels come last, as in Keras. PyTorch's sequences are [batch, channels, time], its kernels [features, channels /
/// groups, width].
///
/// Constraints, numbered as `conv2d`'s: (C1) x and kernel have three axes; (C2) they are of one floating point type;
/// (C3) stride, dilation and groups are positive, padding is not negative; (C4) all extents but the batch are numbers;
/// (C5) `groups` divides channels and features; (C6) the kernel reads channels / groups; (C7) padding is at most the
/// span, and none above or below; (C8) the kernel has a tap, and its span is not larger than the padded time.
///
/// - Parameters:
///   - x: the sequences.
///   - kernel: what each window is multiplied by.
///   - stride: s, from window to window.
///   - padding: of an explicit one left and right count; top and bottom must be 0.
///   - dilation: d, from one tap of a window to the next.
///   - groups: blocks of channels that do not see each other.
/// - Complexity: 2 batch steps features (channels / groups) width FLOPs; x and kernel read, the result written once.
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
