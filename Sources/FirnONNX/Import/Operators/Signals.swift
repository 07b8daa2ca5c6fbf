import FirnGraph
import FirnOps

extension Operator {
  static let signals: [Operator] = [
    window("HannWindow", 0.5, 0.5, 0),
    window("HammingWindow", 25.0 / 46, 21.0 / 46, 0),
    window("BlackmanWindow", 0.42, 0.5, 0.08),
    Operator("MelWeightMatrix", means: "a constant") { c throws(FirnError) in try melWeights(c) },
    Operator("DFT", means: "a product with a constant matrix, in `f64`", differs: "O(n²)") {
      c throws(FirnError) in
      let x = try c.tensor(0)
      try c.requireRank(x.rank, atLeast: 2)
      // An input since opset 20, an attribute before.
      var axis = c.int("axis", c.version >= 20 ? -2 : 1)
      if c.has(2) { axis = try c.integer(2, "axis") }
      axis = try c.axis(axis, rank: x.rank)
      guard axis < x.rank - 1 else { throw c.unsupported("a transform along the parts of complex numbers") }
      let extent = try c.numbers([x.shape[axis]], "the extent that is transformed")[0]
      let (isInverse, isOneSided) = (c.flag("inverse"), c.flag("onesided"))
      let count =
        c.has(1) ? try c.integer(1, "dft_length") : isInverse && isOneSided ? 2 * (extent - 1) : extent
      return [
        .of(
          try transformed(x, axis: axis, count: count, isInverse: isInverse, isOneSided: isOneSided, c))
      ]
    },
    Operator("STFT", means: "frames by `gather`, and a product with a constant matrix", differs: "O(n²)") {
      c throws(FirnError) in try framesTransformed(c)
    },
  ]

  /// a - b cos(2πi / n) + c cos(4πi / n), known when the model is read.
  private static func window(_ name: String, _ a: Double, _ b: Double, _ c: Double) -> Operator {
    Operator(name, means: "a constant") { call throws(FirnError) in
      let size = try call.integers(0, "size").first ?? 0
      guard (0...1 << 24).contains(size) else { throw call.unsupported("a window of \(size)") }
      try call.importer.keep(2 * size * MemoryLayout<Double>.stride)
      let period = Double(call.flag("periodic", true) ? size : size - 1)
      let values = (0..<size).map { index in
        let angle = 2 * Double.pi * Double(index) / period
        return a - b * RealMath.cosine(angle) + c * RealMath.cosine(2 * angle)
      }
      let type = ElementType(call.int("output_datatype", 1)).dtype ?? .f32
      return [.of(call.importer.graph.constant(NDArray(values).converted(to: type)))]
    }
  }

  /// The discrete Fourier transform along an axis of numbers whose real and imaginary parts are the last one.
  private static func transformed(
    _ x: Tensor, axis: Int, count: Int, isInverse: Bool, isOneSided: Bool, _ c: OperatorCall
  ) throws(FirnError) -> Tensor {
    if x.isPoisoned { return x }
    let parts = try c.numbers([x.extent(-1)], "the parts of a number")[0]
    let extent = try c.numbers([x.shape[axis]], "the extent that is transformed")[0]
    guard (1...1 << 16).contains(count), (1...2).contains(parts) else {
      throw c.unsupported("a transform of \(count) of \(x.type)")
    }
    // What comes in is cut or taken for 0 behind; of one side the other half is known.
    let read = Swift.min(extent, isInverse && isOneSided ? count / 2 + 1 : count)
    let made = isOneSided && !isInverse ? count / 2 + 1 : count
    let outParts = isInverse && isOneSided ? 1 : 2
    try OperatorCall.requireMatrix(read * parts, made * outParts)
    try c.importer.keep(3 * read * parts * made * outParts * MemoryLayout<Double>.stride)
    var matrix: [Double] = []
    matrix.reserveCapacity(read * parts * made * outParts)
    let sign: Double = isInverse ? 1 : -1
    let turns = (0..<count).map { 2 * Double.pi * Double($0) / Double(count) }
    for n in 0..<read {
      // Of one side every number but the first and the middle one stands for two.
      let isTwice = isInverse && isOneSided && n > 0 && 2 * n != count
      let scale = (isInverse ? 1 / Double(count) : 1) * (isTwice ? 2 : 1)
      for part in 0..<parts {
        for k in 0..<made {
          let angle = turns[n * k % count]
          let (cosine, sine) = (scale * RealMath.cosine(angle), scale * sign * RealMath.sine(angle))
          matrix.append(part == 0 ? cosine : -sine)
          if outParts == 2 { matrix.append(part == 0 ? sine : cosine) }
        }
      }
    }
    var order = (0..<x.rank - 1).filter { $0 != axis } + [axis, x.rank - 1]
    let rows = x.transposed(order).sliced(axis: x.rank - 2, from: 0, to: Dim(read))
    let outer = Array(rows.shape.dimensions.dropLast(2))
    // A sum of so many products loses more than the steps of a fast transform do: it is taken in f64.
    let weights = x.graph.constant(try NDArray(matrix, shape: [read * parts, made * outParts]))
    let flat = rows.reshaped(to: [outer.reduce(1, *), Dim(read * parts)])
    let product = matmul(flat.cast(to: .f64), weights).cast(to: x.dtype)
    order = inverse(of: order)
    return product.reshaped(to: Shape(outer + [Dim(made), Dim(outParts)])).transposed(order)
  }

