internal import FirnNotation

/// Gradients and updates of one step, scope by scope.
public struct NormReport: Hashable, Sendable {
  /// What was measured of one scope.
  public struct Scope: Hashable, Sendable, Codable {
    /// The path of the scope whose own variables these are; empty for the root.
    public let scope: String
    /// Elements that are trained; of a variable that is trained in part, those of its trained blocks.
    public let count: Int
    /// √Σg² of the gradients of these elements, as they are before clipping; those of held elements count as 0.
    public let gradientNorm: Double
    /// √ΣΔ² of what the step changed of them.
    public let updateNorm: Double
    /// √Σw² of their values before the step.
    public let weightNorm: Double

    /// The root mean square of the gradients.
    public var gradient: Double { gradientNorm / Double(max(1, count)).squareRoot() }
  }

  /// What is wrong with the gradients of a scope.
  public enum Finding: Hashable, Sendable {
    /// They are nothing beside those next to the loss.
    case vanishing(scope: String)
    /// They are far larger than those next to the loss, or not finite.
    case exploding(scope: String)
  }

  /// The step before which gradients were measured, counted from 1.
  public let step: Int
  /// In creation order, from the data to the loss as a rule.
  public let scopes: [Scope]
  /// The scope at which it begins, counted from the loss downwards; nil where nothing is wrong.
  public let finding: Finding?

  init(step: Int, scopes: [Scope], watch: NormWatch) {
    self.step = step
    self.scopes = scopes
    let fromLoss = scopes.reversed()
    guard let reference = fromLoss.first(where: { $0.gradient.isFinite && $0.gradient > 0 })?.gradient else {
      finding = fromLoss.first { !$0.gradient.isFinite }.map { .exploding(scope: $0.scope) }
      return
    }
    finding =
      fromLoss.lazy.compactMap { scope -> Finding? in
        if !scope.gradient.isFinite || scope.gradient > reference * watch.explodingShare {
          return .exploding(scope: scope.scope)
        }
        return scope.gradient < reference * watch.vanishingShare ? .vanishing(scope: scope.scope) : nil
      }.first
  }

  /// What to tell people; nil where nothing is wrong.
  public var warning: String? {
    switch finding {
    case .vanishing(let scope)?:
      "gradients vanish from `\(scope)` on downwards (step \(step)): see whether an activation saturates there, or give the layers a shorter way"
    case .exploding(let scope)?:
      "gradients explode from `\(scope)` on downwards (step \(step)): clip them, or lower the rate"
    case nil: nil
    }
  }
}

extension NormReport: CustomStringConvertible {
  /// A line for each scope: `encoder/layer1: gradient 0.0123, update 0.001, weights 3.2`.
  public var description: String {
    scopes.map { scope in
      "\(scope.scope.isEmpty ? "(root)" : scope.scope): gradient \(NumberFormat.short(scope.gradientNorm)), "
        + "update \(NumberFormat.short(scope.updateNorm)), weights \(NumberFormat.short(scope.weightNorm))"
    }.joined(separator: "\n")
  }
}
