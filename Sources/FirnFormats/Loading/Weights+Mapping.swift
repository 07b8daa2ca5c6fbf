internal import FirnFiles
package import FirnGraph
internal import FirnRuntime

extension Weights {
  /// Under the names and in the order of elements that a map gives; stored types and bits stay where elements only move.
  ///
  /// - Returns: the weights, and the names of those the map leaves out.
  /// - Throws: where a rule does not apply to a tensor it is about, or gives two tensors one name.
  package func mapped(by map: NameMap) throws(FirnError) -> (weights: Weights, ignored: [String]) {
    let mapped = try MappedWeights(self, by: map)
    let failures = mapped.failed.map { sources, error in
      FirnError(
        error.code, "`\(sources.joined(separator: "`, `"))`: \(error.message)", remedy: error.remedy)
    }
    try FirnError.throwing(failures, "the map does not fit \(source)")
    var names: [String: String] = [:]
    for weight in mapped.weights {
      let own = weight.sources.map(\.name).joined(separator: "`, `")
      if let other = names.updateValue(own, forKey: weight.target) {
        throw FirnError(
          .duplicateName, "`\(other)` and `\(own)` are both called `\(weight.target)` by the map",
          remedy: "leave one out, or give another map", place: weight.target)
      }
    }
    return (
      try Weights(source: source, entries: mapped.weights.map(\.entry), metadata: metadata, skipped: skipped),
      mapped.ignored
    )
  }

  /// Which of these variables a load would find in the file, and what else is in it.
  ///
  /// - Throws: where the scope has no variables, or two tensors are for one variable.
  /// - Complexity: that of names and shapes; elements are only read to tell whether tied tensors are one.
  package func fitting(_ variables: [Variable], into scope: String? = nil) throws(FirnError) -> LoadReport {
    try LoadPlan(
      self, targets: LoadPlan.Target.all(of: variables, in: scope), isWhole: true, scope: scope,
      mapping: .identity
    ).report
  }
}
