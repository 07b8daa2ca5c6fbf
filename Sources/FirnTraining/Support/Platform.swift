#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The few calls of the operating system that a run makes; every platform difference of this target.
enum Platform {
  typealias SignalAction = sigaction

  /// The numbers of the signals that ask a process to end: Ctrl-C's, and that of `kill` and of schedulers.
  static var requestsToEnd: [Int32] { [SIGINT, SIGTERM] }

  /// Has the process ignore a signal; whoever wants to know of it must watch.
  ///
  /// - Returns: what it did before.
  static func ignore(_ signal: Int32) -> SignalAction {
    var (ignoring, before) = (sigaction(), sigaction())
    #if canImport(Darwin)
      ignoring.__sigaction_u.__sa_handler = SIG_IGN
    #else
      ignoring.__sigaction_handler.sa_handler = SIG_IGN
    #endif
    _ = sigaction(signal, &ignoring, &before)
    return before
  }

  static func restore(_ signal: Int32, _ action: SignalAction) {
    var action = action
    _ = sigaction(signal, &action, nil)
  }

  /// Ends the process as a signal does that nobody takes.
  static func end(by number: Int32) {
    _ = signal(number, SIG_DFL)
    _ = kill(getpid(), number)
  }

  /// Whether standard error is a terminal that can move its cursor.
  static var isErrorTerminal: Bool {
    isatty(2) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
  }

  /// How many columns the terminal behind standard error has; nil where there is none.
  static var errorColumns: Int? {
    if let columns = getenv("COLUMNS").flatMap({ Int(String(cString: $0)) }), columns > 0 { return columns }
    var size = winsize()
    guard ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Writes to standard error at once; what cannot be written is lost.
  static func writeError(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while let start = rest.baseAddress, !rest.isEmpty {
        let written = write(2, start, rest.count)
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return }
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      }
    }
  }
}
