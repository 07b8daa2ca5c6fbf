/// The memory a process can still have, as Linux tells it: what the machine has free, what the control groups around the
/// process leave it, and what its own limits do.
///
/// Elsewhere nothing is known. Files are read anew whenever it is asked.
package struct FreeMemory {
  /// A number of bytes, and what bounds it.
  package struct Bound: Equatable {
    package var byteCount: Int
    package var reason: String

    package init(byteCount: Int, reason: String) {
      self.byteCount = byteCount
      self.reason = reason
    }

    /// All that the machine has: what is left where nobody says what is free.
    package static var physical: Bound {
      Bound(byteCount: SystemFile.physicalMemory, reason: "on this machine")
    }
  }

  /// Where `/proc` and `/sys` are; another folder for tests.
  package var root = ""

  package init(root: String = "") { self.root = root }

  /// The tightest of all bounds; nil where none is known.
  package var bound: Bound? {
    let swap = kilobytes("SwapFree", in: "/proc/meminfo") ?? 0
    var bounds: [Bound] = []
    if let available = kilobytes("MemAvailable", in: "/proc/meminfo") {
      bounds.append(Bound(byteCount: available.saturatingSum(swap), reason: "on this machine"))
    }
    bounds += controlGroups(swap: swap)
    for (limit, used) in [("Max address space", "VmSize"), ("Max data size", "VmData")] {
      if let limit = processLimit(limit), let used = kilobytes(used, in: "/proc/self/status") {
        bounds.append(Bound(byteCount: max(0, limit - used), reason: "under the limit of this process"))
      }
    }
    return bounds.min { $0.byteCount < $1.byteCount }
  }

  // MARK: Control groups

  /// What the groups of the process and those around them leave: pages of files count as free, for they give way.
  private func controlGroups(swap: Int) -> [Bound] {
    let lines = text("/proc/self/cgroup")?.split(separator: "\n") ?? []
    return lines.flatMap { line -> [Bound] in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [] }
      if fields[1].isEmpty {
        return groups(around: fields[2], below: "/sys/fs/cgroup").compactMap { name, folder in
          free(
            in: folder, limit: "memory.max", usage: "memory.current",
            files: ["active_file", "inactive_file"],
            swap: number(folder + "/memory.swap.max").map { limit in
              min(swap, max(0, limit - (number(folder + "/memory.swap.current") ?? 0)))
            } ?? swap, group: name)
        }
      }
      guard fields[1].split(separator: ",").contains("memory") else { return [] }
      return groups(around: fields[2], below: "/sys/fs/cgroup/memory").compactMap { name, folder in
        free(
          in: folder, limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes",
          files: ["total_active_file", "total_inactive_file"], swap: 0, group: name)
      }
    }
  }

  /// The group and those it lies in, each with its folder.
  private func groups(around path: Substring, below folder: String) -> [(name: String, folder: String)] {
    let names = path.split(separator: "/")
    return (0...names.count).map { count in
      let name = names.prefix(count).map { "/" + $0 }.joined()
      return (name.isEmpty ? "/" : name, folder + name)
    }
  }

  private func free(
    in folder: String, limit: String, usage: String, files: [String], swap: Int, group: String
  ) -> Bound? {
    guard let limit = number("\(folder)/\(limit)"), let used = number("\(folder)/\(usage)") else {
      return nil
    }
    let statistics = text(folder + "/memory.stat") ?? ""
    let cached = files.reduce(0) { $0.saturatingSum(field($1, of: statistics) ?? 0) }
    let free = max(0, limit - max(0, used - cached))
    return Bound(byteCount: free.saturatingSum(swap), reason: "in the control group `\(group)`")
  }

  // MARK: Files

  private func text(_ path: String) -> String? { SystemFile.text(root + path) }

  /// A file that holds one number; nil for `max`, which is none.
  private func number(_ path: String) -> Int? {
    text(path).flatMap { Int($0.prefix { !$0.isWhitespace }) }
  }

  /// The number behind a name and blanks, at the beginning of a line.
  private func field(_ name: String, of text: String) -> Int? {
    for line in text.split(separator: "\n") {
      let words = line.split { $0 == " " || $0 == "\t" }
      if words.count >= 2, words[0] == name { return Int(words[1]) }
    }
    return nil
  }

  private func kilobytes(_ name: String, in path: String) -> Int? {
    text(path).flatMap { field(name + ":", of: $0) }.map { $0.saturatingProduct(1024) }
  }

  private func processLimit(_ name: String) -> Int? {
    guard let line = text("/proc/self/limits")?.split(separator: "\n").first(where: { $0.hasPrefix(name) })
    else { return nil }
    return line.dropFirst(name.count).split(separator: " ").first.flatMap { Int($0) }
  }
}

extension Int {
  /// The sum, or the greatest number there is.
  package func saturatingSum(_ other: Int) -> Int {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? .max : sum
  }

  /// The product, or the greatest number there is.
  package func saturatingProduct(_ other: Int) -> Int {
    let (product, overflows) = multipliedReportingOverflow(by: other)
    return overflows ? .max : product
  }
}
