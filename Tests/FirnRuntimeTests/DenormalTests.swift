import CFirnKernels
import FirnCompiler
import FirnGraph
import FirnOps
import FirnRuntime
import Testing

/// Numbers too small for a full mantissa are zero in a run, on every thread, and what they were before it.
@Suite(.enabled(if: canFlush, "the processor has no such mode")) struct DenormalTests {
  private func array(_ value: Double, _ count: Int, _ dtype: DType) throws -> NDArray {
    try NDArray([Double](repeating: value, count: count), shape: [count]).converted(to: dtype)
  }

  /// Of results, by a product of normal numbers, and of operands, where what is fed is denormal.
  @Test(arguments: [DType.f32, .f64], [1, 3]) func denormalsAreZero(_ dtype: DType, _ threads: Int) throws {
    let count = 300_000
    let least = dtype == .f32 ? Double(Float.leastNormalMagnitude) : Double.leastNormalMagnitude
    let graph = Graph()
    let x = graph.placeholder("x", shape: [Dim(count)], dtype: dtype)
    let session = try Session(graph, threads: threads)
    let (less, more) = (x * 0.25, x * 4)
    let program = try session.compile(fetching: [less, more])
    let normal = try session.run(program, feeding: [x: array(least * 2, count, dtype)])
    #expect(try normal[less].doubles.allSatisfy { $0 == 0 })
    #expect(try normal[more].doubles.allSatisfy { $0 == least * 8 })
    let denormal = try session.run(program, feeding: [x: array(least / 2, count, dtype)])
    #expect(try denormal[less].doubles.allSatisfy { $0 == 0 })
    #expect(try denormal[more].doubles.allSatisfy { $0 == 0 })
  }

  /// Of this thread, by what it computes.
  private func keepsDenormals() -> Bool {
    func half(_ x: Double) -> Double { x / 2 }
    let least = [Double.leastNormalMagnitude, .greatestFiniteMagnitude].min() ?? 0
    return half(least) > 0 && firn_flushes_denormals() == 0
  }

  @Test func theCallersModeIsAsBefore() throws {
    #expect(keepsDenormals())
    let graph = Graph()
    let x = graph.placeholder("x", shape: [4])
    let at = graph.placeholder("at", shape: [1], dtype: .i32)
    let session = try Session(graph, threads: 2)
    let program = try session.compile(fetching: [gather(exp(x), indices: at)])
    func run(_ index: Int32) throws {
      try session.run(program, feeding: [x: NDArray([1, 2, 3, 4] as [Float]), at: NDArray([index])])
    }
    try run(3)
    #expect(keepsDenormals())
    #expect(throws: FirnError.self) { try run(4) }
    #expect(keepsDenormals())
    // Who flushes anyway goes on to.
    let before = firn_flush_denormals()
    try run(3)
    #expect(firn_flushes_denormals() == 1)
    #expect(throws: FirnError.self) { try run(4) }
    #expect(firn_flushes_denormals() == 1)
    firn_restore_denormals(before)
    #expect(keepsDenormals())
  }
}

private let canFlush: Bool = {
  let before = firn_flush_denormals()
  defer { firn_restore_denormals(before) }
  return firn_flushes_denormals() == 1
}()
