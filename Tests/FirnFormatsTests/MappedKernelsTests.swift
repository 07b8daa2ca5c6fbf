#if os(Linux)
  import FirnFormats
  import FirnGraph
  import FirnNN
  import FirnOps
  @testable import FirnRuntime
  import Foundation
  import Testing

  /// Of weights in a mapped file that are held in copies, the copies alone are in memory.
  @Suite struct MappedKernelsTests {
    /// How much of a mapped file is in this process's memory.
    private func residentBytes(of path: String) throws -> Int {
      var (isOfFile, bytes) = (false, 0)
      for line in try String(contentsOfFile: "/proc/self/smaps", encoding: .utf8).split(separator: "\n") {
        if line.contains("-"), line.first?.isHexDigit == true, !line.contains(": ") {
          isOfFile = line.hasSuffix(path)
        }
        if isOfFile, line.hasPrefix("Rss:") {
          bytes += (Int(line.split(separator: " ")[1]) ?? 0) * 1024
        }
      }
      return bytes
    }

    @Test(arguments: [nil, FrozenStorage.bfloat16]) func pagesAreGivenBack(_ storage: FrozenStorage?) throws {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 512])
      let y = Dense(4096, usesBias: false, name: "dense")(x)
      let path = FileManager.default.temporaryDirectory.appending(path: "mapped-\(UUID()).safetensors").path()
      defer { try? FileManager.default.removeItem(atPath: path) }
      let first = try Session(graph, threads: 1)
      try first.save(to: path)
      let session = try Session(graph, threads: 1)
      try session.load(Weights(contentsOf: path))
      let size = 512 * 4096 * 4
      let program = try session.compile(fetching: [y], storingFrozen: storage)
      let feeds: Feeds = [x: try Initializer.normal().values(shape: [3, 512], name: "x")]
      let result = try session.run(program, feeding: feeds)[y]
      #expect(try residentBytes(of: path) < size / 8)
      #expect(session.boundSize.byteCount == (storage == nil ? size : size / 2))
      // What was given back is there when it is asked for.
      #expect(try session.value(of: "dense/kernel").isBitwiseEqual(to: first.value(of: "dense/kernel")))
      #expect(try session.run(program, feeding: feeds)[y].isBitwiseEqual(to: result))
    }
  }
#endif
