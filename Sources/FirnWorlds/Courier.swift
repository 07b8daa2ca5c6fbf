internal import Foundation
internal import Synchronization

/// The thread that makes a member's calls, one after the other.
///
/// Calls are made in the order in which they were posted. After one has failed the rest are not made, but for those that are
/// made ``Condition/always``: they fail as it did.
final class Courier: Sendable {
  typealias Call = @Sendable () throws(WorldError) -> Void

  /// When a call is made.
  enum Condition {
    /// Where none before it has failed.
    case ifAllIsWell
    /// However calls before it have ended.
    case always
  }

  private let state: Shared

  /// What the thread holds on to, so that the courier itself can go.
  private final class Shared: @unchecked Sendable {
    let condition = NSCondition()
    /// All below are read and written with the condition locked.
    var waiting: [(call: Call, condition: Condition)] = []
    var posted = 0
    var done = 0
    /// The call that failed, and how.
    var failure: (number: Int, error: WorldError)?
    var hasEnded = false

    func run() {
      while true {
        condition.lock()
        while waiting.isEmpty && !hasEnded { condition.wait() }
        guard !waiting.isEmpty else {
          condition.unlock()
          return
        }
        let calls = waiting
        waiting.removeAll(keepingCapacity: true)
        var failed = failure?.error
        condition.unlock()
        for (call, when) in calls {
          if failed == nil || when == .always {
            do throws(WorldError) { try call() } catch { failed = failed ?? error }
          }
          condition.lock()
          done += 1
          if let failed, failure == nil { failure = (done, failed) }
          condition.broadcast()
          condition.unlock()
        }
      }
    }
  }

  init() {
    let state = Shared()
    self.state = state
    let thread = Thread { state.run() }
    thread.name = "firn-courier"
    thread.start()
  }

  /// The number to wait for.
  func post(_ when: Condition = .ifAllIsWell, _ call: @escaping Call) -> Int {
    state.condition.lock()
    defer { state.condition.unlock() }
    state.waiting.append((call, when))
    state.posted += 1
    state.condition.broadcast()
    return state.posted
  }

  func finish(_ number: Int) throws(WorldError) {
    state.condition.lock()
    defer { state.condition.unlock() }
    while state.done < number { state.condition.wait() }
    if let failure = state.failure, failure.number <= number { throw failure.error }
  }

  /// Waits for a call, however it ends, and no longer than so many seconds.
  func wait(for number: Int, seconds: Double) {
    let deadline = Date(timeIntervalSinceNow: seconds)
    state.condition.lock()
    defer { state.condition.unlock() }
    while state.done < number, state.condition.wait(until: deadline) {}
  }

  /// Waits for all that was posted.
  func settle() {
    state.condition.lock()
    defer { state.condition.unlock() }
    while state.done < state.posted { state.condition.wait() }
  }

  var hasFailed: Bool { state.condition.withLock { state.failure != nil } }

  /// Lets the thread end when all that was posted is done.
  func end() {
    state.condition.lock()
    state.hasEnded = true
    state.condition.broadcast()
    state.condition.unlock()
  }
}
