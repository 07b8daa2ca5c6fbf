import FirnFormats
import FirnGraph
import Foundation
import Testing

/// Files that Firn writes: the bytes of the reference writers, whole or not at all.
@Suite struct WeightsWritingTests {
  @Test func safetensorsBytesAreTheReferences() throws {
    let url = WeightFixtures.url("written.safetensors")
    let read = try Weights(contentsOf: url.path)
    try WeightFixtures.inFolder { folder in
      let copy = folder.appendingPathComponent("copy.safetensors")
      // In another order, which must not matter.
      try Weights(source: "copy", entries: read.entries.reversed(), metadata: read.metadata).write(
        to: copy.path)
      #expect(try Data(contentsOf: copy) == Data(contentsOf: url))
    }
  }

  @Test func npyBytesAreNumPys() throws {
    let url = WeightFixtures.url("one.npy")
    try WeightFixtures.inFolder { folder in
      let copy = folder.appendingPathComponent("copy.npy")
      try Weights(contentsOf: url.path).write(to: copy.path)
      #expect(try Data(contentsOf: copy) == Data(contentsOf: url))
    }
  }

  /// With `FIRN_WRITTEN=folder` the files stay there, for `Fixtures/check_written.py`.
  @Test(arguments: ["safetensors", "npz"])
  func whatIsWrittenReadsBack(_ ending: String) throws {
    let source = try Weights(contentsOf: WeightFixtures.url("deflated.npz").path)
    let entries = source.entries.filter { ending == "npz" || $0.storedType != .complex128 }
    try WeightFixtures.inFolder { folder in
      let kept = ProcessInfo.processInfo.environment["FIRN_WRITTEN"].map { URL(fileURLWithPath: $0) }
      let path = (kept ?? folder).appendingPathComponent("written.\(ending)").path
      try Weights(source: "copy", entries: entries).write(to: path)
      let copy = try Weights(contentsOf: path)
      #expect(copy.entries.count == entries.count)
      for entry in entries {
        #expect(copy[entry.name]?.storedType == entry.storedType, "\(entry.name)")
        if entry.storedType.dtype == nil { continue }
        #expect(try copy[entry.name]?.array() == entry.array(), "\(entry.name)")
      }
    }
  }

  @Test func failedWriteLeavesTheOldFile() throws {
    let damaged = WeightEntry(name: "b", storedType: .f32, shape: [1]) { () throws(FirnError) in
      throw FirnError(.parse, "damaged")
    }
    let good = WeightEntry(name: "a", array: NDArray([1] as [Double]))
    try WeightFixtures.inFolder { folder in
      for ending in ["safetensors", "npz"] {
        let url = folder.appendingPathComponent("old.\(ending)")
        try Data("old".utf8).write(to: url)
        #expect(throws: FirnError.self) {
          try Weights(source: "a", entries: [good, damaged]).write(to: url.path)
        }
        #expect(try Data(contentsOf: url) == Data("old".utf8))
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 2)
    }
  }

  @Test(arguments: ["", "missing/a.npz"])
  func unwritablePathsAreErrors(_ path: String) throws {
    try WeightFixtures.inFolder { folder in
      let path = path.isEmpty ? path : folder.appendingPathComponent(path).path
      let error = #expect(throws: FirnError.self) {
        try Weights(source: "a", entries: []).write(to: path, as: .npz)
      }
      #expect(error?.code == .file && error?.remedy != nil)
      #expect(throws: FirnError.self) { try Weights(source: "a", entries: []).write(to: folder.path) }
    }
  }

  @Test(arguments: [WeightFormat.npy, .pytorch, .tensorFlow])
  func formatsThatCannotHoldIt(_ format: WeightFormat) {
    let error = #expect(throws: FirnError.self) {
      try Weights(source: "a", entries: []).write(to: "/nowhere/at/all", as: format)
    }
    #expect(error?.code == .invalidArgument)
  }
}