  private static func framesTransformed(_ c: OperatorCall) throws(FirnError) -> [ImportedValue] {
    // [batch, time, parts]
    var x = try c.tensor(0)
    if x.rank == 2 { x = x.expandingAxis(at: 2) }
    try c.requireRank(x.rank, atLeast: 3)
    let step = try c.integer(1, "frame_step")
    let window = try c.tensorIfAny(2)
    let extent = try c.numbers([x.extent(1)], "the length of the signal")[0]
    var length = extent
    if let window { length = try c.numbers([window.extent(0)], "the length of the window")[0] }
    if c.has(3) { length = try c.integer(3, "frame_length") }
    guard (1...1 << 24).contains(step), (1...Swift.max(1, extent)).contains(length) else {
      throw c.unsupported("frames of \(length), \(step) apart, of \(extent)")
    }
    let count = (extent - length) / step + 1
    try OperatorCall.requireMatrix(count, length)
    try c.importer.keep(2 * count * length * MemoryLayout<Int32>.stride)
    let places = (0..<count).flatMap { frame in (0..<length).map { Int32(frame * step + $0) } }
    let indices = x.graph.constant(try NDArray(places, shape: [count, length]))
    // [batch, frames, length, parts]
    var frames = gather(x, indices: indices, axis: 1)
    if let window { frames = frames * window.reshaped(to: [Dim(length), 1]) }
    return [
      .of(
        try transformed(
          frames, axis: 2, count: length, isInverse: false, isOneSided: c.flag("onesided", true), c))
    ]
  }

  /// Triangles over the bins of a spectrum, evenly spaced by the ear's scale.
  private static func melWeights(_ c: OperatorCall) throws(FirnError) -> [ImportedValue] {
    let bins = try c.integer(0, "num_mel_bins")
    let length = try c.integer(1, "dft_length")
    let rate = try c.integer(2, "sample_rate")
    let (low, high) = (try c.scalar(3, "lower_edge_hertz"), try c.scalar(4, "upper_edge_hertz"))
    guard (1...1 << 20).contains(bins), (1...1 << 24).contains(length), (1...1 << 30).contains(rate),
      low >= 0, high > low, high <= Double(rate) / 2
    else { throw c.unsupported("\(bins) bins from \(low) to \(high) Hz at \(rate) a second") }
    let rows = length / 2 + 1
    try OperatorCall.requireMatrix(rows, bins)
    try c.importer.keep(2 * rows * bins * MemoryLayout<Double>.stride)
    func mel(_ hertz: Double) -> Double {
      2595 * RealMath.logarithmOfOnePlus(hertz / 700) / RealMath.logarithm(10)
    }
    let step = (mel(high) - mel(low)) / Double(bins + 2)
    let edges = (0..<bins + 2).map { index -> Int in
      let hertz =
        700 * RealMath.exponentialMinusOne((mel(low) + Double(index) * step) / 2595 * RealMath.logarithm(10))
      return Swift.min(rows - 1, Int((Double(length + 1) * hertz / Double(rate)).rounded(.down)))
    }
    var values = [Double](repeating: 0, count: rows * bins)
    for bin in 0..<bins {
      let (left, center, right) = (edges[bin], edges[bin + 1], edges[bin + 2])
      values[center * bins + bin] = 1
      for row in left..<center { values[row * bins + bin] = Double(row - left) / Double(center - left) }
      for row in center..<right { values[row * bins + bin] = Double(right - row) / Double(right - center) }
    }
    let type = ElementType(c.int("output_datatype", 1)).dtype ?? .f32
    return [.of(c.importer.graph.constant(try NDArray(values, shape: [rows, bins]).converted(to: type)))]
  }
}
