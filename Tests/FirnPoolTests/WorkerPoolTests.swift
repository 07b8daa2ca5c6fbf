import FirnGraph
import FirnOps
import Foundation
import Synchronization
import Testing

@testable import FirnRuntime

/// The pool hands out every piece once and is done with all when it returns; also run under the thread sanitizer.
@Suite struct WorkerPoolTests {
  /// Each element counted once, by plain writes of the workers and plain reads after the call.
  private func expectEachOnce(_ pool: WorkerPool, _ total: Int, grain: Int) {
    let counts = UnsafeMutablePointer<Int>.allocate(capacity: total + 1)
    counts.initialize(repeating: 0, count: total + 1)
    defer { counts.deallocate() }
    pool.split(total, grain: grain) { range, worker in
      if !(0..<pool.count).contains(worker) { counts[total] += 1 }
      for index in range { counts[index] += 1 }
    }
    #expect((0..<total).allSatisfy { counts[$0] == 1 } && counts[total] == 0, "\(total) by \(grain)")
  }

  @Test(arguments: 1...4) func everyElementIsGivenOnce(_ count: Int) {
    let pool = WorkerPool(count: count)
    for total in [0, 1, 2, 3, 4, 5, 63, 64, 1000] {
      for grain in [0, 1, 2, 7, 64] { expectEachOnce(pool, total, grain: grain) }
    }
  }

  @Test func callsInQuickSuccession() {
    let pool = WorkerPool(count: 3)
    for round in 0..<2_000 { expectEachOnce(pool, 30 + round % 7, grain: 1) }
  }

  /// Work for one thread is none, neither is what is too small to be split.
  @Test func barriersAreCounted() {
    let (alone, pool) = (WorkerPool(count: 1), WorkerPool(count: 3))
    for number in 1...5 {
      expectEachOnce(alone, 100, grain: 1)
      expectEachOnce(pool, 100, grain: 64)
      expectEachOnce(pool, 0, grain: 1)
      expectEachOnce(pool, 100, grain: 1)
      expectEachOnce(pool, 2, grain: 1)
      #expect(pool.barrierCount == 2 * number)
    }
    #expect(alone.barrierCount == 0)
  }

  @Test func helpersThatHaveGoneToSleepWake() {
    let pool = WorkerPool(count: 3)
    for _ in 0..<20 {
      expectEachOnce(pool, 100, grain: 1)
      Thread.sleep(forTimeInterval: 0.01)
    }
  }

  /// A kernel's captured values are released before the call returns.
  @Test func nothingOutlivesTheCall() {
    final class Token: Sendable {}
    let pool = WorkerPool(count: 3)
    for _ in 0..<500 {
      weak var kept: Token?
      do {
        let token = Token()
        kept = token
        pool.split(30, grain: 1) { _, _ in withExtendedLifetime(token) {} }
      }
      #expect(kept == nil)
    }
  }

  #if FIRN_SANITIZED
    private static let seesMutex = false
  #else
    private static let seesMutex = true
  #endif

  @Test(.enabled(if: seesMutex, "the thread sanitizer does not see a contended Mutex handed over"))
  func callersOnSeveralThreadsTakeTurns() async {
    final class Total: Sendable {
      let value = Mutex(0)
    }
    let pool = WorkerPool(count: 3)
    let total = Total()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<100 {
            pool.split(50, grain: 1) { range, _ in total.value.withLock { $0 += range.count } }
          }
        }
      }
    }
    #expect(total.value.withLock { $0 } == 4 * 100 * 50)
  }

  @Test func poolsEndWhileHelpersLookOutOrSleep() {
    for round in 0..<30 {
      let pool = WorkerPool(count: 3)
      expectEachOnce(pool, 100, grain: 1)
      if round.isMultiple(of: 3) { Thread.sleep(forTimeInterval: 0.005) }
    }
  }

  /// Products, reductions, softmax and their gradients, large enough to be split, give one worker's bits.
  @Test func programsGiveTheSameBitsOnSeveralWorkers() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [150, 120])
    let image = graph.placeholder("image", shape: [2, 24, 24, 8])
    let kernel = graph.variable("kernel", shape: [120, 130])
    let windows = graph.variable("windows", shape: [3, 3, 8, 16])
    let y = softmax(tanh(matmul(x, kernel)))
    let pooled = maxPool2d(conv2d(image, windows, padding: .same), window: (2, 2))
    let loss = square(y).mean() + square(pooled).mean()
    let gradients = graph.gradients(of: [loss], withRespectTo: [kernel, windows])
    let outputs = [y, y.sum(axes: [0]), pooled] + gradients
    let feeds: Feeds = [
      x: try Initializer.uniform(-1, 1).values(shape: [150, 120]),
      image: try Initializer.uniform(-1, 1).values(shape: [2, 24, 24, 8]),
    ]
    func run(threads: Int) throws -> [NDArray] {
      let session = try Session(graph, seed: 3, threads: threads)
      let program = try session.compile(fetching: outputs)
      for _ in 0..<3 { try session.run(program, feeding: feeds) }
      let results = try session.run(program, feeding: feeds)
      return try outputs.map { try results[$0] }
    }
    let alone = try run(threads: 1)
    for threads in 2...4 {
      let together = try run(threads: threads)
      #expect(zip(alone, together).allSatisfy { $0.isBitwiseEqual(to: $1) }, "\(threads)")
    }
  }
}
