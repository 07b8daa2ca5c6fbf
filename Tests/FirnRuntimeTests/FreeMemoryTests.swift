import FirnGraph
import FirnOps
import Foundation
import Testing

import FirnRuntime

/// How much memory is free is read from what Linux shows, the tightest bound of all; what does not fit is refused.
@Suite struct FreeMemoryTests {
  /// The bound of a machine whose files are these.
  private func bound(_ files: [String: String]) throws -> FreeMemory.Bound? {
    let root = FileManager.default.temporaryDirectory.appending(path: "firn-memory-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: root) }
    for (path, text) in files {
      let file = root.appending(path: path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    return FreeMemory(root: root.path).bound
  }

  private let machine = [
    "proc/meminfo": "MemTotal:       16000000 kB\nMemAvailable:    8000 kB\nSwapFree:         2000 kB\n"
  ]

  private func with(_ files: [String: String]) -> [String: String] {
    machine.merging(files) { $1 }
  }

  @Test func nothingIsKnownWithoutFiles() throws { #expect(try bound([:]) == nil) }

  @Test func theMachineHasMemoryAndSwap() throws {
    #expect(try bound(machine) == .init(byteCount: 10_000 * 1024, reason: "on this machine"))
  }

  /// Of the group and those around it the tightest counts; pages of files give way, swap counts as far as it is left.
  @Test func controlGroups() throws {
    let group = [
      "proc/self/cgroup": "0::/outer/inner\n", "sys/fs/cgroup/outer/inner/memory.max": "max\n",
      "sys/fs/cgroup/outer/inner/memory.current": "500\n", "sys/fs/cgroup/outer/memory.max": "1000000\n",
      "sys/fs/cgroup/outer/memory.current": "700000\n",
      "sys/fs/cgroup/outer/memory.stat": "anon 1\nactive_file 20000\ninactive_file 30000\n",
      "sys/fs/cgroup/outer/memory.swap.max": "5000\n", "sys/fs/cgroup/outer/memory.swap.current": "4000\n",
    ]
    #expect(
      try bound(with(group)) == .init(byteCount: 351_000, reason: "in the control group `/outer`"))
    var full = group
    full["sys/fs/cgroup/outer/memory.current"] = "2000000\n"
    full["sys/fs/cgroup/outer/memory.swap.max"] = "0\n"
    #expect(try bound(with(full))?.byteCount == 0)
  }

  /// As a container without a view of its own has them: its group stands at the root.
  @Test func controlGroupsOfTheFirstVersion() throws {
    let group = [
      "proc/self/cgroup": "9:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "900000\n",
      "sys/fs/cgroup/memory/memory.usage_in_bytes": "300000\n",
      "sys/fs/cgroup/memory/memory.stat": "total_active_file 10\ntotal_inactive_file 90\n",
    ]
    #expect(try bound(with(group)) == .init(byteCount: 600_100, reason: "in the control group `/`"))
  }

  @Test func limitsOfTheProcess() throws {
    let space = "Max address space         3000000              unlimited            bytes\n"
    let status = "VmSize:\t    1000 kB\nVmData:\t     500 kB\n"
    let unlimited = "Max data size             unlimited            unlimited            bytes\n"
    #expect(
      try bound(with(["proc/self/limits": space + unlimited, "proc/self/status": status]))
        == .init(byteCount: 3_000_000 - 1_024_000, reason: "under the limit of this process"))
    #expect(
      try bound(with(["proc/self/limits": unlimited, "proc/self/status": status]))?.reason
        == "on this machine")
  }

  /// A plan is held against what is free, not against what the machine has; both numbers are said.
  @Test func plansThatDoNotFitAreRefused() throws {
    guard let free = FreeMemory().bound?.byteCount else { return }
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["n"])
    let y = tanh(x)
    let session = try Session(graph, threads: 1)
    let program = try session.compile(fetching: [y])
    // Feed, result and its copy: three times as many bytes as the feed has.
    let count = free / 4 / 3 + free / 40
    let fault = try #require(throws: FirnError.self) {
      try session.arenaBytes(of: program, binding: ["n": count])
    }
    #expect(fault.code == .invalidArgument)
    let numbers = fault.message.split { !$0.isNumber }.compactMap { Int($0) }
    #expect(numbers.count == 2 && numbers[0] >= 12 * count && numbers[0] > numbers[1], "\(fault)")
    #expect(try session.arenaBytes(of: program, binding: ["n": 64]) >= 256)
  }

  /// The gradient of a long product once took the square of its length.
  @Test func gradientsOfLongProductsFit() throws {
    let graph = Graph()
    let x = graph.variable("x", shape: [3, 30_010], initializer: .ones)
    let gradient = graph.gradients(of: [x.product(axes: [1])], withRespectTo: [x])[0]
    let session = try Session(graph, threads: 1)
    let program = try session.compile(fetching: [gradient])
    #expect(try session.arenaBytes(of: program) < 10 * 4 * 3 * 30_010)
    #expect(try session.run(program)[gradient].doubles.allSatisfy { $0 == 1 })
  }
}
