public import FirnRuntime

/// How a training run ended, and what it was.
public struct TrainingOutcome: Sendable {
  /// Why it ended.
  public enum Ending: String, Sendable, Codable {
    /// Its epochs or steps are over.
    case finished
    /// Nothing got better for as many epochs as early stopping allows.
    case stoppedEarly
    /// Ctrl-C, a ``StopSignal`` or a callback; the run can be resumed.
    case interrupted
  }

  /// Why it ended.
  public let ending: Ending
  /// Its epochs, those before a resumption included.
  public let history: TrainingHistory
  /// The epoch in which what is monitored was best; nil where none is over.
  public let best: EpochRecord?
  /// The stage of a freeze schedule that it ended in, from 0; 0 where there is one program.
  public let stage: Int
  /// The program of that stage.
  public let program: Program
  /// Whether the session holds the best epoch's values, and not those of the last step.
  public let isBestRestored: Bool
  /// Where the data is.
  public let position: DataPosition
  /// The loss of every step done here, as it was before the step's update.
  public let losses: [Double]
}
