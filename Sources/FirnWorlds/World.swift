internal import Foundation
internal import Synchronization

/// The members that compute one thing together, as one of them sees it.
///
/// A world is one process alone, the processes that a launcher of MPI has started, or threads of one process. Sums run in
/// the order of ranks whatever arrives first, so that they have the same bits every time, with every transport.
///
/// Every member must make the same calls in the same order. All messages are sent by one thread of the world's own, in that
/// order; the member's own thread goes on meanwhile, where it can.
public final class World: Sendable {
  /// This member's number, from 0.
  public let rank: Int
  /// How many members there are.
  public let size: Int

  private let transport: (any Transport)?
  private let courier: Courier?
  private let counters = Counters()
  private let hasLeft = Atomic<Bool>(false)

  /// What this member has had done so far.
  public struct Traffic: Hashable, Sendable {
    /// Bytes handed in to be summed, by calls that were begun.
    public var reducedBytes = 0
    /// Bytes that this member has sent to others, of all kinds of calls.
    public var sentBytes = 0
    /// Calls of any kind.
    public var calls = 0

    /// Nothing yet.
    public init() {}
  }

  /// The courier and the member's own thread count at once.
  private struct Counters: ~Copyable {
    let reducedBytes = Atomic<Int>(0)
    let sentBytes = Atomic<Int>(0)
    let calls = Atomic<Int>(0)
  }

  /// A process alone: rank 0 of 1, which exchanges nothing.
  public static let alone = World(nil)

  init(_ transport: (any Transport)?, courier: Courier? = nil) {
    self.transport = transport
    rank = transport?.rank ?? 0
    size = transport?.size ?? 1
    self.courier = courier ?? transport.map { _ in Courier() }
  }

  /// A world whose transport is made by the thread that will use it.
  static func made(by make: @escaping @Sendable () throws(WorldError) -> any Transport) throws(WorldError)
    -> World
  {
    let courier = Courier()
    let made = Mutex<(any Transport)?>(nil)
    try courier.finish(
      courier.post { () throws(WorldError) in
        let transport = try make()
        made.withLock { $0 = transport }
      })
    return World(made.withLock { $0 }, courier: courier)
  }

  deinit { courier?.end() }

  /// What has been exchanged so far; while calls are on their way, a part of one may be counted and another not yet.
  public var trafficSoFar: Traffic {
    var traffic = Traffic()
    traffic.reducedBytes = counters.reducedBytes.load(ordering: .relaxed)
    traffic.sentBytes = counters.sentBytes.load(ordering: .relaxed)
    traffic.calls = counters.calls.load(ordering: .relaxed)
    return traffic
  }

  // MARK: Calls

  /// The numbers that can be summed.
  public enum Element: Sendable {
    case f32, f64, i32

    var byteCount: Int { self == .f64 ? 8 : 4 }
  }

  /// A call that has been begun; see ``finish(_:)``.
  public struct Ticket: Sendable {
    package let number: Int

    package init(number: Int) { self.number = number }
  }

  /// Begins to replace `values` with their sums over all members, element by element, in the order of ranks.
  ///
  /// The memory belongs to the world until ``finish(_:)`` has returned. Each member sends `2·(n − 1)/n` times the bytes: its
  /// parts of the numbers to whoever sums them, and the sums of its own part to all (Rabenseifner, 2004; the order of sums is
  /// ours). Few numbers go whole to everyone, in one round of messages instead of two.
  ///
  /// - Parameters:
  ///   - values: `count` numbers.
  ///   - count: the same for all members.
  ///   - element: their type.
  public func startSum(_ values: UnsafeMutableRawPointer, count: Int, of element: Element) -> Ticket {
    note(reduced: count * element.byteCount)
    let values = UncheckedPointer(values)
    return start { world throws(WorldError) in try world.sum(values.pointer, count: count, of: element) }
  }

  /// Replaces `values` with their sums over all members; see ``startSum(_:count:of:)``.
  ///
  /// - Throws: where a member is gone or does not answer.
  public func sum(over values: UnsafeMutableRawPointer, count: Int, of element: Element) throws(WorldError) {
    try finish(startSum(values, count: count, of: element))
  }

