/// How a run says how far it has come, on standard error.
public enum ProgressStyle: Hashable, Sendable {
  /// Not at all.
  case silent
  /// A line that is updated in place on a terminal, plain lines elsewhere.
  case automatic
  /// A plain line at most every two seconds, one for each epoch, one at the end.
  case lines
}
