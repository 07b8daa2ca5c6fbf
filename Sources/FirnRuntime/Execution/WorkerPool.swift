internal import CFirnKernels
import FirnGraph
internal import Dispatch
internal import Foundation
internal import Synchronization

/// Splits work over threads of its own, which look out for more for some microseconds before they sleep.
///
/// Kernels come in quick succession and take tens of microseconds. Waking a sleeping thread costs as much, which is
/// what Dispatch does for every piece: two pieces of 29 µs each took it 70 µs against 31 µs here (measured on two
/// cores).
///
/// Threads start with the first work that is worth splitting and end with the pool. Work splits along axes that are not
/// reduced, so results do not depend on their number.
///
/// Handing work out allocates nothing and counts no reference once the threads are there.
final class WorkerPool: Workers {
  let count: Int
  let world: (any Collectives)?
  private let crew: Mutex<Crew>

  /// Sendable since nobody but who holds the lock around it touches it; helpers are held once each until the pool ends.
  private struct Crew: @unchecked Sendable {
    /// Room for as many as there can be; the first `started` are there, each held once.
    let helpers: UnsafeMutablePointer<Unmanaged<Helper>>
    var started = 0
    /// Counted under the lock that a split takes anyway.
    var barriers = 0
  }

  /// - Parameter world: the members of which these workers are one's, if it has others.
  init(count: Int, world: (any Collectives)? = nil) {
    self.count = max(1, count)
    self.world = world
    crew = Mutex(Crew(helpers: .allocate(capacity: self.count)))
  }

  deinit {
    crew.withLock { crew in
      for number in 0..<crew.started {
        crew.helpers[number]._withUnsafeGuaranteedRef { $0.end() }
        crew.helpers[number].release()
      }
      crew.helpers.deallocate()
    }
  }

  /// How often pieces were handed to other threads and waited for.
  var barrierCount: Int { crew.withLock { $0.barriers } }

  /// Never inlined: `body` and what it captures belong to the caller then, and are there until this returns, though the
  /// compiler sees no use of them in what other threads call.
  @inline(never) func split(_ total: Int, grain: Int, _ body: (Range<Int>, Int) -> Void) {
    let pieces = min(count, total / max(grain, 1))
    if pieces <= 1 {
      if total > 0 { body(0..<total, 0) }
      return
    }
    var shared = FirnShared()
    share(body, in: &shared)
    func piece(_ number: Int) -> Piece {
      Piece(
        lower: total * number / pieces, upper: total * (number + 1) / pieces, shared: shared)
    }
    crew.withLock { crew in
      crew.barriers += 1
      while crew.started < pieces - 1 {
        let helper = Helper(number: crew.started + 1)
        (crew.helpers + crew.started).initialize(to: .passRetained(helper))
        crew.started += 1
      }
      for number in 1..<pieces {
        crew.helpers[number - 1]._withUnsafeGuaranteedRef { $0.post(piece(number)) }
      }
      body(0..<total / pieces, 0)
      for number in 1..<pieces { crew.helpers[number - 1]._withUnsafeGuaranteedRef { $0.finish() } }
    }
  }
}

/// Writes the two words of a function that does not escape; nobody may call it by them once this call's caller has
/// returned.
///
/// Defined in `shared.c`, which takes the words apart: Swift lets no such function leave its caller.
@_silgen_name("firn_share")
private func share(_ body: (Range<Int>, Int) -> Void, in shared: UnsafeMutablePointer<FirnShared>)

/// One worker's share of a call: plain words.
private struct Piece {
  var lower = 0
  var upper = 0
  var shared = FirnShared()

  func run(by worker: Int) {
    withUnsafePointer(to: shared) { firn_call_shared($0, lower, upper, worker) }
  }
}

/// A thread that runs one piece at a time, unless the caller is first.
///
/// Sendable by this protocol: the pool writes `piece` only while the state is `idle`, then sets `posted`; whoever
/// changes `posted` (to `running` for the thread, back to `idle` for the pool) owns the piece; the thread sets `idle`
/// when it is done.
private final class Helper: @unchecked Sendable {
  private enum State {
    static let idle = 0
    static let posted = 1
    static let running = 2
    static let ended = 3
  }

  let number: Int
  private var piece = Piece()
  private let state = Atomic<Int>(State.idle)
  private let isAsleep = Atomic<Bool>(false)
  private let alarm = DispatchSemaphore(value: 0)

  /// Looks at the state, some tens of microseconds' worth, before sleeping.
  private static let patience = 20_000

  init(number: Int) {
    self.number = number
    let thread = Thread { [self] in run() }
    thread.name = "firn-\(number)"
    thread.start()
  }

  func post(_ piece: Piece) {
    self.piece = piece
    set(State.posted)
  }

  /// Sees to it that the posted piece has been run, by this thread itself where the helper has not begun: it may be
  /// displaced by another process.
  func finish() {
    if take(leaving: State.idle) {
      runPiece()
    } else {
      while state.load(ordering: .acquiring) != State.idle {}
    }
  }

  func end() { set(State.ended) }

  private func set(_ new: Int) {
    state.store(new, ordering: .sequentiallyConsistent)
    if isAsleep.load(ordering: .sequentiallyConsistent) { alarm.signal() }
  }

  /// Takes the posted piece; false where there is none or another thread was faster.
  private func take(leaving new: Int) -> Bool {
    state.compareExchange(expected: State.posted, desired: new, ordering: .acquiringAndReleasing).exchanged
  }

  private func runPiece() { piece.run(by: number) }

  private func run() {
    // For good: this thread runs nothing but pieces of runs, which all flush.
    _ = firn_flush_denormals()
    var looks = 0
    while true {
      switch state.load(ordering: .acquiring) {
      case State.ended: return
      case State.posted where take(leaving: State.running):
        runPiece()
        state.store(State.idle, ordering: .releasing)
        looks = 0
      default:
        looks += 1
        if looks == Self.patience {
          looks = 0
          sleep()
        }
      }
    }
  }

  /// Until the alarm, unless the state has changed meanwhile: whoever changes it after `isAsleep` is set sounds the
  /// alarm, and a change before that is seen here.
  private func sleep() {
    isAsleep.store(true, ordering: .sequentiallyConsistent)
    if state.load(ordering: .sequentiallyConsistent) == State.idle { alarm.wait() }
    isAsleep.store(false, ordering: .relaxed)
  }
}
