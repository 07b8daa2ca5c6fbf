import FirnGraph

/// Arguments that could have no effect.
extension WeightInitializers {
  /// Puts on record the initialisers of variables that a layer has not.
  ///
  /// - Parameter kinds: those of the variables it has besides `kernel`.
  func reportUnused(besides kinds: Set<PartialKeyPath<WeightInitializers>>, in graph: Graph) {
    let all: [(kind: PartialKeyPath<WeightInitializers>, name: String, isGiven: Bool)] = [
      (\.recurrentKernel, "recurrentKernel", recurrentKernel != nil), (\.bias, "bias", bias != nil),
      (\.recurrentBias, "recurrentBias", recurrentBias != nil),
    ]
    let unused = all.filter { $0.isGiven && !kinds.contains($0.kind) }.map { "`\($0.name)`" }
    guard !unused.isEmpty else { return }
    graph.report(
      FirnError(
        .invalidArgument,
        "initialisers are given for \(unused.joined(separator: ", ")), which this layer has not",
        remedy: "leave them out"))
  }

  /// Puts on record a first value of the forget gate's bias besides an initialiser for all of the bias.
  func reportUnused(forgetBias: Double, in graph: Graph) {
    guard bias != nil, forgetBias != 1 else { return }
    graph.report(
      FirnError(
        .invalidArgument, "`forgetBias` \(forgetBias) has no effect where `initializers` has the whole bias",
        remedy: "leave one out; `.blocks([\"forget\": .constant(\(forgetBias))], otherwise: …)` says both"))
  }
}
