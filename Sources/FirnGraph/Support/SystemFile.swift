#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// What the system says of the machine, without Foundation.
enum SystemFile {
  /// A small text file, such as those below `/proc`, which do not tell their size; nil where it cannot be read.
  static func text(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    while bytes.count < 1 << 20 {
      let count = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
        let count = read(file, buffer.baseAddress, buffer.count)
        if count > 0 { bytes.append(contentsOf: buffer[..<count]) }
        return count
      }
      if count == 0 { break }
      if count < 0 { return nil }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Bytes of memory the machine has.
  static var physicalMemory: Int {
    Int(sysconf(Int32(_SC_PHYS_PAGES))).saturatingProduct(Int(sysconf(Int32(_SC_PAGESIZE))))
  }
}
