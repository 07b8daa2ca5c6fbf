internal import Foundation
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Members that are processes, started by a launcher of MPI.
///
/// All calls but `abort` come from the world's courier, which is the thread that has begun MPI: that much any MPI promises.
final class MPITransport: ProcessTransport {
  let rank: Int
  let size: Int
  let name: String
  private let library: MPILibrary
  private let communicator: MPILibrary.Handle
  private let patience: Double
  private let isFirn: Bool
  /// Whether this member has met a fault.
  private let isStopped = Atomic<Bool>(false)
  /// The other members that have said so of themselves and were answered; the thread that makes all calls alone looks at it.
  private let faulty = Mutex<Set<Int>>([])

  init(_ library: MPILibrary, patience: Double) throws(WorldError) {
    self.library = library
    self.patience = patience
    isFirn = try library.begin()
    communicator = try library.communicator()
    rank = try library.rank(in: communicator)
    size = try library.size(of: communicator)
    name = "\(library.version), \(library.interface.rawValue)"
  }

  /// Messages are cut into pieces that a 32-bit count can say.
  static let largestPiece = 1 << 30

  func exchange(_ sends: [Message], _ receives: [Message], for purpose: Purpose) throws(WorldError) {
    let receives = receives.flatMap(Self.pieces)
    let sends = sends.flatMap(Self.pieces)
    let count = sends.count + receives.count
    guard count > 0 else { return }
    let width = library.requestSize
    // Where one fails the others may go on, so the list is given back only when all have ended.
    let requests = UnsafeMutableRawPointer.allocate(byteCount: count * width, alignment: 8)
    for (index, message) in receives.enumerated() {
      try library.receive(
        message.bytes, from: message.rank, tag: purpose.rawValue, in: communicator, requests + index * width)
    }
    for (index, message) in sends.enumerated() {
      try library.send(
        UnsafeRawBufferPointer(message.bytes), to: message.rank, tag: purpose.rawValue, in: communicator,
        requests + (receives.count + index) * width)
    }
    try wait(for: requests, count, purpose, receives) {
      Array(Set(receives.map(\.rank) + sends.map(\.rank))).sorted()
    }
    requests.deallocate()
  }

  private static func pieces(of message: Message) -> [Message] {
    // Of no bytes a message is sent all the same: who receives waits for it.
    stride(from: 0, to: max(message.bytes.count, 1), by: largestPiece).map { start in
      Message(
        rank: message.rank, bytes: message.bytes.part(start..<min(start + largestPiece, message.bytes.count)))
    }
  }

  /// - Parameter receives: what the first of the requests are.
  private func wait(
    for requests: UnsafeMutableRawPointer, _ count: Int, _ purpose: Purpose, _ receives: [Message] = [],
    among ranks: () -> [Int]
  ) throws(WorldError) {
    let start = DispatchTime.now().uptimeNanoseconds
    var looks = 0
    var nextLook = min(purpose.secondsBeforeLooking, patience / 2)
    var nextAnswer = Self.secondsBetweenAnswers
    while true {
      if try library.haveEnded(requests, count) { return }
      if isStopping { throw stopped }
      looks += 1
      // MPI moves on only when it is asked, so this looks on; but other ranks may want the core. Where many want it each
      // yielding takes long.
      let waited = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
      if looks < 200, waited < 0.005 {
        sched_yield()
        continue
      }
      usleep(looks < 2000 ? 20 : 200)
      if waited > nextAnswer {
        nextAnswer = waited + Self.secondsBetweenAnswers
        try answerFaults()
      }
      if waited > nextLook {
        nextLook = waited + purpose.secondsBeforeLooking
        for (index, message) in receives.enumerated() {
          // Whoever has sent what was expected may be at its next call by now.
          if try library.haveEnded(requests + index * library.requestSize) { continue }
          for foreign in purpose.others
          where try library.isWaiting(from: message.rank, tag: foreign.rawValue, in: communicator) {
            // Asking lets MPI move on: what was expected may have come just before.
            if try library.haveEnded(requests + index * library.requestSize) { break }
            throw .different(purpose, at: rank, foreign, at: message.rank)
          }
        }
      }
      if waited > patience {
        let ranks = ranks()
        guard ranks.count != 1 else { throw .silent(ranks[0], heardBy: rank, for: patience) }
        throw WorldError(
          rank: rank,
          "one of the ranks \(ranks.map(String.init).joined(separator: ", ")) has not answered for \(Int(patience)) s",
          remedy: WorldError.silent(0, heardBy: rank, for: patience).remedy)
      }
    }
  }

