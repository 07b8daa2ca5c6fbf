internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The few calls of the operating system that files need, under one face.
enum Platform {
  /// What went wrong in the last call, in words.
  static var reason: String { String(cString: strerror(errno)) }

  /// Does not wait for who writes to a pipe.
  static func openForReading(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }

  /// What stands at a path, links followed.
  enum Kind {
    case file, folder
    /// A pipe with a name.
    case pipe
    /// A device, a socket.
    case stream
  }

  /// Nil where nothing stands at `path`.
  static func kind(of path: String) -> Kind? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    case S_IFIFO: return .pipe
    default: return .stream
    }
  }

  /// Where the symbolic link at `path` leads, as it says; nil where there is no link.
  static func target(ofLink path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes { raw in
      raw.withMemoryRebound(to: CChar.self) { text in
        text.baseAddress.map { readlink(path, $0, text.count) } ?? -1
      }
    }
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }

  /// An open descriptor's twin, which shares its place in the file.
  static func duplicate(_ descriptor: Int32) -> Int32 { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) }

  /// Opens what is no regular file, to write into it as it is.
  ///
  /// A pipe that nobody reads is waited for, but not for ever: `errno` is then `ENXIO`.
  static func openStream(_ path: String, waiting seconds: Double) -> Int32 {
    let descriptor = retrying(for: seconds) {
      let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
      return descriptor >= 0 || errno != ENXIO ? descriptor : nil
    }
    guard let descriptor else { return -1 }
    if descriptor >= 0 { setWaiting(descriptor) }
    return descriptor
  }

  /// Whether the last call failed as nobody reads from a pipe.
  static var hasNoReader: Bool { errno == ENXIO }

  /// Lets calls wait again that did not.
  static func setWaiting(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
  }

  /// The first answer of `body` that is not nil, asked every hundredth of a second; nil when the time is over.
  static func retrying<Result>(for seconds: Double, _ body: () -> Result?) -> Result? {
    for _ in 0..<max(1, Int(seconds * 100)) {
      if let result = body() { return result }
      let reason = errno
      usleep(10_000)
      errno = reason
    }
    return nil
  }

  /// What a read gave: so many bytes, none for now though somebody writes, the end, or a failure with its words.
  enum Reading {
    case bytes(Int), later, end
    case failure(String)
  }

  static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Reading {
    while true {
      #if canImport(Glibc)
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      #elseif canImport(Musl)
        let count = Musl.read(descriptor, buffer.baseAddress, buffer.count)
      #else
        let count = Darwin.read(descriptor, buffer.baseAddress, buffer.count)
      #endif
      if count > 0 { return .bytes(count) }
      if count == 0 { return .end }
      if errno == EINTR { continue }
      return errno == EAGAIN ? .later : .failure(reason)
    }
  }

  /// What `error` of Foundation says in the words of the system: its own are for people at a desktop, or a number.
  static func words(for error: any Error) -> String {
    var current: NSError? = error as NSError
    for _ in 0..<8 {
      guard let link = current else { break }
      if link.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(link.code))) }
      current = link.userInfo[NSUnderlyingErrorKey] as? NSError
    }
    return error.localizedDescription
  }

  /// Fails where there is such a file already.
  static func create(_ path: String) -> Int32 { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }

  /// The same, to read from it too; each write goes to the end.
  static func createForBoth(_ path: String) -> Int32 {
    open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666)
  }

  /// Cuts a file off; false where that failed.
  static func truncate(_ descriptor: Int32, to byteCount: Int) -> Bool {
    ftruncate(descriptor, off_t(byteCount)) == 0
  }

  /// How many bytes a read at a place gave; 0 at the end, below 0 where it failed.
  static func read(_ descriptor: Int32, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
      if count >= 0 || errno != EINTR { return count }
    }
  }

  static func close(_ descriptor: Int32) {
    #if canImport(Glibc)
      _ = Glibc.close(descriptor)
    #elseif canImport(Musl)
      _ = Musl.close(descriptor)
    #else
      _ = Darwin.close(descriptor)
    #endif
  }

  /// The length of a regular file; nil for anything else.
  static func regularFileLength(_ descriptor: Int32) -> Int? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// The permission bits of the file at `path`; nil where there is none.
  static func permissions(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
  }

  static func setPermissions(_ descriptor: Int32, _ permissions: mode_t) -> Bool {
    fchmod(descriptor, permissions) == 0
  }

  static func map(_ descriptor: Int32, byteCount: Int) -> UnsafeRawPointer? {
    let pointer = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
    return pointer == MAP_FAILED ? nil : pointer.map { UnsafeRawPointer($0) }
  }

  static func unmap(_ pointer: UnsafeRawPointer, byteCount: Int) {
    munmap(UnsafeMutableRawPointer(mutating: pointer), byteCount)
  }

  /// Gives back the memory of the whole pages among mapped bytes that nobody has written.
  static func letGo(_ pointer: UnsafeRawPointer, byteCount: Int) {
    let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
    let begin = (UInt(bitPattern: pointer) + page - 1) / page * page
    let end = (UInt(bitPattern: pointer) + UInt(byteCount)) / page * page
    guard begin < end, let start = UnsafeMutableRawPointer(bitPattern: begin) else { return }
    madvise(start, Int(end - begin), MADV_DONTNEED)
  }

  /// Whether the last call failed as who read from a pipe has gone.
  static var hasLostItsReader: Bool { errno == EPIPE }

  /// Writes all bytes; false where that failed, also where nobody reads any more from a pipe: then the process does not
  /// end by a signal, whatever it does with such signals elsewhere.
  static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Bool {
    #if canImport(Darwin)
      _ = fcntl(descriptor, F_SETNOSIGPIPE, 1)
      return writeEach(descriptor, bytes)
    #else
      var (signals, pending, before) = (sigset_t(), sigset_t(), sigset_t())
      sigemptyset(&signals)
      sigaddset(&signals, SIGPIPE)
      sigpending(&pending)
      // One that waits already is held back by somebody else, and another's.
      guard sigismember(&pending, SIGPIPE) == 0, pthread_sigmask(SIG_BLOCK, &signals, &before) == 0 else {
        return writeEach(descriptor, bytes)
      }
      let isWritten = writeEach(descriptor, bytes)
      let reason = errno
      if !isWritten, reason == EPIPE {
        var none = timespec()
        while sigtimedwait(&signals, nil, &none) < 0, errno == EINTR {}
      }
      pthread_sigmask(SIG_SETMASK, &before, nil)
      errno = reason
      return isWritten
    #endif
  }

  private static func writeEach(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Bool {
    var rest = bytes
    while let start = rest.baseAddress, !rest.isEmpty {
      let written = write(descriptor, start, rest.count)
      if written < 0 {
        if errno == EINTR { continue }
        return false
      }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
    }
    return true
  }

  /// Waits until what was written is on the medium, not only in the drive's cache.
  static func synchronize(_ descriptor: Int32) -> Bool {
    #if canImport(Darwin)
      if fcntl(descriptor, F_FULLFSYNC) == 0 { return true }
    #endif
    return fsync(descriptor) == 0
  }

  /// Makes a rename last; some file systems cannot, which is no fault.
  static func synchronizeDirectory(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = synchronize(descriptor)
    close(descriptor)
  }

  static func rename(_ old: String, to new: String) -> Bool {
    #if canImport(Glibc)
      Glibc.rename(old, new) == 0
    #elseif canImport(Musl)
      Musl.rename(old, new) == 0
    #else
      Darwin.rename(old, new) == 0
    #endif
  }

  static func remove(_ path: String) { _ = unlink(path) }

  /// Whether there is such a process, be it another user's.
  static func isAlive(_ process: Int32) -> Bool { kill(process, 0) == 0 || errno == EPERM }
}
