/// How names, and the order of elements, in a file become those of variables.
///
/// Rules are tried in order, and the first that is about a tensor decides; what no rule is about keeps its name. So a
/// source has one target at most. Maps add up: `.pyTorchRNN(lstm, from: "rnn.", into: "encoder/lstm") + .pyTorch`.
public struct NameMap: Hashable, Sendable {
  enum Rule: Hashable {
    case rename(NamePattern, WeightTransform)
    case ignore(NamePattern)
    /// Names of PyTorch modules, which say `weight` for several things: the rank, and the variables there are, decide.
    case modules
    /// All weights of a recurrent network at once.
    case recurrent(RecurrentNetwork, RecurrentLayout, prefix: String, scope: String)
  }

  let rules: [Rule]

  init(_ rules: [Rule]) { self.rules = rules }

  /// Names are paths already.
  public static let identity = NameMap([])

  /// Names that begin with `old` begin with `new` instead.
  ///
  /// `prefix("model.")` takes a prefix away, as a state_dict of a wrapped module has one; `prefix("", "encoder/")` puts
  /// one on.
  public static func prefix(_ old: String, _ new: String = "") -> NameMap {
    NameMap([.rename(.prefix(old, new), .none)])
  }

  /// By pattern: `renaming("layers.{n}.{part}.weight", to: "layer_{n+1}/{part}/kernel", .transposed)`.
  ///
  /// Each brace matches one or more characters that are not `.` or `/`; `{n+1}` counts on from a number.
  public static func renaming(_ pattern: String, to target: String, _ transform: WeightTransform = .none)
    -> NameMap
  {
    NameMap([.rename(.template(pattern, target), transform)])
  }

  /// By a regular expression that matches the whole name; `$1` in `target` is its first group.
  ///
  /// Faulty patterns throw where the map is used.
  public static func regex(_ pattern: String, to target: String, _ transform: WeightTransform = .none)
    -> NameMap
  {
    NameMap([.rename(.regex(pattern, target), transform)])
  }

  /// Tensors whose name matches this regular expression are left out on purpose.
  public static func ignoring(_ pattern: String) -> NameMap { NameMap([.ignore(.regex(pattern, ""))]) }

  /// The rules of `a`, then those of `b`: where both are about a tensor, `a` decides.
  public static func + (a: NameMap, b: NameMap) -> NameMap { NameMap(a.rules + b.rules) }
}
