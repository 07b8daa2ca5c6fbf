import FirnFormats
import FirnGraph
import Foundation

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
