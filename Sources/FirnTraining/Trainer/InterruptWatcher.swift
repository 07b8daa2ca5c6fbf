internal import Dispatch
import FirnGraph

/// Takes Ctrl-C while a run goes on: the first asks it to stop, the second ends the process.
///
/// What the process did with the signal before is what it does again afterwards.
final class InterruptWatcher {
  private let source: any DispatchSourceSignal
  private let before: Platform.SignalAction

  /// - Parameter isReporter: whether it says so.
  init(_ stop: StopSignal, isReporter: Bool = true) {
    before = Platform.ignoreInterrupts()
    source = DispatchSource.makeSignalSource(signal: Platform.interrupt, queue: .global(qos: .userInitiated))
    source.setEventHandler {
      // As the system would have: who started the process sees what ended it.
      if stop.isRequested { Platform.endByInterrupt() }
      stop.request()
      guard isReporter else { return }
      Platform.writeError("\nstopping after this step; interrupt again to end at once\n")
    }
    source.resume()
  }

  func end() {
    source.cancel()
    Platform.restoreInterrupts(before)
  }
}
