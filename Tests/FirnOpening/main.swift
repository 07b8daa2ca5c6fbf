import FirnFormats
import FirnGraph
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

// Opens each file whose path stands on a line of the standard input, and says what became of it and how much memory the
// process had at most meanwhile, in KiB, as the kernel counts it. A path behind `graph ` is opened as a graph.

/// A number of `/proc/self/status`; nil where there is none.
func status(_ name: String) -> Int? {
  guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
    let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name + ":") })
  else { return nil }
  return line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }
}

/// Forgets the highest mark; the next one is that of what comes.
func reset() {
  #if canImport(Glibc)
    malloc_trim(0)
  #endif
  guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
  try? file.write(contentsOf: Data("5".utf8))
  try? file.close()
}

/// The mark since then.
func peak() -> Int {
  if let peak = status("VmHWM") { return peak }
  var usage = rusage()
  #if canImport(Darwin)
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss >> 10
  #else
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
  #endif
}

func opened(_ line: String) -> String {
  do {
    if line.hasPrefix("graph ") {
      return "accepted \(try GraphDef(contentsOfFile: String(line.dropFirst(6))).nodes.count)"
    }
    return "accepted \(try Weights(contentsOf: line).entries.count)"
  } catch {
    return "refused \(error.code.rawValue)"
  }
}

setvbuf(stdout, nil, _IOLBF, 0)
while let line = readLine() {
  reset()
  let outcome = opened(line)
  print("\(outcome) \(peak())")
}
