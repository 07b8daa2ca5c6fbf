import Foundation

/// What the system says of this process's memory.
enum ProcessMemory {
  /// The most that was resident at once; nil where the system does not say.
  ///
  /// Linux counts it from the start of the program. The `ru_maxrss` of `getrusage` there begins with what the process
  /// had that started this one, and is not used.
  static var peakBytes: Int? {
    #if os(Linux)
      guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
        let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
      else { return nil }
      return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
        .map { $0 * 1024 }
    #else
      var usage = rusage()
      return getrusage(RUSAGE_SELF, &usage) == 0 ? Int(usage.ru_maxrss) : nil
    #endif
  }
}
