import Foundation
import Testing

/// Whatever takes memory is refused where there is not enough, by an error and not by a kill; what is modest goes on.
@Suite struct MemoryLimitTests {
  private static let tooMuch = [
    "variable", "variables", "constant", "intermediate", "draw", "zeros", "initialValue", "state", "split",
    "unpacked", "picture",
  ]

  private func answers(under limit: String) throws {
    let process = try OpeningProcess(under: limit)
    for request in Self.tooMuch {
      let answer = try process.open("ask " + request)
      #expect(answer.outcome == "refused invalid-argument", "\(request) under \(limit)")
      #expect(answer.peak < 1_800 << 20, "\(request) under \(limit)")
    }
    for request in ["plans", "modest"] {
      #expect(try process.open("ask " + request).outcome == "accepted 1", "\(request) under \(limit)")
    }
  }

  #if os(Linux)
    /// 4 GB of addresses.
    @Test func limitOfTheProcess() throws { try answers(under: "ulimit -v 4194304") }

    /// 2 GB for a control group, where one can be made.
    @Test(.enabled(if: ControlGroup.isPossible, "no control group can be made here"))
    func controlGroup() throws {
      let group = try ControlGroup(byteCount: 2 << 30)
      defer { group.remove() }
      try answers(under: "echo $$ > \(group.members)")
    }
  #endif
}

#if os(Linux)
  /// A control group of memory for processes of a test.
  private struct ControlGroup {
    private let folder: URL
    /// Where processes are written that are to be in it.
    var members: String { folder.appending(path: "cgroup.procs").path }

    /// Where groups of memory are made, in the first version of control groups and in the second.
    private static let places = [
      ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max"),
    ]

    static var isPossible: Bool {
      guard let group = try? ControlGroup(byteCount: 1 << 30) else { return false }
      group.remove()
      return true
    }

    init(byteCount: Int) throws {
      let name = "firn-\(UUID().uuidString)"
      for (place, limit) in Self.places {
        let folder = URL(filePath: place).appending(path: name)
        guard Self.make(folder, limiting: folder.appending(path: limit), to: byteCount) else { continue }
        self.folder = folder
        return
      }
      throw CocoaError(.fileWriteNoPermission)
    }

    /// False where that is no place for such groups, or not for those of this user.
    private static func make(_ folder: URL, limiting file: URL, to byteCount: Int) -> Bool {
      guard mkdir(folder.path, 0o755) == 0 else { return false }
      if FileManager.default.fileExists(atPath: file.path),
        (try? Data("\(byteCount)".utf8).write(to: file)) != nil
      {
        return true
      }
      rmdir(folder.path)
      return false
    }

    func remove() { rmdir(folder.path) }
  }
#endif
