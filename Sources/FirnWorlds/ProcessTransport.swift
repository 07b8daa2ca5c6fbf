/// Moves messages between members that are processes: who meets a fault ends them all, and says so once.
protocol ProcessTransport: Transport {
  /// Has the calls under way fail, since this member has met a fault; false where it had met one before.
  func stop() -> Bool

  /// Whether this member has met a fault.
  var isStopping: Bool { get }

  /// Whether this member is to say what went wrong: whether none of a lower rank has met a fault as well.
  ///
  /// Comes after ``stop()``, from the thread that makes all calls.
  ///
  /// - Parameter seconds: how long it may take to hear of the others; who does not answer has met none.
  func speaks(within seconds: Double) -> Bool
}
