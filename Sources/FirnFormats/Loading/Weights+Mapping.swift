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

  /// Which of these variables a load would find in the file, and what else is in it; where nothing fits for one reason,
  /// that.
  ///
  /// - Throws: where the scope has no variables, a pattern is faulty, or two tensors are for one variable.
  /// - Complexity: that of names and shapes; elements are only read to tell whether tied tensors are one.
  package func fitting(
    _ variables: [Variable], into scope: String? = nil, mapping: NameMap = .identity
  ) throws(FirnError) -> (report: LoadReport, cause: LoadCause?) {
    let plan = try LoadPlan(
      self, targets: LoadPlan.Target.all(of: variables, in: scope), isWhole: true, scope: scope,
      mapping: mapping)
    return (plan.report, plan.cause)
  }

  /// Where names begin with what wrappers of a model put before them, such as `state_dict.module.`: that, and how many.
  ///
  /// An optimiser's state may stand beside.
  package var wrapper: (beginning: String, count: Int)? {
    let first: Set = ["state_dict", "model_state_dict", "model_state", "module", "_orig_mod"]
    let further = first.union(["model", "net"])
    var beginning = ""
    var count = 0
    while true {
      var counts: [(component: String, count: Int)] = []
      for entry in entries where entry.name.hasPrefix(beginning) {
        let rest = entry.name.dropFirst(beginning.count)
        guard let end = rest.firstIndex(where: { $0 == "." || $0 == "/" }) else { continue }
        let component = String(rest[...end])
        guard (beginning.isEmpty ? first : further).contains(String(component.dropLast())) else { continue }
        if let place = counts.firstIndex(where: { $0.component == component }) {
          counts[place].count += 1
        } else {
          counts.append((component, 1))
        }
      }
      guard let most = counts.max(by: { $0.count < $1.count }),
        2 * most.count >= count
      else { return beginning.isEmpty ? nil : (beginning, count) }
      (beginning, count) = (beginning + most.component, most.count)
    }
  }
}
