internal import Dispatch
import FirnGraph

/// Takes Ctrl-C and the request to end while a run goes on: the first asks it to stop, the second ends the process.
///
/// A request to end (`SIGTERM`) is what schedulers and launchers of other processes send before they end them for good.
/// What the process did with the signals before is what it does again afterwards.
final class InterruptWatcher {
  private let watched: [(source: any DispatchSourceSignal, signal: Int32, before: Platform.SignalAction)]

  /// - Parameter isReporter: whether it says so.
  init(_ stop: StopSignal, isReporter: Bool = true) {
    watched = Platform.requestsToEnd.map { signal in
      let before = Platform.ignore(signal)
      let source = DispatchSource.makeSignalSource(signal: signal, queue: .global(qos: .userInitiated))
      source.setEventHandler {
        // As the system would have: who started the process sees what ended it.
        if stop.isRequested { Platform.end(by: signal) }
        stop.request()
        guard isReporter else { return }
        Platform.writeError("\nstopping after this step; interrupt again to end at once\n")
      }
      source.resume()
      return (source, signal, before)
    }
  }

  func end() {
    for (source, signal, before) in watched {
      source.cancel()
      Platform.restore(signal, before)
    }
  }
}
