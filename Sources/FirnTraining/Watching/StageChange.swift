public import FirnCompiler
public import FirnRuntime

/// A run goes from one selection of what is frozen to another.
public struct StageChange: Sendable {
  /// The number of the stage that begins.
  public let stage: Int
  /// The epoch it begins in, from 0.
  public let epoch: Int
  /// Steps done before it.
  public let step: Int
  /// What thaws, what freezes, and what a step costs more or less.
  public let difference: Difference
  /// What becomes of the optimiser's memory of each variable (rule 6).
  public let slots: [SlotReport]
}

extension StageChange: CustomStringConvertible {
  /// In one line: `stage 2 from step 120: thaws layer2/kernel, layer2/bias`, stages counted from 1.
  public var description: String {
    var parts: [String] = []
    if !difference.thawed.isEmpty { parts.append("thaws " + difference.thawed.joined(separator: ", ")) }
    if !difference.frozen.isEmpty { parts.append("freezes " + difference.frozen.joined(separator: ", ")) }
    return "stage \(stage + 1) from step \(step): "
      + (parts.isEmpty ? "no change" : parts.joined(separator: "; "))
  }
}
