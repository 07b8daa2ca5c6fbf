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

  static func openForReading(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }

  /// Fails where there is such a file already.
  static func create(_ path: String) -> Int32 { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }

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

  /// Writes all bytes; false where that failed.
  static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Bool {
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
