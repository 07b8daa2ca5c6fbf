import FirnFiles
import FirnFormats
import FirnGraph
import Foundation
import Testing

/// Files of the real libraries read back equal, and what cannot be read is refused by name.
@Suite struct WeightsReadingTests {
  static let files = [
    "all.safetensors", "written.safetensors", "one.npy", "v2.npy", "v3.npy", "stored.npz", "deflated.npz",
    "big-endian.npz", "fortran.npz", "zip64.npz", "descriptor.npz", "state.pt", "checkpoint.pth", "views.pt",
    "kinds.pt", "protocol3.pt", "protocol4.pt", "protocol5.pt", "tensor.pt", "legacy.pt", "objects",
    "names",
  ]

  @Test func everyFixtureIsListed() throws {
    #expect(Set(Self.files) == Set(try WeightFixtures.expected().keys))
  }

  @Test(arguments: files)
  func readsWhatTheLibraryReads(_ file: String) throws {
    let expected = try #require(try WeightFixtures.expected()[file])
    let weights = try Weights(contentsOf: WeightFixtures.url(file).path)
    try WeightFixtures.expect(weights, toBe: expected)
  }

  @Test(arguments: [
    ("refused-object.npy", "Python objects"), ("refused-text.npy", "text"),
    ("refused-bytes.npy", "byte strings"),
    ("refused-structured.npy", "structured"), ("refused-date.npy", "dates"),
    ("refused-module.pt", "torch.nn.modules.container.Sequential"),
    ("refused-slices", "parted"),
  ])
  func refusesByName(_ file: String, _ word: String) {
    let error = #expect(throws: FirnError.self) { try Weights(contentsOf: WeightFixtures.url(file).path) }
    #expect(error?.message.contains(word) == true)
    #expect(error?.remedy != nil)
  }

  @Test func refusesWhatIsNoFile() throws {
    try WeightFixtures.inFolder { folder in
      let missing = folder.appendingPathComponent("missing.npz").path
      #expect(throws: FirnError.self) { try Weights(contentsOf: missing) }
      #expect(throws: FirnError.self) { try Weights(contentsOf: folder.path) }
      let empty = folder.appendingPathComponent("empty")
      try Data().write(to: empty)
      #expect(throws: FirnError.self) { try Weights(contentsOf: empty.path) }
    }
  }

  /// The head of an array says each thing once, and its shape fills what is there, in a file or in an archive of them.
  @Test(
    arguments: [
      ("'fortran_order': False, 'shape': (2,), ", 2, nil),
      ("'fortran_order': False, 'shape': (2,), ", 3, "which its shape does not fill"),
      ("'fortran_order': False, 'shape': (3,), ", 2, "which its shape does not fill"),
      ("'fortran_order': False, 'shape': (2,), 'shape': (2,), ", 2, "'a.npz"),
      ("'fortran_order': False, ", 2, "without descr, fortran_order and shape"),
      ("'shape': (2,), ", 2, "without descr, fortran_order and shape"),
      ("'fortran_order': False, 'shape': (4294967296, 4294967296), ", 2, "an impossible shape"),
      ("'fortran_order': False, 'shape': (-2,), ", 2, "'a.npz"),
    ] as [(String, Int, String?)])
  func arraysAreWhatTheirHeadsSay(_ members: String, _ count: Int, _ says: String?) throws {
    let text = Array("{'descr': '<f4', \(members)}".utf8)
    let head = NumPyHeader.magic + [1, 0] + FileParts.little(UInt16(text.count)) + text
    let file = head + (0..<count).flatMap { FileParts.little(Float($0).bitPattern) }
    for bytes in [file, FileParts.zip([("a.npy", file)])] {
      let read = Result { try Weights(Bytes(copying: bytes), source: "a.npz") }
      guard let says else {
        #expect(try read.get().entries.map(\.shape) == [[count]])
        continue
      }
      let error = #expect(throws: FirnError.self) { try read.get() }
      #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }
  }

  /// The reference reader's verdict on each file, but for the few that are refused on purpose.
  @Test func safetensorsVerdicts() throws {
    let corpus = try WeightFixtures.corpus()
    #expect(corpus.count > 70)
    for file in corpus {
      let bytes = Bytes(copying: WeightFixtures.bytes(file.hex))
      let accepted = (try? SafetensorsReader.read(bytes, source: file.name)) != nil
      #expect(accepted == (file.reference && !file.stricter), "\(file.name)")
    }
  }

  @Test func alignedTensorsAreReadInPlace() throws {
    let array = NDArray([1, 2, 3, 4] as [Float])
    try WeightFixtures.inFolder { folder in
      let path = folder.appendingPathComponent("a.safetensors").path
      try Weights(source: "a", entries: [WeightEntry(name: "a", array: array)]).write(to: path)
      let entry = try #require(try Weights(contentsOf: path)["a"])
      #expect(try entry.array().storagePointer == entry.array().storagePointer)
      #expect(try entry.array() == array)
      var changed = try entry.array()
      changed.withUnsafeMutableBytes { $0[0] = 1 }
      #expect(try entry.array() == array && changed != array)
    }
  }

  @Test func integersThatDoNotFitAreNamed() throws {
    let bytes: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0]
    let stored = StoredArray(.i64, [2])
    let error = #expect(throws: FirnError.self) {
      try stored.array(in: Bytes(copying: bytes), named: "steps", fault: FileFault("file"))
    }
    #expect(error?.message.contains("2147483648 as element 1 of `steps`") == true)
  }

  @Test func bigEndianViewsAreGatheredAndTurned() throws {
    let bytes: [UInt8] = [63, 128, 0, 0, 64, 0, 0, 0, 64, 64, 0, 0, 64, 128, 0, 0]
    let stored = StoredArray(.f32, [2, 2], strides: [1, 2], isBigEndian: true)
    let array = try stored.array(in: Bytes(copying: bytes), named: "a", fault: FileFault("file"))
    #expect(array.floats == [1, 3, 2, 4])
  }

  @Test func truthValuesBeyondOneAreOne() throws {
    let stored = StoredArray(.bool, [3])
    let array = try stored.array(in: Bytes(copying: [0, 2, 255]), named: "a", fault: FileFault("file"))
    #expect(array.withUnsafeBytes { Array($0) } == [0, 1, 1])
  }

  @Test func unalignedTensorsAreCopied() throws {
    let bytes = try #require(Bytes(copying: [9, 0, 0, 128, 63, 0, 0, 0, 64]).slice(at: 1, count: 8))
    let array = try StoredArray(.f32, [2]).array(in: bytes, named: "a", fault: FileFault("file"))
    #expect(array.floats == [1, 2])
  }

  /// All 65,536 of them, against the definition.
  @Test func halfPrecisionIsExact() throws {
    let bits = (0...UInt16.max).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let floats = try StoredArray(.f16, [65536]).array(
      in: Bytes(copying: bits), named: "a", fault: FileFault("file")
    ).floats
    for bits in 0...UInt16.max {
      let exponent = Int(bits >> 10 & 31)
      let fraction = Double(bits & 1023) / 1024
      let sign: Double = bits >> 15 == 0 ? 1 : -1
      let magnitude: Double =
        switch exponent {
        case 0: fraction * 0x1p-14
        case 31: fraction == 0 ? .infinity : .nan
        default: (1 + fraction) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
        }
      let wanted = Float(sign * magnitude)
      let read = floats[Int(bits)]
      if wanted.isNaN ? !read.isNaN : read.bitPattern != wanted.bitPattern {
        Issue.record("\(bits): \(read) instead of \(wanted)")
      }
    }
  }
}
