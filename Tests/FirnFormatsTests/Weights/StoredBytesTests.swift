import FirnFiles
import FirnGraph
import Foundation
import Testing

@testable import FirnFormats

/// Stored types and bits survive reading, mapping and writing.
@Suite struct StoredBytesTests {
  /// With `FIRN_WRITTEN=folder` the copy stays there, for `Fixtures/check_written.py`.
  @Test func everyTypeOfSafetensorsIsKept() throws {
    let url = WeightFixtures.url("all.safetensors")
    let read = try Weights(contentsOf: url.path)
    #expect(
      Set(read.entries.map(\.storedType)).isSuperset(of: [.bf16, .f16, .i64, .u64, .complex64, .f8e4m3]))
    try WeightFixtures.inFolder { folder in
      let kept = ProcessInfo.processInfo.environment["FIRN_WRITTEN"].map { URL(fileURLWithPath: $0) }
      let path = (kept ?? folder).appendingPathComponent("all.safetensors").path
      try read.write(to: path)
      let copy = try Weights(contentsOf: path)
      try Self.expectSame(copy, read)
      #expect(copy.metadata == read.metadata)
    }
  }

  /// Big-endian and Fortran-ordered arrays, complex ones among them, are written in the order of everyone else.
  @Test(arguments: ["big-endian.npz", "fortran.npz", "deflated.npz", "stored.npz"])
  func orderIsNormalised(_ name: String) throws {
    let read = try Weights(contentsOf: WeightFixtures.url(name).path)
    let plain = try Weights(contentsOf: WeightFixtures.url("stored.npz").path)
    try WeightFixtures.inFolder { folder in
      let path = folder.appendingPathComponent("copy.npz").path
      try read.write(to: path)
      let copy = try Weights(contentsOf: path)
      try Self.expectSame(copy, read)
      var compared = 0
      for entry in copy.entries {
        guard let other = plain[entry.name], other.storedType == entry.storedType, other.shape == entry.shape
        else { continue }
        #expect(try Self.bytes(entry) == Self.bytes(other), "\(entry.name)")
        compared += 1
      }
      #expect(name == "fortran.npz" || compared > 10)
    }
  }

  @Test(arguments: [("bf16", WeightFormat.npz), ("complex128", .safetensors)])
  func aTypeTheFormatHasNotIsNamed(_ name: String, _ format: WeightFormat) throws {
    let file = format == .npz ? "all.safetensors" : "stored.npz"
    let read = try Weights(contentsOf: WeightFixtures.url(file).path)
    try WeightFixtures.inFolder { folder in
      let error = #expect(throws: FirnError.self) {
        try read.write(to: folder.appendingPathComponent("copy").path, as: format)
      }
      #expect(error?.message.contains(name) == true && error?.remedy != nil)
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(files.isEmpty)
    }
  }

  /// Transposing moves elements of every width, and only moves them.
  @Test func mapsReorderStoredElements() throws {
    let halves: [UInt16] = [0x3C00, 0x7E01, 0x0001, 0xFBFF, 0x8000, 0x7C00]
    let bytes = Bytes(copying: halves.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
    let entry = WeightEntry(
      name: "fc.weight", StoredArray(.f16, [2, 3]), fault: FileFault("test")
    ) { () throws(FirnError) in bytes }
    let (mapped, ignored) = try Weights(source: "test", entries: [entry]).mapped(by: .pyTorch)
    let result = try #require(mapped["fc/kernel"])
    #expect(result.shape == [3, 2] && result.storedType == .f16 && ignored.isEmpty)
    let order = [0, 3, 1, 4, 2, 5].map { halves[$0] }
    #expect(try Self.bytes(result) == order.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
    #expect(try result.array().shape == [3, 2])
  }

  @Test func twoNamesThatBecomeOneAreRefused() throws {
    let entries = ["a/x", "b/x"].map { WeightEntry(name: $0, array: NDArray([1 as Float])) }
    let error = #expect(throws: FirnError.self) {
      try Weights(source: "test", entries: entries).mapped(by: .prefix("a/", "b/"))
    }
    #expect(error?.code == .duplicateName)
  }

  // MARK: Rounding

  /// Every half-precision number is itself after a way through doubles, and what lies between goes to the even one.
  @Test(arguments: [5, 8]) func sixteenBitsRoundToTheNearest(_ exponentBits: Int) {
    func value(_ bits: UInt16) -> Double {
      Double(exponentBits == 5 ? HalfPrecision.binary16(bits) : HalfPrecision.bfloat16(bits))
    }
    let infinity: UInt16 = exponentBits == 5 ? 0x7C00 : 0x7F80
    var failures = 0
    for bits in stride(from: UInt16(0), to: infinity, by: 1) {
      let (low, high) = (value(bits), value(bits + 1))
      if HalfPrecision.bits(low, exponentBits: exponentBits) != bits { failures += 1 }
      if HalfPrecision.bits(-low, exponentBits: exponentBits) != bits | 0x8000 { failures += 1 }
      guard high.isFinite else { continue }
      let middle = (low + high) / 2
      if HalfPrecision.bits(middle, exponentBits: exponentBits) != bits + bits % 2 { failures += 1 }
      if HalfPrecision.bits(middle.nextUp, exponentBits: exponentBits) != bits + 1 { failures += 1 }
      if HalfPrecision.bits(middle.nextDown, exponentBits: exponentBits) != bits { failures += 1 }
    }
    #expect(failures == 0)
    #expect(HalfPrecision.bits(.infinity, exponentBits: exponentBits) == infinity)
    #expect(HalfPrecision.bits(1e300, exponentBits: exponentBits) == infinity)
    #expect(HalfPrecision.bits(-1e-300, exponentBits: exponentBits) == 0x8000)
    #expect(value(HalfPrecision.bits(.nan, exponentBits: exponentBits)).isNaN)
  }

  @Test func whatIsBeyondATypeIsRefused() throws {
    let entry = WeightEntry(name: "w", array: NDArray([1, 70_000] as [Float]))
    let error = #expect(throws: FirnError.self) { try entry.rounded(to: .f16).storedBytes() }
    #expect(error?.message.contains("70000") == true)
    #expect(try entry.rounded(to: .bf16).array() == NDArray([1, 70_144] as [Float]))
    // Infinity is no surprise where it was there before.
    let infinite = WeightEntry(name: "w", array: NDArray([-Float.infinity]))
    #expect(try infinite.rounded(to: .f16).array() == NDArray([-Float.infinity]))
  }

  @Test func statisticsLeaveOutWhatIsNoNumber() throws {
    let entry = WeightEntry(
      name: "w", array: NDArray([1, 0, -3, 0, .nan, .infinity, -.infinity] as [Double]))
    let statistics = try #require(try WeightStatistics(entry))
    #expect(statistics.least == -3 && statistics.greatest == 1 && statistics.mean == -0.5)
    #expect(statistics.deviation == (9.0 / 4).squareRoot())
    #expect(statistics.zeros == 2 && statistics.notANumber == 1 && statistics.infinite == 2)
    let empty = try #require(try WeightStatistics(WeightEntry(name: "e", array: try NDArray(zeros: [0]))))
    #expect(empty.mean == nil && empty.zeros == 0)
  }

  private static func bytes(_ entry: WeightEntry) throws -> [UInt8] {
    try entry.storedBytes().withUnsafeBytes { Array($0) }
  }

  private static func expectSame(_ a: Weights, _ b: Weights) throws {
    #expect(Set(a.entries.map(\.name)) == Set(b.entries.map(\.name)))
    for entry in a.entries {
      let other = try #require(b[entry.name])
      #expect(entry.storedType == other.storedType && entry.shape == other.shape, "\(entry.name)")
      #expect(try bytes(entry) == bytes(other), "\(entry.name)")
    }
  }
}
