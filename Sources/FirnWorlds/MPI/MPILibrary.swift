internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// An MPI as it is installed: opened at run time, called by its binary interface.
///
/// No header is read and nothing is linked.
///
/// There are three interfaces, told apart by what a library has (MPI 5.0, section 20; mpi.h of MPICH 5.0 and Open MPI 5.0).
/// Handles are 32 bits wide in MPICH's and pointers in the others; passed in a register, a machine word is both.
///
/// Sendable since nothing of it changes; but for `abort`, one thread calls it, as ``begin()`` has made sure.
struct MPILibrary: @unchecked Sendable {
  /// Which of the three binary interfaces a library speaks.
  enum Interface: String, Sendable {
    case standard = "MPI-5 standard ABI"
    case mpich = "MPICH ABI"
    case openMPI = "Open MPI"
  }

  typealias Handle = UInt

  let path: String
  let interface: Interface
  /// What the library says of itself, its first line.
  let version: String

  let world: Handle
  let byte: Handle
  private let ignoredStatuses: UnsafeMutableRawPointer?
  /// Calls by one thread, the one that has begun it all (`MPI_THREAD_FUNNELED`).
  private let funneled: Int32
  /// Calls by any thread (`MPI_THREAD_MULTIPLE`).
  private let multiple: Int32

