import FirnFormats
import FirnGraph
import Foundation
import Testing

/// The files of weights made by `Fixtures/weights.py`, and what the real libraries read from them.
enum WeightFixtures {
  struct Expected: Decodable {
    struct Entry: Decodable {
      var name: String
      var type: StoredType
      var shape: [Int]
      /// The bytes of the array Firn should yield.
      var hex: String
      var requiresGradient: Bool?
      var shared: Bool?
    }

    var entries: [Entry]
    var metadata: [String: String]?
    var skipped: [String]?
    /// Where the library keeps no order.
    var unordered: Bool?
  }

  struct Case: Decodable {
    var name: String
    var hex: String
    var reference: Bool
    var stricter: Bool
  }

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .appendingPathComponent("Fixtures")

  static func url(_ name: String) -> URL { folder.appendingPathComponent("weights/\(name)") }

  static func expected() throws -> [String: Expected] {
    try JSONDecoder().decode(
      [String: Expected].self, from: Data(contentsOf: folder.appendingPathComponent("expected.json")))
  }

  /// What `Fixtures/foreign.py` made: files that are read, and the first bytes of others.
  struct Foreign: Decodable {
    var read: [String: Expected]
    /// In hexadecimal, by the file's name.
    var heads: [String: String]
  }

  static func foreign(_ name: String) -> URL { folder.appendingPathComponent("foreign/\(name)") }

  static func foreign() throws -> Foreign {
    try JSONDecoder().decode(
      Foreign.self, from: Data(contentsOf: folder.appendingPathComponent("foreign.json")))
  }

  /// Expects names, types, elements, metadata and what is skipped to be those that the library reads.
  static func expect(_ weights: Weights, toBe expected: Expected) throws {
    let names = expected.entries.map(\.name)
    if expected.unordered == true {
      #expect(Set(weights.entries.map(\.name)) == Set(names) && weights.entries.count == names.count)
    } else {
      #expect(weights.entries.map(\.name) == names)
    }
    for wanted in expected.entries {
      let entry = try #require(weights[wanted.name])
      #expect(entry.storedType == wanted.type && entry.shape == wanted.shape)
      if let flag = wanted.requiresGradient { #expect(entry.requiresGradient == flag) }
      if let shared = wanted.shared { #expect((entry.storage != nil) == shared, "\(wanted.name)") }
      guard let dtype = wanted.type.dtype else {
        let error = #expect(throws: FirnError.self) { try entry.array() }
        #expect(error?.message.contains(wanted.type.rawValue) == true)
        continue
      }
      let array = try entry.array()
      #expect(array.dtype == dtype && array.shape == wanted.shape)
      #expect(hex(array) == wanted.hex, "\(wanted.name)")
    }
    let metadata = Dictionary(uniqueKeysWithValues: weights.metadata.map { ($0.key, $0.value) })
    #expect(metadata == expected.metadata ?? [:])
    #expect(weights.skipped.map(\.name) == expected.skipped ?? [])
  }

  static func corpus() throws -> [Case] {
    try JSONDecoder().decode(
      [Case].self, from: Data(contentsOf: folder.appendingPathComponent("corpus.json")))
  }

  static func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  static func hex(_ array: NDArray) -> String {
    array.withUnsafeBytes { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
  }

  /// Calls `body` with a folder that is there meanwhile.
  static func inFolder<R>(_ body: (URL) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }
}
