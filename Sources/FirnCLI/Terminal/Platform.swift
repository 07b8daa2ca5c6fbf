#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The few operating-system calls that the command line makes; every platform difference of this target.
enum Platform {
  /// Whether the stream is connected to a terminal.
  static func isTerminal(_ stream: Terminal.Stream) -> Bool {
    isatty(stream.rawValue) == 1
  }

  /// The number of character columns of the terminal behind a stream, or `nil` where there is none.
  static func columns(of stream: Terminal.Stream) -> Int? {
    var size = winsize()
    guard ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Whether two paths lead to one file that exists, also by links.
  static func isOneFile(_ a: String, _ b: String) -> Bool {
    var (first, second) = (stat(), stat())
    guard stat(a, &first) == 0, stat(b, &second) == 0 else { return false }
    return first.st_ino == second.st_ino && first.st_dev == second.st_dev
  }

  /// What stands at a path.
  enum FileKind {
    case file
    case folder
    /// A pipe or device, which is read from its beginning to its end, once.
    case stream
  }

  /// What stands at `path`, links followed; nil where nothing does.
  static func kind(of path: String) -> FileKind? {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return nil }
    switch facts.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    default: return .stream
    }
  }

  /// Has a folder for this process alone, until the descriptor is closed or the process ends.
  ///
  /// - Returns: nil where another has it; a negative number where the file system knows no such thing.
  static func hold(_ folder: String) -> Int32? {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return descriptor }
    let isTaken = errno == EWOULDBLOCK
    _ = close(descriptor)
    return isTaken ? nil : -1
  }

  static func release(_ descriptor: Int32) { if descriptor >= 0 { _ = close(descriptor) } }

  /// The value of an environment variable.
  static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Occupies the standard streams that whoever started the process has closed, so that no file that is opened later
  /// becomes one of them; writing to them stays a failure.
  static func occupyStandardStreams() {
    for stream in 0...2 as ClosedRange<Int32> where fcntl(stream, F_GETFD) < 0 {
      // The lowest number that is free, which is this one.
      _ = open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY)
    }
  }

  /// Ends the process without a word, as the system does with who writes to a pipe that nobody reads any more, where it
  /// was told to let him live.
  private static func endQuietly() -> Never { exit(128 + SIGPIPE) }

  /// Writes text to a stream at once, unbuffered.
  ///
  /// Where who reads the output has seen enough, as `head` has, the process ends.
  ///
  /// - Returns: why it could not all be written; nil where it was.
  @discardableResult
  static func write(_ text: String, to stream: Terminal.Stream) -> String? {
    var text = text
    return text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while let start = rest.baseAddress, !rest.isEmpty {
        #if canImport(Darwin)
          let written = Darwin.write(stream.rawValue, start, rest.count)
        #elseif canImport(Glibc)
          let written = Glibc.write(stream.rawValue, start, rest.count)
        #else
          let written = Musl.write(stream.rawValue, start, rest.count)
        #endif
        if written < 0 && errno == EINTR { continue }
        if written < 0 && errno == EPIPE && stream == .standardOutput { endQuietly() }
        guard written > 0 else { return String(cString: strerror(errno)) }
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      }
      return nil
    }
  }
}