  private let initThread:
    @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int32, UnsafeMutablePointer<Int32>) ->
      Int32
  private let initialized: @convention(c) (UnsafeMutablePointer<Int32>) -> Int32
  private let queryThread: @convention(c) (UnsafeMutablePointer<Int32>) -> Int32
  private let duplicate: @convention(c) (Handle, UnsafeMutablePointer<Handle>) -> Int32
  private let commRank: @convention(c) (Handle, UnsafeMutablePointer<Int32>) -> Int32
  private let commSize: @convention(c) (Handle, UnsafeMutablePointer<Int32>) -> Int32
  private let isend:
    @convention(c) (
      UnsafeRawPointer?, Int32, Handle, Int32, Int32, Handle, UnsafeMutableRawPointer
    ) -> Int32
  private let irecv:
    @convention(c) (
      UnsafeMutableRawPointer?, Int32, Handle, Int32, Int32, Handle, UnsafeMutableRawPointer
    ) -> Int32
  private let testall:
    @convention(c) (Int32, UnsafeMutableRawPointer, UnsafeMutablePointer<Int32>, UnsafeMutableRawPointer?) ->
      Int32
  private let test:
    @convention(c) (UnsafeMutableRawPointer, UnsafeMutablePointer<Int32>, UnsafeMutableRawPointer) -> Int32
  private let iprobe:
    @convention(c) (Int32, Int32, Handle, UnsafeMutablePointer<Int32>, UnsafeMutableRawPointer) -> Int32
  private let ibarrier: @convention(c) (Handle, UnsafeMutableRawPointer) -> Int32
  private let abortAll: @convention(c) (Handle, Int32) -> Int32
  private let finalize: @convention(c) () -> Int32

  /// Names of libraries, the surest interface first; Debian's MPICH has a name of its own.
  static let candidates = [
    "libmpi_abi.so.1", "libmpi_abi.so", "libmpi.so.12", "libmpich.so.12", "libmpi.so.40", "libmpi.so",
    "libmpi_abi.dylib", "libmpi.dylib",
  ]

  /// Opens the library that `FIRN_MPI` names, else the first of ``candidates`` that is there.
  static func found(environment: [String: String]) throws(WorldError) -> MPILibrary {
    if let named = environment["FIRN_MPI"], !named.isEmpty {
      do throws(OpeningFault) { return try MPILibrary(path: named) } catch {
        throw WorldError(
          "FIRN_MPI names \(named), which is no MPI that can be used: \(error.reason)",
          remedy:
            "let it be the path of libmpi_abi.so (MPI 5), MPICH's libmpi.so.12 or Open MPI's libmpi.so.40")
      }
    }
    var reasons: [String] = []
    for name in candidates {
      do throws(OpeningFault) { return try MPILibrary(path: name) } catch {
        if error.isThere { reasons.append("\(name): \(error.reason)") }
      }
    }
    let seen = reasons.isEmpty ? "" : " (\(reasons.joined(separator: "; ")))"
    throw WorldError(
      "no MPI was found\(seen)",
      remedy:
        "install one (Debian: apt install mpich, or openmpi-bin; Python: pip install mpich), or name its library by FIRN_MPI"
    )
  }

  struct OpeningFault: Error {
    var reason: String
    /// Whether a library of this name was opened at all.
    var isThere: Bool
  }

  init(path: String) throws(OpeningFault) {
    // Open MPI opens parts of its own, which look for its symbols among everyone's.
    guard let library = dlopen(path, RTLD_NOW | RTLD_GLOBAL) else {
      throw OpeningFault(
        reason: dlerror().map { String(cString: $0) } ?? "it cannot be opened", isThere: false)
    }
    func symbol(_ name: String) throws(OpeningFault) -> UnsafeMutableRawPointer {
      guard let symbol = dlsym(library, name) else {
        throw OpeningFault(reason: "it has no \(name)", isThere: true)
      }
      return symbol
    }
    func function<Function>(_ name: String, _: Function.Type = Function.self) throws(OpeningFault) -> Function
    {
      unsafeBitCast(try symbol(name), to: Function.self)
    }
    self.path = path
    initThread = try function("MPI_Init_thread")
    initialized = try function("MPI_Initialized")
    queryThread = try function("MPI_Query_thread")
    duplicate = try function("MPI_Comm_dup")
    commRank = try function("MPI_Comm_rank")
    commSize = try function("MPI_Comm_size")
    isend = try function("MPI_Isend")
    irecv = try function("MPI_Irecv")
    testall = try function("MPI_Testall")
    test = try function("MPI_Test")
    iprobe = try function("MPI_Iprobe")
    ibarrier = try function("MPI_Ibarrier")
    abortAll = try function("MPI_Abort")
    finalize = try function("MPI_Finalize")
    let describe: @convention(c) (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32 =
      try function("MPI_Get_library_version")
    var text = [CChar](repeating: 0, count: 8193)
    var count: Int32 = 0
    _ = describe(&text, &count)
    let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    version = words.split(whereSeparator: \.isNewline).first.map(String.init) ?? "MPI of no name"

    if dlsym(library, "ompi_mpi_comm_world") != nil {
      interface = .openMPI
      world = UInt(bitPattern: try symbol("ompi_mpi_comm_world"))
      byte = UInt(bitPattern: try symbol("ompi_mpi_byte"))
      ignoredStatuses = nil
      funneled = 1
      multiple = 3
    } else if path.split(separator: "/").last?.contains("mpi_abi") == true {
      interface = .standard
      world = 0x101
      byte = 0x247
      ignoredStatuses = nil
      funneled = 1024
      multiple = 4096
    } else if words.contains("MPICH") || words.contains("Intel(R) MPI") || words.contains("MVAPICH")
      || words.contains("CRAY")
    {
      interface = .mpich
      world = 0x4400_0000
      byte = 0x4c00_010d
      ignoredStatuses = UnsafeMutableRawPointer(bitPattern: 1)
      funneled = 1
      multiple = 3
    } else {
      throw OpeningFault(reason: "its binary interface is not known (\(version))", isThere: true)
    }
  }

  /// Bytes of a request in a list of them.
  var requestSize: Int { interface == .mpich ? 4 : MemoryLayout<Handle>.size }

  // MARK: Calls

  /// Begins MPI, whose calls then come from this thread alone; false where the process has begun it before, for any thread.
  func begin() throws(WorldError) -> Bool {
    var flag: Int32 = 0
    try check(initialized(&flag), "MPI_Initialized")
    var provided: Int32 = 0
    if flag != 0 {
      try check(queryThread(&provided), "MPI_Query_thread")
    } else {
      try check(initThread(nil, nil, funneled, &provided), "MPI_Init_thread")
    }
    guard provided >= (flag != 0 ? multiple : funneled) else {
      throw WorldError(
        "\(version) was begun for calls of fewer threads than Firn needs",
        remedy: "begin it with MPI_THREAD_MULTIPLE, or let Firn begin it")
    }
    return flag == 0
  }

  /// A communicator of Firn's own, so that its messages are not taken for a program's.
  func communicator() throws(WorldError) -> Handle {
    var made: Handle = 0
    try check(duplicate(world, &made), "MPI_Comm_dup")
    return made
  }

  func rank(in communicator: Handle) throws(WorldError) -> Int {
    var rank: Int32 = 0
    try check(commRank(communicator, &rank), "MPI_Comm_rank")
    return Int(rank)
  }

  func size(of communicator: Handle) throws(WorldError) -> Int {
    var size: Int32 = 0
    try check(commSize(communicator, &size), "MPI_Comm_size")
    return Int(size)
  }

  func send(
    _ bytes: UnsafeRawBufferPointer, to rank: Int, tag: Int32, in communicator: Handle,
    _ request: UnsafeMutableRawPointer
  ) throws(WorldError) {
    try check(
      isend(bytes.baseAddress, Int32(bytes.count), byte, Int32(rank), tag, communicator, request),
      "MPI_Isend")
  }

  func receive(
    _ bytes: UnsafeMutableRawBufferPointer, from rank: Int, tag: Int32, in communicator: Handle,
    _ request: UnsafeMutableRawPointer
  ) throws(WorldError) {
    try check(
      irecv(bytes.baseAddress, Int32(bytes.count), byte, Int32(rank), tag, communicator, request),
      "MPI_Irecv")
  }

  /// Whether a message of this tag has come that nobody has asked for.
  func isWaiting(from rank: Int, tag: Int32, in communicator: Handle) throws(WorldError) -> Bool {
    var flag: Int32 = 0
    var status = Self.status
    try check(iprobe(Int32(rank), tag, communicator, &flag, &status), "MPI_Iprobe")
    return flag != 0
  }

  /// Room for a status, which takes 20 to 32 bytes in the three interfaces.
  private static var status: SIMD16<Int32> { SIMD16() }

  /// Whether this one has ended, which the list of it then says.
  func haveEnded(_ request: UnsafeMutableRawPointer) throws(WorldError) -> Bool {
    var flag: Int32 = 0
    var status = Self.status
    try check(test(request, &flag, &status), "MPI_Test")
    return flag != 0
  }

  func barrier(in communicator: Handle, _ request: UnsafeMutableRawPointer) throws(WorldError) {
    try check(ibarrier(communicator, request), "MPI_Ibarrier")
  }

  /// Whether all of these have ended; the library moves on meanwhile.
  func haveEnded(_ requests: UnsafeMutableRawPointer, _ count: Int) throws(WorldError) -> Bool {
    var flag: Int32 = 0
    try check(testall(Int32(count), requests, &flag, ignoredStatuses), "MPI_Testall")
    return flag != 0
  }

  func end() { _ = finalize() }

  /// Ends all processes.
  ///
  /// Of another communicator than the world MPICH would only send its members a message, which who computes does not see.
  func abort(code: Int32) { _ = abortAll(world, code) }

  private func check(_ code: Int32, _ call: String) throws(WorldError) {
    guard code != 0 else { return }
    throw WorldError(
      "\(call) failed with code \(code) (\(version))", remedy: "look at what MPI and its launcher printed")
  }
}
