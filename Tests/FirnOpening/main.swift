import FirnFormats
import FirnGraph
import FirnONNX
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

// Opens each file whose path stands on a line of the standard input, and says what became of it and how much memory the
// process had at most meanwhile, in KiB, as the kernel counts it. A path behind `graph ` is opened as a graph, behind
// `onnx ` as a model of ONNX; behind `ask ` stands what memory is asked for, behind `events ` a folder that gets events
// until one does not go in, and then a small one.

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
    // What was freed for the last file is not to be counted for this one. The header of this call is in no module.
    if let trim = dlsym(nil, "malloc_trim") {
      _ = unsafeBitCast(trim, to: (@convention(c) (Int) -> Int32).self)(0)
    }
  #endif
  guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
  try? file.write(contentsOf: Data("5".utf8))
  try? file.close()
}

/// The mark since then.
func peak() -> Int {
  #if canImport(Darwin)
    var usage = rusage()
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss >> 10
  #else
    return status("VmHWM") ?? 0
  #endif
}

func opened(_ line: String) -> String {
  do {
    if line.hasPrefix("graph ") {
      return "accepted \(try GraphDef(contentsOfFile: String(line.dropFirst(6))).nodes.count)"
    }
    if line.hasPrefix("onnx ") {
      return "accepted \(try ONNXModel(contentsOfFile: String(line.dropFirst(5))).graph.variables.count)"
    }
    if line.hasPrefix("ask "), let request = Request(rawValue: String(line.dropFirst(4))) {
      try request.make()
      return "accepted 1"
    }
    if line.hasPrefix("events ") {
      let events = try EventWriter(String(line.dropFirst(7)))
      var count = 0
      while (try? events.write(String(repeating: "n", count: 1000), 1, step: count)) != nil { count += 1 }
      try events.write("last", 1, step: count)
      return "accepted \(count + 1)"
    }
    return "accepted \(try Weights(contentsOf: line).entries.count)"
  } catch {
    return "refused \(error.code.rawValue)"
  }
}

while let line = readLine() {
  reset()
  let outcome = opened(line)
  FileHandle.standardOutput.write(Data("\(outcome) \(peak())\n".utf8))
}
