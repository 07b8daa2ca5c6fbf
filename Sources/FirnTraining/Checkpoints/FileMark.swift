internal import Foundation

/// What tells a file from what stood at its path before, without a look at its bytes.
struct FileMark: Equatable {
  /// Its number, size and date.
  private let facts: [AnyHashable]
  /// Whether it had rested for so long that a later change shows in its date, however coarse that is.
  let isSettled: Bool

  /// In seconds, of what file systems tell the coarsest times.
  private static let coarsest = 2.0

  /// Nil where there is no such file, or the system says too little of it.
  init?(_ path: String) {
    let all = (try? FileManager.default.attributesOfItem(atPath: path)) ?? [:]
    guard let number = all[.systemFileNumber] as? AnyHashable, let size = all[.size] as? AnyHashable,
      let changed = all[.modificationDate] as? Date
    else { return nil }
    facts = [number, size, changed]
    isSettled = Date().timeIntervalSince(changed) > Self.coarsest
  }

  static func == (a: FileMark, b: FileMark) -> Bool { a.facts == b.facts }
}
