public import FirnGraph

/// x less its mean, divided by its deviation, along `axes`: (x - mean) / √(variance + ε).
///
/// What layer, group and instance norms have in common, and ONNX's `MeanVarianceNormalization`; without scale and
/// shift. The variance is divided by the number of elements.
///
/// Constraints: (C1) x is floating point; (C2) `axes` are axes, each named once; (C3) ε is not negative.
///
/// - Parameters:
///   - x: any shape.
///   - axes: what mean and variance are over; negative ones count from the end.
///   - epsilon: ε, which keeps a variance of 0 from being divided by.
/// - Complexity: 8 FLOPs an element, in three passes.
public func standardized(
  _ x: Tensor, axes: [Int], epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  guard epsilon >= 0 else { return x.epsilonFault("standardized", epsilon, CallSite(file, line)) }
  return x.composing(file, line) { x in
    let centred = x - x.mean(axes: axes, keepingAxes: true)
    return centred * rsqrt(square(centred).mean(axes: axes, keepingAxes: true) + epsilon)
  }
}

/// x divided by the root of the mean of its squares, along `axes`: x / √(mean x² + ε).
///
/// PyTorch's `rms_norm`, without a gain.
///
/// Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019, equation 4.
///
/// Constraints: (C1) x is floating point; (C2) `axes` are axes, each named once; (C3) ε is not negative.
///
/// - Parameters:
///   - x: any shape.
///   - axes: what the mean is over; negative ones count from the end.
///   - epsilon: ε, which keeps a row of 0 from being divided by.
/// - Complexity: 4 FLOPs an element, in two passes.
public func rootMeanSquareNormalized(
  _ x: Tensor, axes: [Int] = [-1], epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  guard epsilon >= 0 else { return x.epsilonFault("rootMeanSquareNormalized", epsilon, CallSite(file, line)) }
  return x.composing(file, line) { x in
    x * rsqrt(square(x).mean(axes: axes, keepingAxes: true) + epsilon)
  }
}

/// x divided by its norm along an axis, at least ε: PyTorch's `normalize`, ONNX's `LpNormalization`.
///
/// A vector of 0 stays, with gradient 1 / ε.
///
/// Constraints: (C1) x is floating point; (C2) `axis` is one of its axes; (C3) p is positive.
///
/// - Parameters:
///   - x: vectors.
///   - p: the order of the norm.
///   - axis: counts from the end where negative.
///   - epsilon: ε.
/// - Complexity: 5 FLOPs an element.
public func normalized(
  _ x: Tensor, p: Double = 2, axis: Int = -1, epsilon: Double = 1e-12, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  x.composing(file, line) { x in
    let length = x.norm(p, axes: [axis], keepingAxes: true)
    return length.isPoisoned ? length : x / clamp(length, min: epsilon)
  }
}

/// x divided by a power of what its neighbours among the channels weigh: AlexNet's local response normalisation.
///
/// y[…, c] = x[…, c] / (bias + alpha / size · Σ x[…, d]²)^beta, d from c - ⌊(size - 1) / 2⌋ to c + ⌈(size - 1) / 2⌉
///
/// Channels come last. PyTorch's `local_response_norm` for odd sizes; of an even one it begins one channel earlier.
///
/// Krizhevsky, Sutskever and Hinton, 2012, section 3.3.
///
/// Constraints: (C1) x is floating point, with an axis; (C2) `size` is in 1...1024.
///
/// - Complexity: size + 6 FLOPs an element.
public func localResponseNormalized(
  _ x: Tensor, size: Int, alpha: Double = 1e-4, beta: Double = 0.75, bias: Double = 1,
  file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  guard (1...1024).contains(size) else {
    return x.fault(
      .invalidArgument, "localResponseNormalized: a size of \(size)", remedy: "give 1 to 1024 channels",
      constraint: "C2", location: CallSite(file, line))
  }
  guard let axis = x.axis(-1, "localResponseNormalized", constraint: "C1", location: CallSite(file, line))
  else {
    return .poisoned(in: x.graph)
  }
  return x.composing(file, line) { x in
    var (low, high) = (x.shape.map { _ in Dim(0) }, x.shape.map { _ in Dim(0) })
    (low[axis], high[axis]) = (Dim((size - 1) / 2), Dim(size / 2))
    let squares = square(x).padded(low: low, high: high)
    if squares.isPoisoned { return squares }
    let parts = (0..<size).map {
      squares.sliced(axis: axis, from: Dim($0), to: x.shape[axis] + Dim($0))
    }
    let sum = parts.dropFirst().reduce(parts[0], +)
    return x * pow(sum * (alpha / Double(size)) + bias, -beta)
  }
}

extension Tensor {
  fileprivate func epsilonFault(_ what: String, _ epsilon: Double, _ location: CallSite) -> Tensor {
    fault(
      .invalidArgument, "\(what): epsilon \(epsilon)", remedy: "give 0 or more; 1e-5 is usual",
      constraint: "C3", location: location)
  }
}
