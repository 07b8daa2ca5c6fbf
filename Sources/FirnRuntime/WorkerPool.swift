internal import Dispatch
import FirnGraph

/// Splits work over the machine's cores by `DispatchQueue.concurrentPerform`.
///
/// Sendable: it holds nothing but a number.
final class WorkerPool: Workers {
  let count: Int

  init(count: Int) { self.count = max(1, count) }

  func split(_ total: Int, grain: Int, _ body: (Range<Int>, Int) -> Void) {
    let pieces = min(count, max(1, total / max(grain, 1)))
    if pieces <= 1 {
      if total > 0 { body(0..<total, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      let call = UnsafeCall(body)
      DispatchQueue.concurrentPerform(iterations: pieces) { piece in
        call.body(total * piece / pieces..<total * (piece + 1) / pieces, piece)
      }
    }
  }

  /// Carries the body to other threads; sound because kernels write disjoint ranges and the call waits for all.
  private struct UnsafeCall: @unchecked Sendable {
    let body: (Range<Int>, Int) -> Void
    init(_ body: @escaping (Range<Int>, Int) -> Void) { self.body = body }
  }
}
