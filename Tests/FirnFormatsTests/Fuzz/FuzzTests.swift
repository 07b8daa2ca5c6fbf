import FirnFormats
import FirnGraph
import Foundation
import Testing

/// Readers given damaged files: an error or an array that is what it says, never a trap, a hang or memory without end.
@Suite struct FuzzTests {
  /// `FIRN_FUZZ=1000000` for a long run, in release.
  static let count = ProcessInfo.processInfo.environment["FIRN_FUZZ"].flatMap { Int($0) } ?? 10_000

  @Test(arguments: FuzzTarget.allCases)
  func damagedFiles(_ target: FuzzTarget) throws {
    let outcome = try target.run(count: Self.count)
    #expect(outcome.faults == [])
    #expect(outcome.accepted + outcome.refused == Self.count)
    // Both happen, or the mutations are too weak or too strong to show anything.
    #expect(outcome.accepted > Self.count / 100 && outcome.refused > Self.count / 100)
    // One element of a byte becomes one of four; deflate packs up to 1032 to one.
    #expect(outcome.largestRatio <= 4 * (target == .npz ? 1032 : 1) + 8)
    // The files have a few KB and take some hundred KB to open; nothing of them makes that grow.
    #expect(outcome.mostToOpen <= 4 << 20)
    if Self.count > 10_000 {
      print(
        "\(target.rawValue): \(outcome.accepted) accepted, \(outcome.refused) refused, largest \(outcome.largestRatio), \(outcome.mostToOpen) bytes to open"
      )
    }
  }

  @Test func sameSeedSameOutcome() throws {
    let a = try FuzzTarget.npy.run(count: 200, seed: 7)
    let b = try FuzzTarget.npy.run(count: 200, seed: 7)
    #expect(a.accepted == b.accepted && a.refused == b.refused && a.accepted > 0)
  }
}