  /// Copies `bytes` of member `root` over everyone's.
  ///
  /// - Throws: where a member is gone or does not answer.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws(WorldError) {
    precondition(root >= 0 && root < size, "no member has this rank")
    let bytes = UncheckedBuffer(bytes)
    try finish(
      start { world throws(WorldError) in
        guard world.size > 1 else { return }
        let others = (0..<world.size).filter { $0 != root }
        if world.rank == root {
          try world.exchange(others.map { Message(rank: $0, bytes: bytes.buffer) }, [], for: .copies)
        } else {
          try world.exchange([], [Message(rank: root, bytes: bytes.buffer)], for: .copies)
        }
      })
  }

  /// Collects every member's `own` bytes, in the order of ranks.
  ///
  /// - Parameters:
  ///   - own: as many bytes for every member.
  ///   - all: `size` times as many.
  /// - Throws: where a member is gone or does not answer.
  public func gather(_ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer)
    throws(WorldError)
  {
    try gather(own, into: all, for: .collecting)
  }

  private func gather(
    _ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, for purpose: Purpose
  ) throws(WorldError) {
    precondition(all.count == own.count * size, "what is gathered does not fit")
    let (own, all) = (UncheckedBuffer(UnsafeMutableRawBufferPointer(mutating: own)), UncheckedBuffer(all))
    try finish(
      start { world throws(WorldError) in
        let (own, all) = (own.buffer, all.buffer)
        let parts = (0..<world.size).map { all.part(own.count * $0..<own.count * ($0 + 1)) }
        if own.count > 0 { parts[world.rank].copyMemory(from: UnsafeRawBufferPointer(own)) }
        let others = (0..<world.size).filter { $0 != world.rank }
        try world.exchange(
          others.map { Message(rank: $0, bytes: parts[world.rank]) },
          others.map { Message(rank: $0, bytes: parts[$0]) }, for: purpose)
      })
  }

  /// Every member's text, in the order of ranks.
  ///
  /// - Throws: where a member is gone or does not answer.
  public func gather(_ text: String) throws(WorldError) -> [String] {
    try gather(Array(text.utf8), for: .collecting).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Every member's bytes, as many as each has, in the order of ranks.
  ///
  /// - Throws: where a member is gone or does not answer.
  public func gather(_ bytes: [UInt8]) throws(WorldError) -> [[UInt8]] {
    try gather(bytes, for: .collecting)
  }

  /// As ``gather(_:)``, of what all are to hold alike; a member that does something else meanwhile is found out.
  package func gather(comparing text: String) throws(WorldError) -> [String] {
    try gather(Array(text.utf8), for: .comparing).map { String(decoding: $0, as: UTF8.self) }
  }

  private func gather(_ own: [UInt8], for purpose: Purpose) throws(WorldError) -> [[UInt8]] {
    var counts = [Int](repeating: 0, count: size)
    try gathering([own.count], into: &counts, for: purpose)
    let longest = counts.max() ?? 0
    if longest == 0 { return Array(repeating: [], count: size) }
    var all = [UInt8](repeating: 0, count: longest * size)
    try gathering(own + [UInt8](repeating: 0, count: longest - own.count), into: &all, for: purpose)
    return (0..<size).map { Array(all[longest * $0..<longest * $0 + counts[$0]]) }
  }

  private func gathering<Item>(
    _ own: [Item], into all: inout [Item], for purpose: Purpose
  ) throws(WorldError) {
    var failure: WorldError?
    own.withUnsafeBytes { own in
      all.withUnsafeMutableBytes { all in
        do throws(WorldError) { try gather(own, into: all, for: purpose) } catch { failure = error }
      }
    }
    if let failure { throw failure }
  }

  /// Returns when every member has called it.
  ///
  /// - Throws: where a member is gone or does not answer.
  public func meet() throws(WorldError) { _ = try gather([], for: .meeting) }

  /// Waits for a call that was begun, and for all before it.
  ///
  /// - Throws: what any of them threw.
  public func finish(_ ticket: Ticket) throws(WorldError) {
    do throws(WorldError) { try courier?.finish(ticket.number) } catch {
      // Where another thread has met a fault the call has failed for that, and the process is about to end.
      if (transport as? any ProcessTransport)?.isStopping == true { waitForTheEnd() }
      throw error
    }
  }

  /// As long as the others may take to end this process.
  private func waitForTheEnd() { Thread.sleep(forTimeInterval: 3 * Self.secondsToSettle) }

  /// Ends all members with an error.
  ///
  /// Processes end with status 1, one alone as well; the error is printed once. Where several members meet a fault, such
  /// as one in what all have summed, it is that of the lowest rank. Threads go on, but every later call of any of them
  /// throws it.
  public func abort(_ error: WorldError) {
    end(with: error, status: 1) { FileHandle.standardError.write(Data("\(error)\n".utf8)) }
  }

  /// Ends all members with a fault that this one says in words of its own, unless a lower rank has met one as well.
  ///
  /// - Parameters:
  ///   - status: what the process ends with.
  ///   - say: tells people.
  package func end(status: Int32, _ say: () -> Void) { end(with: hasEnded, status: status, say) }

  private var hasEnded: WorldError {
    WorldError(rank: rank, "rank \(rank) has ended", remedy: "look at what rank \(rank) says")
  }

  private func end(with error: WorldError, status: Int32, _ say: () -> Void) {
    guard let transport, let courier else {
      say()
      exit(status)
    }
    // The first fault of threads is what all their calls throw.
    guard let processes = transport as? any ProcessTransport else {
      return transport.abort(error, status: status)
    }
    // Another thread may be at it already.
    guard processes.stop() else { return waitForTheEnd() }
    let speaks = Mutex(true)
    let call = courier.post(.always) {
      let own = processes.speaks(within: Self.secondsToSettle)
      speaks.withLock { $0 = own }
    }
    courier.wait(for: call, seconds: Self.secondsToSettle + 1)
    // A lower rank that has a fault says so and ends this one; where it does neither, this one does.
    if !speaks.withLock({ $0 }) { Thread.sleep(forTimeInterval: Self.secondsToSettle) }
    say()
    // Launchers hand on what is printed, and some drop what is on its way when a process ends all.
    Thread.sleep(forTimeInterval: Self.secondsToBeHeard)
    transport.abort(error, status: status)
  }

  private static let secondsToBeHeard = 0.3

  /// How long a member that has met a fault waits for what others say of theirs.
  static let secondsToSettle = 3.0

  /// Waits for all calls that were begun, however they end.
  package func settle() { courier?.settle() }

  /// Takes leave when all calls are done, or ends everyone; the world is of no more use.
  ///
  /// - Parameter status: what the process ends with; with 0 all have done what they were to do.
  func leave(status: Int32) {
    guard let courier, let transport, !hasLeft.exchange(true, ordering: .relaxed) else { return }
    if status != 0 || courier.hasFailed {
      // Whoever failed has said so before. One that is ending all, which makes it exit, does so already.
      if (transport as? any ProcessTransport)?.stop() ?? true {
        transport.abort(hasEnded, status: max(1, status))
      }
      return
    }
    // Whoever fails here has ended everyone.
    try? courier.finish(courier.post { transport.leave() })
  }

  /// Takes leave of the others, as all do at the same place: how each of them ends then is its own affair.
  ///
  /// - Throws: where a member is gone or does not answer.
  package func leave() throws(WorldError) {
    try meet()
    leave(status: 0)
  }

  // MARK: Inside

  func start(_ call: @escaping @Sendable (World) throws(WorldError) -> Void) -> Ticket {
    note(calls: 1)
    guard let courier else {
      // Nobody is asked for anything, so nothing can fail.
      try? call(self)
      return Ticket(number: 0)
    }
    // Until the call has ended the world stays, whether or not anybody waits for it.
    return Ticket(number: courier.post { () throws(WorldError) in try call(self) })
  }

  func note(reduced: Int = 0, sent: Int = 0, calls: Int = 0) {
    counters.reducedBytes.add(reduced, ordering: .relaxed)
    counters.sentBytes.add(sent, ordering: .relaxed)
    counters.calls.add(calls, ordering: .relaxed)
  }

  func exchange(
    _ sends: [Message], _ receives: [Message], for purpose: Purpose = .sums
  ) throws(WorldError) {
    guard let transport else { return }
    note(sent: sends.reduce(0) { $0 + $1.bytes.count })
    try transport.exchange(sends, receives, for: purpose)
  }

  /// Up to so many bytes a round of messages costs more than what is sent.
  static let small = 8192

  func sum(_ values: UnsafeMutableRawPointer, count: Int, of element: Element) throws(WorldError) {
    guard size > 1, count > 0 else { return }
    let width = element.byteCount
    let whole = UnsafeMutableRawBufferPointer(start: values, count: count * width)
    let others = (0..<size).filter { $0 != rank }
    if whole.count <= Self.small {
      // Everyone's numbers to everyone, summed by each.
      // Where messages fail it is not given back: one may still be on its way there.
      let received = UnsafeMutableRawBufferPointer.allocate(byteCount: whole.count * size, alignment: 64)
      let parts = (0..<size).map { received.part(whole.count * $0..<whole.count * ($0 + 1)) }
      parts[rank].copyMemory(from: UnsafeRawBufferPointer(whole))
      try exchange(
        others.map { Message(rank: $0, bytes: parts[rank]) },
        others.map { Message(rank: $0, bytes: parts[$0]) })
      whole.copyMemory(from: UnsafeRawBufferPointer(parts[0]))
      for part in parts.dropFirst() { Self.add(part.baseAddress, to: values, count, element) }
      received.deallocate()
      return
    }
    // Each member sums one part of the numbers, then sends the sums to all.
    let bounds = (0...size).map { count * $0 / size }
    let parts = (0..<size).map { whole.part(bounds[$0] * width..<bounds[$0 + 1] * width) }
    let own = parts[rank]
    let received = UnsafeMutableRawBufferPointer.allocate(byteCount: max(own.count, 1) * size, alignment: 64)
    let copies = (0..<size).map { received.part(own.count * $0..<own.count * ($0 + 1)) }
    if own.count > 0 { copies[rank].copyMemory(from: UnsafeRawBufferPointer(own)) }
    try exchange(
      others.map { Message(rank: $0, bytes: parts[$0]) }, others.map { Message(rank: $0, bytes: copies[$0]) })
    if own.count > 0 {
      own.copyMemory(from: UnsafeRawBufferPointer(copies[0]))
      for copy in copies.dropFirst() {
        Self.add(copy.baseAddress, to: own.baseAddress, own.count / width, element)
      }
    }
    try exchange(
      others.map { Message(rank: $0, bytes: own) }, others.map { Message(rank: $0, bytes: parts[$0]) })
    received.deallocate()
  }

  static func add(
    _ terms: UnsafeMutableRawPointer?, to sums: UnsafeMutableRawPointer?, _ count: Int, _ element: Element
  ) {
    guard let terms, let sums else { return }
    func add<Number>(_: Number.Type, _ plus: (Number, Number) -> Number) {
      let (terms, sums) = (
        terms.assumingMemoryBound(to: Number.self), sums.assumingMemoryBound(to: Number.self)
      )
      for index in 0..<count { sums[index] = plus(sums[index], terms[index]) }
    }
    switch element {
    case .f32: add(Float.self, +)
    case .f64: add(Double.self, +)
    case .i32: add(Int32.self, &+)
    }
  }
}

/// Memory that a call owns until it has ended, as ``World/startSum(_:count:of:)`` says.
struct UncheckedPointer: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer

  init(_ pointer: UnsafeMutableRawPointer) { self.pointer = pointer }
}

private struct UncheckedBuffer: @unchecked Sendable {
  let buffer: UnsafeMutableRawBufferPointer

  init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }
}

extension UnsafeMutableRawBufferPointer {
  func part(_ bytes: Range<Int>) -> UnsafeMutableRawBufferPointer { .init(rebasing: self[bytes]) }
}
