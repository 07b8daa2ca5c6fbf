import Foundation

enum Scratch {
  static func path() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)").path
  }

  static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
}
