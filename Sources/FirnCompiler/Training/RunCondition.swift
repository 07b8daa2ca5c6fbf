public import FirnGraph

/// The runs that an objective takes part in; in others none of what it trains moves, nor any of its slots.
public struct RunCondition {
  package enum Form {
    case every(Int)
    case flag(any TensorReference)
  }

  package let form: Form

  /// Every k-th run: the k-th, the 2k-th and so on, counted from the first run of the program, by a slot of the objective.
  public static func every(_ runs: Int) -> RunCondition { RunCondition(form: .every(runs)) }

  /// The runs in which a `bool` scalar, fed or computed, is true.
  public static func holds(_ flag: any TensorReference) -> RunCondition { RunCondition(form: .flag(flag)) }
}