  func leave() {
    guard isFirn else { return }
    let request = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8)
    // Who is late is waited for here, where waiting has an end, and not in MPI_Finalize.
    guard (try? library.barrier(in: communicator, request)) != nil,
      (try? wait(for: request, 1, .meeting) { [] }) != nil
    else { return library.abort(code: 1) }
    library.end()
  }

  func abort(_ error: WorldError, status: Int32) {
    library.abort(code: status)
    // No MPI returns from this; if one does, the process ends none the less.
    _exit(status)
  }

  // MARK: Faults

  // A member that meets a fault tells all others, and hears from those of lower ranks whether they have met one too: each
  // has, and says so in the same way, or waits for a message and answers that it has none, or is silent for a time.

  /// How often who waits looks whether another has met a fault.
  private static let secondsBetweenAnswers = 0.02

  private enum FaultMessage {
    static let tag: Int32 = 31
    static let fault: UInt8 = 1
    static let none: UInt8 = 0
  }

  var isStopping: Bool { isStopped.load(ordering: .relaxed) }

  private var stopped: WorldError {
    WorldError(rank: rank, "rank \(rank) has met a fault", remedy: "look at what is said of it")
  }

  func stop() -> Bool { !isStopped.exchange(true, ordering: .relaxed) }

  func speaks(within seconds: Double) -> Bool {
    do throws(WorldError) {
      // Who was told that this member has met none may be speaking, so it stays with that.
      let hasAnswered = faulty.withLock { !$0.isEmpty }
      for other in 0..<size where other != rank {
        try send(hasAnswered ? FaultMessage.none : FaultMessage.fault, to: other)
      }
      if hasAnswered { return false }
      var silent = Set(0..<rank)
      let deadline = Date(timeIntervalSinceNow: min(seconds, patience))
      while true {
        if silent.isEmpty || Date() > deadline { return true }
        for other in silent.sorted() {
          guard let message = try received(from: other) else { continue }
          if message == FaultMessage.fault { return false }
          silent.remove(other)
        }
        usleep(500)
      }
    } catch { return true }
  }

  /// Hears who has met a fault, and says that this member has none.
  private func answerFaults() throws(WorldError) {
    for other in 0..<size where other != rank {
      guard try received(from: other) == FaultMessage.fault else { continue }
      faulty.withLock { _ = $0.insert(other) }
      try send(FaultMessage.none, to: other)
    }
  }

  /// Sends a byte that nobody waits to be gone: the memory is not given back.
  private func send(_ message: UInt8, to other: Int) throws(WorldError) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 8)
    memory[8] = message
    guard let request = memory.baseAddress else { return }
    try library.send(
      UnsafeRawBufferPointer(memory.part(8..<9)), to: other, tag: FaultMessage.tag, in: communicator, request)
  }

  /// The byte that this member has sent of a fault; nil where there is none.
  private func received(from other: Int) throws(WorldError) -> UInt8? {
    guard try library.isWaiting(from: other, tag: FaultMessage.tag, in: communicator) else { return nil }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 8)
    guard let request = memory.baseAddress else { return nil }
    try library.receive(
      memory.part(8..<9), from: other, tag: FaultMessage.tag, in: communicator, request)
    // It is here already.
    while try !library.haveEnded(request) {}
    defer { memory.deallocate() }
    return memory[8]
  }
}

