package import FirnGraph

/// Reads what is no file on a disk: pipes, devices, the standard input.
///
/// Nothing tells how much will come. From some megabytes on each further piece must fit in the memory that is free, so
/// that a stream without end is an error and not the end of the process.
package struct StreamFile {
  private let descriptor: Int32
  private let name: String
  private let memory: FreeMemory
  private let bytes = GrowingBytes(capacity: Self.beginning)
  /// What was free when it began.
  private var whole: FreeMemory.Bound?
  /// So many bytes may be there before the memory is looked at again.
  private var granted = Self.piece

  /// How much is looked at before the rest is read.
  private static let beginning = 1 << 16
  private static let piece = 16 << 20

  private init(_ descriptor: Int32, named name: String, memory: FreeMemory) {
    self.descriptor = descriptor
    self.name = name
    self.memory = memory
  }

  /// All that a descriptor gives until its end.
  ///
  /// - Parameters:
  ///   - name: what errors call it.
  ///   - goesOn: is asked once, with the first bytes, whether the rest is wanted.
  /// - Throws: `.file` where it cannot be read, or gives more than the memory that is free can hold.
  package static func read(
    _ descriptor: Int32, named name: String, memory: FreeMemory = FreeMemory(),
    while goesOn: (Bytes) -> Bool = { _ in true }
  ) throws(FirnError) -> Bytes {
    var stream = StreamFile(descriptor, named: name, memory: memory)
    return try stream.rest(while: goesOn)
  }

  /// All that the pipe or device at `path` gives.
  ///
  /// - Parameter goesOn: is asked once, with the first bytes, whether the rest is wanted.
  /// - Throws: `.file` where it cannot be opened or read, gives more than the memory that is free can hold, or nobody
  ///   begins to write within ten seconds to a pipe with a name.
  package static func read(
    _ path: String, memory: FreeMemory = FreeMemory(), while goesOn: (Bytes) -> Bool = { _ in true }
  ) throws(FirnError) -> Bytes {
    let descriptor = Platform.openForReading(path)
    guard descriptor >= 0 else {
      throw FirnError(
        .file, "cannot read '\(path)': \(Platform.reason)", remedy: "check the path and its permissions")
    }
    defer { Platform.close(descriptor) }
    var stream = StreamFile(descriptor, named: path, memory: memory)
    // What a shell makes of `<(…)` has a writer from the beginning: nothing to read is its end.
    if Platform.kind(of: path) == .pipe, !path.hasPrefix("/dev/"), !path.hasPrefix("/proc/") {
      try stream.awaitWriter()
    }
    return try stream.rest(while: goesOn)
  }

  /// The end of a pipe that nobody has opened to write looks like that of one that is done.
  private mutating func awaitWriter() throws(FirnError) {
    var fault: FirnError?
    let begun = Platform.retrying(for: WritingPlace.patience) { () -> Bool? in
      do throws(FirnError) {
        return try isAtEnd() ? nil : true
      } catch {
        fault = error
        return true
      }
    }
    if let fault { throw fault }
    guard begun != nil else {
      throw FirnError(
        .file, "nobody writes to '\(name)', a pipe", remedy: "start what writes to it first, or name a file")
    }
  }

  private mutating func rest(while goesOn: (Bytes) -> Bool) throws(FirnError) -> Bytes {
    Platform.setWaiting(descriptor)
    var isAsked = false
    while true {
      if !isAsked, bytes.count >= Self.beginning {
        isAsked = true
        let seen = Bytes(copying: bytes.buffer[..<Self.beginning].map { $0 })
        if !goesOn(seen) { break }
      }
      if try isAtEnd() { break }
    }
    return bytes.bytes()
  }

  /// Reads a piece; whether there is none any more.
  private mutating func isAtEnd() throws(FirnError) -> Bool {
    if bytes.count >= granted { try requireMemory() }
    try bytes.reserve(Self.beginning)
    let room = UnsafeMutableRawBufferPointer(rebasing: bytes.buffer[bytes.count...])
    // Not beyond what was granted, however much is reserved.
    let wanted = min(room.count, max(granted - bytes.count, Self.beginning))
    switch Platform.read(descriptor, into: UnsafeMutableRawBufferPointer(rebasing: room[..<wanted])) {
    case .bytes(let count): bytes.advance(count)
    case .later: break
    case .end: return true
    case .failure(let reason):
      throw FirnError(
        .file, "cannot read '\(name)': \(reason)", remedy: "check what is behind it and its permissions")
    }
    return false
  }

  private mutating func requireMemory() throws(FirnError) {
    let free = memory.bound
    // Where it is not known what is free now, all that the machine has.
    let first = whole ?? free ?? .physical
    whole = first
    granted += Self.piece
    let bounds = [(first, granted)] + (free.map { [($0, Self.piece)] } ?? [])
    guard let (bound, _) = bounds.first(where: { $0.0.byteCount < $0.1 }) else { return }
    throw FirnError(
      .file,
      "'\(name)' gives more than the \(bytes.count) bytes read so far, and \(bound.byteCount) were free "
        + "\(bound.reason)", remedy: "put it into a file, which is read where it lies")
  }
}
