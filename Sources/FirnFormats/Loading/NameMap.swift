/// How names, and the order of elements, in a file become those of variables.
///
/// Rules are tried in order, and the first that is about a tensor decides; what no rule is about keeps its name. So a
/// source has one target at most. Maps add up: `.pyTorchRNN(lstm, from: "rnn.", into: "encoder/lstm") + .pyTorch`. They
/// also follow one another: `.prefix("module.").then(.pyTorch)`. What a map makes of a file depends on the file alone,
/// so `firn weights convert` and a load agree. Most maps also run backwards, as `session.save(to:mapping:)`
/// lets them.
public struct NameMap: Hashable, Sendable {
  enum Rule: Hashable {
    case rename(NamePattern, WeightTransform)
    case ignore(NamePattern)
    /// Several tensors, by patterns, become one.
    case combine([NamePattern], WeightCombination)
    /// Names of PyTorch modules, which say `weight` for several things: the tensors of a module decide together.
    case modules
    /// Names of TensorFlow and Keras variables, paths but for `:0` and `embeddings`.
    case paths
    /// All weights of a recurrent network at once.
    case recurrent(RecurrentNetwork, RecurrentNames)
  }

  indirect enum Form: Hashable {
    case rules([Rule])
    /// What the first is not about goes to the second.
    case first(NameMap, NameMap)
    /// What the first gives goes to the second.
    case then(NameMap, NameMap)
  }

  let form: Form

  init(_ rules: [Rule]) { form = .rules(rules) }

  private init(_ form: Form) { self.form = form }

  /// Names are paths already.
  public static let identity = NameMap([])

  /// Names that begin with `old` begin with `new` instead.
  ///
  /// `prefix("model.")` takes a prefix away, as a state_dict of a wrapped module has one; `prefix("", "encoder/")` puts
  /// one on. Where the rest of the name is to change too, let another map follow: `.prefix("model.").then(.pyTorch)`.
  public static func prefix(_ old: String, _ new: String = "") -> NameMap {
    NameMap([.rename(.prefix(old, new), .none)])
  }

  /// By pattern: `renaming("layers.{n}.{part}.weight", to: "layer_{n+1}/{part}/kernel", .transposed)`.
  ///
  /// Each brace matches one or more characters that are not `.` or `/`, and with an ellipsis, `{path...}`, these too;
  /// `{n+1}` counts on from a number.
  public static func renaming(_ pattern: String, to target: String, _ transform: WeightTransform = .none)
    -> NameMap
  {
    NameMap([.rename(.template(pattern, target), transform)])
  }

  /// By a regular expression that matches the whole name; `$1` in `target` is its first group.
  ///
  /// It has letters, sets, groups, alternatives and repetitions, and is matched in time proportional to a name's length,
  /// whatever it is: `(a+)+$` takes no longer than `a+$`. Looking around and back, which would not, is a fault. Faulty
  /// patterns throw where the map is used. It does not run backwards; ``renaming(_:to:_:)`` does.
  public static func regex(_ pattern: String, to target: String, _ transform: WeightTransform = .none)
    -> NameMap
  {
    NameMap([.rename(.regex(pattern, target), transform)])
  }

  /// Tensors whose name matches this regular expression are left out on purpose.
  public static func ignoring(_ pattern: String) -> NameMap { NameMap([.ignore(.regex(pattern, ""))]) }

  /// Several tensors become one: `combining(["{path...}.a", "{path...}.b"], to: "{path...}.weight", by: .sum)`.
  ///
  /// Tensors belong together whose names agree in the braces. The new one has the name, and the layout, that further
  /// maps may be about: `.weightNorm.then(.pyTorch)`. It does not run backwards.
  ///
  /// - Parameters:
  ///   - patterns: names as in ``renaming(_:to:_:)``, each with the same braces, in the order `combination` wants.
  ///   - target: the name of what is made.
  ///   - combination: how it is made.
  public static func combining(_ patterns: [String], to target: String, by combination: WeightCombination)
    -> NameMap
  {
    NameMap([.combine(patterns.map { .template($0, target) }, combination)])
  }

  /// The rules of `a`, then those of `b`: where both are about a tensor, `a` decides alone.
  ///
  /// So `.prefix("module.") + .pyTorch` takes prefixes away and converts nothing that had one; for the one after the
  /// other there is ``then(_:)``. Rules that nothing is left for, as after `.pyTorch`, are an error where the map is
  /// used.
  public static func + (a: NameMap, b: NameMap) -> NameMap {
    if case .rules(let first) = a.form, case .rules(let second) = b.form { return NameMap(first + second) }
    return NameMap(.first(a, b))
  }

  /// This map, and then another on all that comes of it: `.prefix("module.").then(.pyTorch)`.
  public func then(_ next: NameMap) -> NameMap { NameMap(.then(self, next)) }
}
