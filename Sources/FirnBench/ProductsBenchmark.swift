import FirnOps

/// Matrix products on one thread, from those of a small network's step to large ones: GFLOP/s with both operands as they
/// lie, and with the right one packed before, and what part of the FMA peak that is.
enum ProductsBenchmark {
  static func run() throws {
    let peak = FMAPeak.gigaflops(threads: 1)
    print("FMA peak \(column(peak, digits: 1, width: 0)) GFLOP/s")
    print("      m     n     k   GFLOP/s      packed     of peak      packed")
    for (m, n, k) in [
      (32, 80, 20), (16, 512, 128), (32, 512, 128), (32, 128, 512), (64, 2048, 512), (128, 128, 128),
      (256, 256, 256), (512, 512, 512), (1024, 1024, 1024),
      (2048, 2048, 2048),
    ] {
      let plain = try ConvolutionBenchmark.gigaflops(MatMul(), [[m, k], [k, n]])
      let packed = try ConvolutionBenchmark.gigaflops(
        PackedMatMul(columns: n), [[m, k], [Pack.panels(of: n), k, Pack.width]])
      print(
        [m, n, k].map { column(Double($0), digits: 0, width: 5).dropLast(2) }.joined(separator: " "),
        column(plain, digits: 1, width: 10), column(packed, digits: 1), column(plain / peak),
        column(packed / peak))
    }
    print("  deep: a kernel's gradient over 50 steps of 32 examples")
    for (m, n) in [(20, 80), (128, 512), (512, 2048)] {
      let speed = try ConvolutionBenchmark.gigaflops(
        MatMul(transposeA: true, order: .ascending), [[1600, m], [1600, n], [m, n]])
      print(
        "\(m)×\(n)×1600".padded(to: 18), column(speed, digits: 1, width: 10), column(speed / peak, width: 24))
    }
  }
}
