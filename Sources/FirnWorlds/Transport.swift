/// Moves messages between the members of a world.
///
/// Calls of one member come from one thread.
protocol Transport: AnyObject, Sendable {
  var rank: Int { get }
  var size: Int { get }
  /// What carries the messages, for people.
  var name: String { get }

  /// Sends and receives all of these at once, and returns when all have been.
  ///
  /// Messages between two members arrive in the order in which they were sent. Where both lists name one's own rank, nothing is
  /// promised.
  ///
  /// - Parameter purpose: the same for all whose messages belong together.
  /// - Throws: where a member is gone, has not answered for as long as the world waits, or sends messages of another
  ///   purpose.
  func exchange(_ sends: [Message], _ receives: [Message], for purpose: Purpose) throws(WorldError)

  /// Takes leave of the others, who do the same.
  func leave()

  /// Ends all members, this one too where members are processes; nothing is printed.
  ///
  /// - Parameters:
  ///   - error: what the others' calls throw, where they go on.
  ///   - status: what processes end with.
  func abort(_ error: WorldError, status: Int32)
}

/// Bytes that go to a member, or come from it.
struct Message {
  var rank: Int
  var bytes: UnsafeMutableRawBufferPointer
}
