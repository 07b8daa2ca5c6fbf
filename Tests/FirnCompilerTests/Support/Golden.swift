import Foundation
import Testing

/// Expects `text` to be what the file of this name in `Goldens` holds.
///
/// With `FIRN_RECORD=1` in the environment the file is written instead, and the test fails all the same: a run that
/// records proves nothing.
func expectGolden(
  _ name: String, _ text: String, sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Goldens").appending(path: name)
  if ProcessInfo.processInfo.environment["FIRN_RECORD"] == "1" {
    try text.write(to: file, atomically: true, encoding: .utf8)
    Issue.record("\(name) is recorded; run again without FIRN_RECORD", sourceLocation: sourceLocation)
    return
  }
  let known = try String(contentsOf: file, encoding: .utf8)
  let (old, new) = (known.split(separator: "\n"), text.split(separator: "\n"))
  let line = zip(old, new).firstIndex { $0 != $1 } ?? min(old.count, new.count)
  #expect(
    known == text,
    "\(name) differs from line \(line + 1) on: \(old.dropFirst(line).first ?? "end") is now \(new.dropFirst(line).first ?? "end")",
    sourceLocation: sourceLocation)
}

extension Sequence {
  fileprivate func firstIndex(where isWanted: (Element) -> Bool) -> Int? {
    enumerated().first { isWanted($0.element) }?.offset
  }
}
