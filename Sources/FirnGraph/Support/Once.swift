private import Synchronization

/// A value that is made when it is first asked for, and kept; copies of what holds it share it.
package final class Once<Made: Sendable, Failure: Error>: Sendable {
  private let made = Mutex<Result<Made, Failure>?>(nil)

  package init() {}

  /// - Parameter make: called once, by whoever comes first; others wait.
  /// - Throws: what `make` threw, each time.
  package func callAsFunction(_ make: () throws(Failure) -> Made) throws(Failure) -> Made {
    let result = made.withLock { known in
      if let known { return known }
      let result = Result(catching: make)
      known = result
      return result
    }
    return try result.get()
  }
}
