import FirnGraph
import FirnOps
import Synchronization
import Testing

extension OpTests {
  /// When kernels hand work to other threads at all.
  @Suite struct SplittingTests {
    /// Counts how often it is asked.
    private final class CountingWorkers: Workers {
      let count = 2
      let calls = Atomic(0)
      func split(_ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void) {
        calls.add(1, ordering: .relaxed)
        body(0..<count / 2, 0)
        body(count / 2..<count, 1)
      }
    }

    private func calls(_ op: any KernelOp, _ shapes: [Int]...) throws -> Int {
      let workers = CountingWorkers()
      let runner = KernelRunner(workers: workers, splitsAll: false)
      _ = try runner.run(op, try shapes.map { try NDArray(zeros: $0, dtype: .f32) })
      return workers.calls.load(ordering: .relaxed)
    }

    /// What a step of a small network does is done before another thread would be awake.
    @Test func littleWorkIsNotHandedOut() throws {
      #expect(try calls(MatMul(), [32, 20], [20, 80]) == 0)
      #expect(try calls(PackedMatMul(columns: 80), [32, 20], [3, 20, 32]) == 0)
      #expect(try calls(Pack(), [128, 512]) == 0)
      #expect(try calls(MatMul(), [4, 8, 8], [4, 8, 8]) == 0)
      #expect(try calls(Unary(.tanh), [32, 80]) == 0)
      #expect(try calls(Binary(.add), [32, 512], [32, 512]) == 0)
      #expect(try calls(Reduce(.sum, axes: [1]), [32, 80]) == 0)
      #expect(try calls(Transpose([1, 0]), [32, 80]) == 0)
      #expect(try calls(Split(axis: 1, sizes: [20, 20, 20, 20]), [32, 80]) == 0)
    }

    @Test func muchWorkIs() throws {
      #expect(try calls(MatMul(), [256, 256], [256, 256]) == 1)
      #expect(try calls(MatMul(), [32, 256], [256, 256]) == 1)
      #expect(try calls(MatMul(transposeA: true), [1600, 20], [1600, 80]) == 1)
      #expect(try calls(PackedMatMul(columns: 256), [32, 256], [8, 256, 32]) == 1)
      #expect(try calls(Pack(), [256, 512]) == 1)
      #expect(try calls(MatMul(), [4, 128, 128], [4, 128, 128]) == 1)
      #expect(try calls(Unary(.tanh), [100, 1000]) == 1)
    }
  }
}
