internal import Foundation

/// Members that are threads of one process: messages are copied from one's memory to another's.
final class ThreadTransport: Transport {
  let rank: Int
  let size: Int
  let name = "threads"
  private let hall: Hall

  /// Where the members meet.
  ///
  /// Sendable by its condition, locked wherever the rest is touched; the bytes of a message are the sender's until it is taken,
  /// which the sender waits for.
  private final class Hall: @unchecked Sendable {
    let condition = NSCondition()
    let patience: Double
    /// Messages under way, by sender and receiver, oldest first, and how many of each have been taken.
    var messages: [[(bytes: UnsafeMutableRawBufferPointer, purpose: Purpose)]]
    var taken: [Int]
    var sent: [Int]
    var failure: WorldError?

    init(size: Int, patience: Double) {
      self.patience = patience
      messages = Array(repeating: [], count: size * size)
      taken = Array(repeating: 0, count: size * size)
      sent = Array(repeating: 0, count: size * size)
    }
  }

  private init(rank: Int, size: Int, hall: Hall) {
    self.rank = rank
    self.size = size
    self.hall = hall
  }

  /// One for each member.
  static func members(_ count: Int, patience: Double) -> [ThreadTransport] {
    let hall = Hall(size: count, patience: patience)
    return (0..<count).map { ThreadTransport(rank: $0, size: count, hall: hall) }
  }

  func exchange(_ sends: [Message], _ receives: [Message], for purpose: Purpose) throws(WorldError) {
    hall.condition.lock()
    defer { hall.condition.unlock() }
    let deadline = Date(timeIntervalSinceNow: hall.patience)
    var expected: [(lane: Int, number: Int)] = []
    for message in sends {
      let lane = rank * size + message.rank
      hall.messages[lane].append((message.bytes, purpose))
      hall.sent[lane] += 1
      expected.append((lane, hall.sent[lane]))
    }
    hall.condition.broadcast()
    for message in receives {
      let lane = message.rank * size + rank
      try wait(until: deadline, for: message.rank) { !hall.messages[lane].isEmpty }
      try requirePurpose(purpose, of: lane, from: message.rank)
      let bytes = hall.messages[lane].removeFirst().bytes
      hall.taken[lane] += 1
      guard bytes.count == message.bytes.count else {
        throw fail(
          WorldError(
            rank: rank,
            "rank \(message.rank) sent \(bytes.count) bytes where \(message.bytes.count) were expected",
            remedy: "let all members make the same calls in the same order"))
      }
      if !bytes.isEmpty { message.bytes.copyMemory(from: UnsafeRawBufferPointer(bytes)) }
      hall.condition.broadcast()
    }
    for (lane, number) in expected {
      try wait(until: deadline, for: lane % size) { hall.taken[lane] >= number }
    }
  }

  /// With the condition locked; the oldest message of a lane is to be of this purpose.
  private func requirePurpose(_ purpose: Purpose, of lane: Int, from other: Int) throws(WorldError) {
    guard let found = hall.messages[lane].first?.purpose, found != purpose else { return }
    // The other one may know better what is wrong.
    let start = Date(timeIntervalSinceNow: min(purpose.secondsBeforeLooking, hall.patience))
    while hall.failure == nil, hall.condition.wait(until: start) {}
    throw hall.failure ?? fail(.different(purpose, at: rank, found, at: other))
  }

  /// With the condition locked.
  ///
  /// After a failure nothing is done any more: whoever sent a message may have left, with its memory.
  private func wait(until deadline: Date, for other: Int, _ isDone: () -> Bool) throws(WorldError) {
    while true {
      if let failure = hall.failure { throw failure }
      if isDone() { return }
      if !hall.condition.wait(until: deadline), !isDone(), hall.failure == nil {
        throw fail(.silent(other, heardBy: rank, for: hall.patience))
      }
    }
  }

  /// With the condition locked; what the others are told.
  private func fail(_ error: WorldError) -> WorldError {
    hall.failure = hall.failure ?? error
    hall.condition.broadcast()
    return error
  }

  func leave() {}

  func abort(_ error: WorldError, status: Int32) {
    hall.condition.lock()
    defer { hall.condition.unlock() }
    _ = fail(error)
  }
}

extension WorldError {
  static func silent(_ other: Int, heardBy rank: Int, for seconds: Double) -> WorldError {
    WorldError(
      rank: rank, "rank \(other) has not answered for \(Int(seconds)) s",
      remedy:
        "look at what rank \(other) does: it hangs, or waits for something else; where it merely takes longer, set FIRN_WORLD_PATIENCE to more seconds"
    )
  }
}

extension World {
  /// Runs `body` in as many threads as there are members, each with its own world.
  ///
  /// For tests, and for one machine: threads exchange by copying memory, with the bits that processes have.
  ///
  /// - Parameters:
  ///   - count: how many members; at least 1.
  ///   - patience: for how many seconds one waits for another before all fail.
  ///   - body: what each member does. Once it throws in one of them, the calls of the others fail.
  /// - Returns: what the bodies returned, by rank.
  /// - Throws: the first error that was not another's; for less than one member what is wrong.
  public static func runInThreads<Result: Sendable>(
    _ count: Int, patience: Double = 60, _ body: @escaping @Sendable (World) throws -> Result
  ) throws -> [Result] {
    guard count >= 1 else {
      throw WorldError(rank: 0, "a world of \(count) members", remedy: "give at least one")
    }
    let outcomes = Outcomes<Result>(count: count)
    let threads = DispatchGroup()
    for transport in ThreadTransport.members(count, patience: patience) {
      threads.enter()
      let thread = Thread {
        let world = World(transport)
        do {
          outcomes.set(.success(try body(world)), at: transport.rank)
        } catch {
          outcomes.set(.failure(error), at: transport.rank)
          transport.abort(
            error as? WorldError
              ?? WorldError(rank: transport.rank, "\(error)", remedy: "mend what rank \(transport.rank) says"),
            status: 1)
        }
        // Calls that nobody waited for end, one way or the other.
        world.settle()
        threads.leave()
      }
      thread.name = "firn-rank-\(transport.rank)"
      // As the main thread's: members build and compile graphs.
      thread.stackSize = 8 << 20
      thread.start()
    }
    threads.wait()
    return try outcomes.all()
  }
}

/// Sendable by its lock, taken wherever the rest is touched.
private final class Outcomes<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var list: [Result<Value, any Error>?]
  private var first: (any Error)?

  init(count: Int) { list = Array(repeating: nil, count: count) }

  func set(_ outcome: Result<Value, any Error>, at rank: Int) {
    lock.withLock {
      list[rank] = outcome
      if case .failure(let error) = outcome, first == nil { first = error }
    }
  }

  func all() throws -> [Value] {
    if let first { throw first }
    return try list.compactMap { try $0?.get() }
  }
}
