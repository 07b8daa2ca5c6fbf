import FirnCompiler
import FirnGraph
import FirnOps

/// What several optimisers are made of.
extension ParameterUpdate {
  /// The gradient with an L2 penalty: g + weightDecay·w, by the decay of the part's groups if they have one.
  func gradient(decayedBy decay: Double) -> Tensor {
    let decay = weightDecay ?? decay
    return decay == 0 ? gradient : gradient + decay * value
  }
}

extension OptimizerSlot {
  /// A count of the steps that a part has made.
  static func step(of part: TrainedPart) -> OptimizerSlot {
    OptimizerSlot("step", type: TensorType(part.type.dtype, .scalar))
  }
}

extension [ParameterGroup] {
  /// That there are some, for descriptions.
  var summary: String { isEmpty ? "" : ", \(count) group\(count == 1 ? "" : "s")" }
}