extension World {
  /// The processes that a launcher of MPI (`mpiexec -n 4 …`) has started, of which this is one.
  ///
  /// The library is looked for at run time, or named by `FIRN_MPI`; of the three binary interfaces, MPI 5's standard one,
  /// MPICH's and Open MPI's, any will do. Where no launcher has started the process, it is ``alone`` and no MPI is needed.
  /// The first call begins MPI, all later ones return the same world; it ends with the process: with status 0 after all others
  /// are done as well, with any other by ending them.
  ///
  /// How long a member waits for another before it ends all is said in seconds by `FIRN_WORLD_PATIENCE`, else 60.
  ///
  /// - Throws: where the launcher is there and no MPI is, or not the launcher's own: each process would take itself for the
  ///   only one.
  public static func mpi() throws(WorldError) -> World {
    let outcome = shared.withLock { shared in
      if let made = shared { return made }
      let made: Result<World, WorldError>
      do throws(WorldError) { made = .success(try begun(ProcessInfo.processInfo.environment)) } catch {
        made = .failure(error)
      }
      shared = made
      return made
    }
    return try outcome.get()
  }

  private static let shared = Mutex<Result<World, WorldError>?>(nil)

  /// How many processes the launcher says there are; nil where none has started this one.
  struct Launch: Equatable {
    var count: Int
    /// Whether these are all, and not only those of one machine.
    var isWhole: Bool
  }

  static func launch(_ environment: [String: String]) -> Launch? {
    func count(_ names: String...) -> Int? {
      names.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first
    }
    // MPICH's Hydra, and Open MPI's mpirun.
    if let count = count("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "PMIX_SIZE") {
      return Launch(count: count, isWhole: true)
    }
    if let count = count("MPI_LOCALNRANKS") { return Launch(count: count, isWhole: false) }
    guard environment["PMIX_RANK"] != nil || environment["PMI_RANK"] != nil || environment["PMI_FD"] != nil
    else { return nil }
    // Slurm's srun for either: tasks of the step, which may be fewer than those of the job.
    let tasks = count("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS")
    return Launch(count: tasks ?? 1, isWhole: tasks != nil)
  }

  /// Which of its processes the launcher says this one is; nil where none has started it.
  package static func launchedRank(_ environment: [String: String]) -> Int? {
    for name in ["PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK"] {
      if let rank = environment[name].flatMap({ Int($0) }) { return rank }
    }
    return nil
  }

  private static func begun(_ environment: [String: String]) throws(WorldError) -> World {
    guard let launched = launch(environment) else {
      // Said by name, a library is used even by one process: a wrong name shows at once.
      if let named = environment["FIRN_MPI"], !named.isEmpty {
        _ = try MPILibrary.found(environment: environment)
      }
      return .alone
    }
    let text = environment["FIRN_WORLD_PATIENCE"] ?? "60"
    guard let patience = Double(text), patience > 0 else {
      throw WorldError(
        "FIRN_WORLD_PATIENCE is `\(text)`, no number above 0",
        remedy: "let it be a number of seconds, such as 60")
    }
    let library: MPILibrary
    do throws(WorldError) { library = try MPILibrary.found(environment: environment) } catch {
      // One process needs nobody to talk to.
      if launched == Launch(count: 1, isWhole: true), environment["FIRN_MPI"] ?? "" == "" { return .alone }
      throw error
    }
    // The courier begins MPI, since all its calls must come from one thread.
    let world = try made { () throws(WorldError) in try MPITransport(library, patience: patience) }
    guard world.size >= launched.count else {
      throw WorldError(
        "the launcher has started \(launched.count) processes, but \(library.version) (\(library.path)) sees \(world.size)",
        remedy: "use the launcher of this MPI, or name the launcher's library by FIRN_MPI")
    }
    endWithProcess(world)
    return world
  }

  /// The world that is left when the process ends.
  private static func endWithProcess(_ world: World) {
    leaving.withLock { $0 = world }
    #if os(Linux)
      on_exit({ status, _ in World.left(status) }, nil)
    #else
      atexit { World.left(0) }
    #endif
  }

  private static let leaving = Mutex<World?>(nil)

  private static func left(_ status: Int32) {
    guard let world = leaving.withLock({ $0 }) else { return }
    world.leave(status: status)
  }
}
