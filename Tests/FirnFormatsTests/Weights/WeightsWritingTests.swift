import FirnGraph
import Foundation
import Testing

@testable import FirnFiles
@testable import FirnFormats

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

  /// As a checkpoint of a model of many small variables has them.
  @Test func manySmallTensorsAreReadBack() throws {
    let count = 120_000
    let entries = (0..<count).map { WeightEntry(name: "t/\($0)", array: NDArray([Float($0)])) }
    try WeightFixtures.inFolder { folder in
      let path = folder.appendingPathComponent("many.safetensors").path
      try Weights(source: "many", entries: entries).write(to: path)
      let copy = try Weights(contentsOf: path)
      #expect(copy.entries.count == count)
      for number in [0, 7, count - 1] {
        #expect(try copy["t/\(number)"]?.array() == NDArray([Float(number)]))
      }
    }
  }

  @Test func failedWriteLeavesTheOldFile() throws {
    let damaged = WeightEntry(name: "b", storedType: .f32, shape: [1]) { () throws(FirnError) in
      throw FirnError(.parse, "damaged")
    }
    let good = WeightEntry(name: "a", array: NDArray([1] as [Double]))
    try WeightFixtures.inFolder { folder in
      for ending in ["safetensors", "npz", "pth"] {
        let url = folder.appendingPathComponent("old.\(ending)")
        try Data("old".utf8).write(to: url)
        #expect(throws: FirnError.self) {
          try Weights(source: "a", entries: [good, damaged]).write(to: url.path)
        }
        #expect(try Data(contentsOf: url) == Data("old".utf8))
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 3)
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

  /// What the reader would refuse is refused before it is written.
  @Test func unreadableSafetensorsAreNotWritten() throws {
    let array = NDArray([1] as [Float])
    let named = try Weights(source: "a", entries: [WeightEntry(name: "__metadata__", array: array)])
    let twice = try Weights(
      source: "a", entries: [], metadata: [.init(key: "k", value: "1"), .init(key: "k", value: "2")])
    try WeightFixtures.inFolder { folder in
      let path = folder.appendingPathComponent("a.safetensors").path
      for weights in [named, twice] {
        let error = #expect(throws: FirnError.self) { try weights.write(to: path) }
        #expect(error?.code == .invalidArgument && error?.remedy != nil)
      }
      // A header of 64 bytes, with the limit below and at it.
      let fits = try Weights(source: "a", entries: [WeightEntry(name: "weight", array: array)])
      let error = #expect(throws: FirnError.self) {
        try AtomicFile.write(to: path) { (file) throws(FirnError) in
          try SafetensorsWriter.write(fits, to: file, largestHeader: 63)
        }
      }
      #expect(error?.message.contains("64 bytes") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
      try AtomicFile.write(to: path) { (file) throws(FirnError) in
        try SafetensorsWriter.write(fits, to: file, largestHeader: 64)
      }
      #expect(try Weights(contentsOf: path)["weight"]?.array() == array)
    }
  }

  @Test(arguments: ["safetensors", "npz", "pth"])
  func namesByTheirBytes(_ ending: String) throws {
    let names = ["\u{E9}", "e\u{301}"]
    let entries = names.enumerated().map { WeightEntry(name: $1, array: NDArray([Float($0)])) }
    try WeightFixtures.inFolder { folder in
      let path = folder.appendingPathComponent("a.\(ending)").path
      try Weights(source: "a", entries: entries).write(to: path)
      let copy = try Weights(contentsOf: path)
      for (number, name) in names.enumerated() {
        #expect(try copy[name]?.array().floats == [Float(number)])
      }
    }
    #expect(throws: FirnError.self) { try Weights(source: "a", entries: entries + [entries[0]]) }
  }

  /// Extents whose product is no number, of an array without elements.
  @Test(arguments: ["npy", "npz"])
  func hugeExtentsWithoutElements(_ ending: String) throws {
    let array = try NDArray(zeros: [0, 1 << 62, 1 << 62])
    try WeightFixtures.inFolder { folder in
      let path = folder.appendingPathComponent("a.\(ending)").path
      try Weights(source: "a", entries: [WeightEntry(name: "a", array: array)]).write(to: path)
      let entry = try #require(try Weights(contentsOf: path)["a"])
      #expect(try entry.byteCount == 0 && entry.array() == array)
      #expect(try WeightTransform.transposed(entry.array()).shape == [1 << 62, 1 << 62, 0])
    }
  }

  /// A device that is always full stands for a disk that is: less than a buffer fails when it is flushed, more at once.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")), arguments: [10, 1 << 20])
  func fullDisksAreErrors(_ count: Int) throws {
    let handle = try #require(FileHandle(forWritingAtPath: "/dev/full"))
    let writer = FileWriter(handle.fileDescriptor, path: "a.safetensors")
    let error = #expect(throws: FirnError.self) {
      try writer.write([UInt8](repeating: 1, count: count))
      try writer.flush()
    }
    #expect(error?.code == .file && error?.message.contains("No space left") == true)
  }

  /// What the reader takes, and no more.
  @Test(arguments: ["npz", "pth"])
  func tensorsOfTooManyAxesAreNotWritten(_ ending: String) throws {
    func weights(_ rank: Int) throws -> Weights {
      let array = try NDArray(zeros: [Int](repeating: 1, count: rank))
      return try Weights(source: "a", entries: [WeightEntry(name: "deep", array: array)])
    }
    try WeightFixtures.inFolder { folder in
      let path = folder.appendingPathComponent("a.\(ending)").path
      try weights(64).write(to: path)
      #expect(try Weights(contentsOf: path).entries[0].shape.count == 64)
      let error = #expect(throws: FirnError.self) { try weights(65).write(to: path) }
      #expect(error?.code == .invalidArgument && error?.message.contains("65 axes") == true)
    }
  }

  @Test(arguments: [WeightFormat.npy, .tensorFlow])
  func formatsThatCannotHoldIt(_ format: WeightFormat) {
    let error = #expect(throws: FirnError.self) {
      try Weights(source: "a", entries: []).write(to: "/nowhere/at/all", as: format)
    }
    #expect(error?.code == .invalidArgument)
  }
}
