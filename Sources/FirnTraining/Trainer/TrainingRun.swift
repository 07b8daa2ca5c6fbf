public import FirnRuntime

/// A run that goes on, as callbacks see it.
public final class TrainingRun {
  /// Whose variables it moves.
  public let session: Session
  /// The program that trains now.
  public internal(set) var program: Program
  /// Steps the run will have in all; nil where that is not known.
  public internal(set) var stepCount: Int?
  /// Epochs it will have in all.
  public let epochCount: Int
  var isStopRequested = false

  init(session: Session, program: Program, epochCount: Int) {
    self.session = session
    self.program = program
    self.epochCount = epochCount
  }

  /// Ends the run after this step, as Ctrl-C does.
  public func stop() { isStopRequested = true }
}
