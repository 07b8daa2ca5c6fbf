import FirnWorlds
import Foundation
import Testing

@testable import FirnWorldMember

/// What a world promises, with threads as its members.
@Suite struct ThreadWorldTests {
  /// The sum of all members' numbers, in the order of ranks.
  static func expected(_ count: Int, members: Int) -> [Float] {
    var sums = Calls.numbers(count, of: 0)
    for rank in 1..<max(members, 1) {
      for (index, value) in Calls.numbers(count, of: rank).enumerated() { sums[index] += value }
    }
    return sums
  }

  @Test(arguments: [1, 2, 3, 4, 7], [1, 2, 7, 2048, 2049, 5001])
  func sumsRunInTheOrderOfRanks(members: Int, count: Int) throws {
    let bits = Self.expected(count, members: members).map(\.bitPattern)
    let all = try World.runInThreads(members) { world in
      var values = Calls.numbers(count, of: world.rank)
      try values.withUnsafeMutableBytes { bytes in
        try world.sum(over: #require(bytes.baseAddress), count: count, of: .f32)
      }
      return values.map(\.bitPattern)
    }
    #expect(all.count == members && all.allSatisfy { $0 == bits })
  }

  @Test(arguments: [0, -1]) func aWorldHasMembers(count: Int) {
    #expect(throws: WorldError.self) { _ = try World.runInThreads(count) { $0.rank } }
  }

  /// The numbers of the tests tell orders apart, or the test above would say little.
  @Test func anotherOrderHasOtherBits() {
    var sums = Calls.numbers(2048, of: 2)
    for rank in [1, 0] {
      for (index, value) in Calls.numbers(2048, of: rank).enumerated() { sums[index] += value }
    }
    #expect(sums.map(\.bitPattern) != Self.expected(2048, members: 3).map(\.bitPattern))
  }

  /// Of rows that several members have, too; few of them travel as rows, many as a table.
  @Test(arguments: [1, 80]) func rowsAreAddedInTheOrderOfRanks(count: Int) throws {
    let (members, width, size) = (3, 40, 100)
    var expected = [Float](repeating: 0, count: size * width)
    for rank in 0..<members {
      for (index, value) in Calls.numbers(count * width, of: rank).enumerated() { expected[index] += value }
    }
    let all = try World.runInThreads(members) { world in
      var rows = Calls.numbers(count * width, of: world.rank)
      var indices = (0..<count).map { Int32($0) }
      var table = [Float](repeating: 1, count: size * width)
      try rows.withUnsafeMutableBytes { rows in
        try indices.withUnsafeMutableBufferPointer { indices in
          try table.withUnsafeMutableBytes { table in
            try world.finish(
              world.startSum(
                ofRows: #require(rows.baseAddress), at: #require(indices.baseAddress), count: count,
                width: width, into: #require(table.baseAddress), size: size, of: .f32))
          }
        }
      }
      return (table.map(\.bitPattern), world.trafficSoFar.reducedBytes)
    }
    for (table, bytes) in all {
      #expect(table == expected.map(\.bitPattern))
      #expect(bytes == (count == 1 ? width * 4 + 4 : size * width * 4))
    }
  }

  @Test func otherTypesOfNumbers() throws {
    let sums = try World.runInThreads(3) { world in
      var doubles = [0.1, 1e-17].map { $0 * Double(world.rank + 1) }
      var integers: [Int32] = [.max, Int32(world.rank)]
      try doubles.withUnsafeMutableBytes { bytes in
        try world.sum(over: #require(bytes.baseAddress), count: 2, of: .f64)
      }
      try integers.withUnsafeMutableBytes { bytes in
        try world.sum(over: #require(bytes.baseAddress), count: 2, of: .i32)
      }
      return "\(doubles) \(integers)"
    }
    // Integers wrap round.
    let (first, second): (Double, Double) = (0.1 + 0.2 + 0.1 * 3, 1e-17 + 2e-17 + 1e-17 * 3)
    #expect(Set(sums) == ["\([first, second]) \([Int32.max &* 3, 3])"])
  }

  /// Calls are made in the order in which they were begun, whatever is waited for first.
  @Test func callsGoOnMeanwhile() throws {
    let all = try World.runInThreads(3) { world in
      let (one, other) = (
        UnsafeMutablePointer<Float>.allocate(capacity: 4000),
        UnsafeMutablePointer<Float>.allocate(capacity: 3)
      )
      defer {
        one.deallocate()
        other.deallocate()
      }
      one.initialize(repeating: Float(world.rank), count: 4000)
      other.initialize(repeating: 1, count: 3)
      let first = world.startSum(one, count: 4000, of: .f32)
      let second = world.startSum(other, count: 3, of: .f32)
      try world.finish(second)
      try world.finish(first)
      return [one[0], one[3999], other[2]]
    }
    #expect(all == Array(repeating: [3, 3, 3], count: 3))
  }

  @Test func whatIsSentIsCounted() throws {
    let traffic = try World.runInThreads(4) { world in
      var values = [Float](repeating: 1, count: 40_000)
      try values.withUnsafeMutableBytes { bytes in
        try world.sum(over: #require(bytes.baseAddress), count: 40_000, of: .f32)
      }
      return world.trafficSoFar
    }
    for traffic in traffic {
      #expect(traffic.reducedBytes == 160_000 && traffic.calls == 1)
      // Three quarters of the numbers to those who sum them, and a quarter, summed, to three others.
      #expect(traffic.sentBytes == 240_000)
    }
  }

  @Test func aloneNothingIsSent() throws {
    #expect(World.alone.rank == 0 && World.alone.size == 1)
    let lines = try Calls.made(in: .alone)
    #expect(lines.contains("sum of 7: \(Calls.digest(Calls.numbers(7, of: 0)))"))
    #expect(lines.suffix(2) == ["|", "broadcast: [1, 1, 1, 1, 1]"])
    #expect(World.alone.trafficSoFar.sentBytes == 0)
  }

  struct Mishap: Error, Equatable {}

  /// Whoever fails is named to the others, who would wait for ever.
  @Test func oneFailsAllFail() {
    let seen = Seen()
    #expect(throws: Mishap.self) {
      try World.runInThreads(3) { world in
        if world.rank == 1 { throw Mishap() }
        do { try world.meet() } catch {
          seen.add("\(error)")
          throw error
        }
      }
    }
    #expect(seen.texts.count == 2)
    #expect(seen.texts.allSatisfy { $0.contains("(rank 1)") && $0.contains("Mishap") })
  }

  @Test func whoIsSilentIsNamed() {
    #expect {
      try World.runInThreads(2, patience: 0.05) { world in
        if world.rank == 1 { Thread.sleep(forTimeInterval: 0.5) } else { try world.meet() }
      }
    } throws: { "\($0)".contains("rank 1 has not answered") && "\($0)".contains("FIRN_WORLD_PATIENCE") }
  }

  /// A call that nobody waits for is made all the same, and its world stays until then.
  @Test func unfinishedCallsEnd() throws {
    let all = try World.runInThreads(2) { world in
      let sums = Sums(count: 5000)
      _ = world.startSum(sums.pointer, count: 5000, of: .f32)
      return sums
    }
    for sums in all {
      #expect((0..<5000).allSatisfy { sums.pointer[$0] == 2 })
      sums.pointer.deallocate()
    }
  }

  /// Nobody reads what a member has left behind that failed in the middle of a call: its memory may be gone.
  @Test func whatAFailedMemberSentIsNotRead() {
    let seen = Seen()
    _ = try? World.runInThreads(2, patience: 0.05) { world in
      var bytes = [UInt8](repeating: UInt8(world.rank + 1), count: 5)
      if world.rank == 1 { Thread.sleep(forTimeInterval: 0.4) }
      do {
        try bytes.withUnsafeMutableBytes { try world.broadcast($0, from: 0) }
      } catch {
        seen.add("\(bytes[0]) \(error)")
      }
    }
    #expect(Set(seen.texts.map { $0.prefix(2) }) == ["1 ", "2 "], "\(seen.texts)")
    #expect(seen.texts.allSatisfy { $0.contains("rank 1 has not answered") })
  }

  /// What failed later is no fault of what went well before.
  @Test func earlierCallsHaveEnded() throws {
    let sums = try World.runInThreads(2, patience: 0.2) { world in
      let sums = Sums(count: 3)
      defer { sums.pointer.deallocate() }
      let first = world.startSum(sums.pointer, count: 3, of: .f32)
      if world.rank == 0 {
        #expect(throws: WorldError.self) { try world.meet() }
      } else {
        Thread.sleep(forTimeInterval: 1)
      }
      try world.finish(first)
      return sums.pointer[2]
    }
    #expect(sums == [2, 2])
  }

  @Test func otherCallsAreNoticed() {
    #expect {
      try World.runInThreads(2) { world in
        var bytes = [UInt8](repeating: 0, count: world.rank == 0 ? 8 : 12)
        try bytes.withUnsafeMutableBytes { try world.broadcast($0, from: 0) }
      }
    } throws: { "\($0)".contains("sent 8 bytes where 12 were expected") }
  }

  /// Calls of another kind are named, not taken for one's own.
  @Test func callsOfAnotherKindAreNamed() {
    #expect {
      try World.runInThreads(2, patience: 0.3) { world in
        var value: Float = 1
        guard world.rank == 0 else { return try world.meet() }
        try withUnsafeMutableBytes(of: &value) { bytes in
          try world.sum(over: #require(bytes.baseAddress), count: 1, of: .f32)
        }
      }
    } throws: { error in
      let text = "\(error)"
      return text.contains("rank 0 adds up numbers, as a step does")
        && text.contains("rank 1 waits for all others")
    }
  }

  /// Bodies are given back by rank, and a world can be had again.
  @Test func manyWorlds() throws {
    for members in 1...5 {
      #expect(
        try World.runInThreads(members) { $0.rank * 10 + $0.size } == (0..<members).map { $0 * 10 + members })
    }
  }
}

/// Numbers that outlive a body; each begins as 1.
private struct Sums: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>

  init(count: Int) {
    pointer = .allocate(capacity: count)
    pointer.initialize(repeating: 1, count: count)
  }
}

private final class Seen: @unchecked Sendable {
  private let lock = NSLock()
  private var list: [String] = []

  func add(_ text: String) { lock.withLock { list.append(text) } }
  var texts: [String] { lock.withLock { list } }
}
