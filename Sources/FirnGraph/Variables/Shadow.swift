/// What a variable follows: another one, from a step of training to the next.
///
///     t' = t + (1 - decay)·(w' - t)
///  where w' is the source after the step; at a decay of 0 the copy t' = w'. See
/// ``Graph/shadow(of:as:decay:every:statistics:file:line:)``.
public struct Shadow: Hashable, Sendable {
  /// What becomes of state that layers move themselves, such as the moving averages of batch norms.
  public enum Statistics: String, Hashable, Sendable, CaseIterable {
    /// The shadow's state is that of its source after the step: PyTorch's `AveragedModel`.
    case copied
    /// It is averaged as parameters are: `AveragedModel` with `use_buffers=True`. Integers are copied.
    case averaged
    /// It is the shadow's own, and moves by the batches that the shadow sees where `keepingTrainingMode:` names it.
    case own
  }

  /// The path of the variable that is followed.
  public let source: String
  /// How much of itself it keeps in a step, at least 0 and below 1; 0 for a copy.
  public let decay: Double
  /// Steps from one change to the next, at least 1.
  public let interval: Int
  /// The state variable that counts steps since the last change; nil where the interval is 1.
  package let counter: String?

  package init(of source: String, decay: Double, interval: Int = 1, counter: String? = nil) {
    self.source = source
    self.decay = decay
    self.interval = interval
    self.counter = counter
  }

  /// What is wrong with it, as a shadow of `variable`, given what is declared before it; nil if nothing is.
  package func fault(of variable: Variable, among declared: (String) -> Variable?) -> String? {
    guard let followed = declared(source) else {
      return "it is the shadow of `\(source)`, which is not declared before"
    }
    if followed.shadow != nil { return "it is the shadow of `\(source)`, which is a shadow itself" }
    if followed.type != variable.type || followed.kind == .slot || variable.kind == .slot
      || variable.isTrainable
    {
      return "it is no shadow of `\(source)`: both are of one type, and the shadow is not trainable"
    }
    guard (0..<1).contains(decay), interval >= 1, interval == 1 || counter != nil else {
      return "as a shadow it has a decay of \(decay) and changes every \(interval) steps"
    }
    guard let counter else { return nil }
    guard let count = declared(counter), count.kind == .state, count.type == TensorType(.f64, .scalar) else {
      return "`\(counter)` counts no steps: it is no state of type f64[] declared before"
    }
    return nil
  }
}

extension Shadow: CustomStringConvertible {
  /// `the shadow of online/kernel, which it follows after each step`.
  public var description: String {
    let how = decay == 0 ? "copies" : "follows"
    return "the shadow of `\(source)`, which it \(how) after "
      + (interval == 1 ? "each step" : "every \(interval) steps")
  }
}
