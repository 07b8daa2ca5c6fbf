private import Synchronization

/// Asks a training loop to finish its step, save, and end; from any task or thread.
public final class StopSignal: Sendable {
  private let flag = Atomic<Bool>(false)

  /// One that asks nothing yet.
  public init() {}

  /// Asks.
  public func request() { flag.store(true, ordering: .releasing) }

  /// Whether it was asked.
  public var isRequested: Bool { flag.load(ordering: .acquiring) }
}
