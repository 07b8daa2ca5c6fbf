import FirnGraph
import FirnOps

/// Kernels of convolutional networks on one thread, beside matrix products: GFLOP/s, and what part of a large
/// product's.
///
/// Of transformed kernels the arithmetic of the sums written out counts, so that rows can be compared.
enum ConvolutionBenchmark {
  static func run() throws {
    let product = try gigaflops(MatMul(), [1024, 1024], [1024, 1024])
    print("                                            GFLOP/s   of 1024³")
    func line(_ name: String, _ op: some KernelOp, _ shapes: [Int]...) throws {
      let speed = try gigaflops(op, shapes)
      print(name.padded(to: 40), column(speed, digits: 1), column(speed / product, digits: 2, width: 10))
    }
    print("product 1024³".padded(to: 40), column(product, digits: 1))
    try line("product 25088×576×64", MatMul(), [25088, 576], [576, 64])
    let same = SlidingWindow(padding: [1, 1, 1, 1])
    for (size, depth) in [(56, 64), (28, 128), (14, 256), (7, 512)] {
      let (x, k) = ([8, size, size, depth], [3, 3, depth, depth])
      try line("3×3, 8×\(size)×\(size)×\(depth)", Convolution(.forward, same), x, k)
      for tile in WinogradTile.allCases {
        let op = WinogradConvolution(tile, padding: same.padding, features: depth)
        let places = (tile.rawValue + 2) * (tile.rawValue + 2)
        let transformed = [places, Pack.panels(of: depth), depth, Pack.width]
        let speed = try gigaflops(op, [x, transformed], counting: 18 * x.reduce(1, *) * depth)
        print(
          "  winograd \(tile)".padded(to: 40), column(speed, digits: 1),
          column(speed / product, digits: 2, width: 10))
      }
      try line("  input gradient", Convolution(.inputGradient, same, size: [size, size]), x, k)
      try line("  kernel gradient", Convolution(.kernelGradient, same, size: [3, 3]), x, x)
    }
    let half = SlidingWindow(strides: [2, 2], padding: [1, 1, 1, 1])
    let (x, y, k) = ([8, 56, 56, 64], [8, 28, 28, 128], [3, 3, 64, 128])
    try line("3×3 stride 2, 8×56×56×64 to 128", Convolution(.forward, half), x, k)
    try line("  input gradient", Convolution(.inputGradient, half, size: [56, 56]), y, k)
    try line("  kernel gradient", Convolution(.kernelGradient, half, size: [3, 3]), x, y)
    let first = SlidingWindow(strides: [2, 2], padding: [3, 3, 3, 3])
    let image = [8, 224, 224, 3]
    try line("7×7 stride 2, 8×224×224×3 to 64", Convolution(.forward, first), image, [7, 7, 3, 64])
    try line(
      "  kernel gradient", Convolution(.kernelGradient, first, size: [7, 7]), image, [8, 112, 112, 64])
    try line("1×1, 8×56×56×64 to 256", Convolution(), [8, 56, 56, 64], [1, 1, 64, 256])
    let (wide, taps) = ([8, 56, 56, 96], [3, 3, 1, 96])
    try line("depthwise 3×3, 8×56×56×96", Convolution(.forward, same, groups: 96), wide, taps)
    try line("  input gradient", Convolution(.inputGradient, same, groups: 96, size: [56, 56]), wide, taps)
    try line("  kernel gradient", Convolution(.kernelGradient, same, groups: 96, size: [3, 3]), wide, wide)
    let pool = MaxPool(size: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1])
    try line("max 3×3 stride 2, 8×112×112×64", pool, [8, 112, 112, 64])
  }

  private static func gigaflops(_ op: some KernelOp, _ shapes: [Int]...) throws -> Double {
    try gigaflops(op, shapes)
  }

  /// - Parameter counted: the arithmetic that counts; what the op does by default.
  static func gigaflops(_ op: some KernelOp, _ shapes: [[Int]], counting counted: Int? = nil) throws -> Double
  {
    let types = shapes.map { TensorType(.f32, Shape($0)) }
    let results = try op.resultTypes(of: types)
    let arrays = types.compactMap { ArrayType($0) }
    let kernel = op.kernel(operands: arrays, results: results.compactMap { ArrayType($0) })
    let values = try shapes.map { try Initializer.normal(deviation: 1).values(shape: $0) }
    let flops = counted ?? op.flops(of: types, results: results).value ?? 0
    var buffers = (shapes + results.map { $0.shape.extents ?? [] }).map { shape in
      UnsafeMutableRawPointer.allocate(byteCount: 4 * max(1, shape.reduce(1, *)), alignment: 64)
    }
    defer { for buffer in buffers { buffer.deallocate() } }
    for (buffer, array) in zip(buffers, values) {
      array.withUnsafeBytes { bytes in
        buffer.copyMemory(from: bytes.baseAddress ?? UnsafeRawPointer(buffer), byteCount: bytes.count)
      }
    }
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: max(64, kernel.workspaceBytes), alignment: 64)
    defer { scratch.deallocate() }
    let slots = Array(buffers.indices) + [0]
    let workers = OneWorker()
    // Small ones many times over, as the clock is coarse.
    let times = max(1, 20_000_000 / max(flops, 1))
    let time = try milliseconds(runs: 25) {
      try buffers.withUnsafeMutableBufferPointer { buffers in
        try slots.withUnsafeBufferPointer { slots in
          guard let table = buffers.baseAddress, let first = slots.baseAddress else { return }
          let call = KernelCall(
            table: UnsafePointer(table), operandSlots: first, resultSlots: first + shapes.count,
            workspace: scratch, workers: UnretainedWorkers(workers))
          try withExtendedLifetime(workers) {
            for _ in 0..<times { try kernel.run(call) }
          }
        }
      }
    }
    return Double(flops) * Double(times) / time / 1e6
  }
}

/// Runs everything where it is called.
private final class OneWorker: Workers {
  let count = 1
  func split(_ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void) { body(0..<count, 0) }
}
