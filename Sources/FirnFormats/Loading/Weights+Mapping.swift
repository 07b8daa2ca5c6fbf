internal import FirnFiles
package import FirnGraph
internal import FirnRuntime

extension Weights {
  /// Under the names and in the order of elements that a map gives; stored types and bits stay.
  ///
  /// - Parameter variables: names of what it is for, for rules with a choice.
  /// - Returns: the weights, and the names of those the map leaves out.
  /// - Throws: where a rule does not apply to a tensor it is about, or gives two tensors one name. Recurrent networks
  ///   are made from several tensors at once and are only for ``FirnRuntime/Session/load(_:into:only:mapping:)``.
  package func mapped(
    by map: NameMap, variables: Set<String> = []
  ) throws(FirnError) -> (weights: Weights, ignored: [String]) {
    let mapped = try MappedWeights(self, by: map, variables: variables)
    let failures = mapped.failed.map { sources, error in
      FirnError(
        error.code, "`\(sources.joined(separator: "`, `"))`: \(error.message)", remedy: error.remedy)
    }
    try FirnError.throwing(failures, "the map does not fit \(source)")
    var names: [String: String] = [:]
    var entries: [WeightEntry] = []
    for weight in mapped.weights {
      guard let entry = weight.sources.first, let transform = weight.transform else {
        throw FirnError(
          .invalidArgument, "`\(weight.target)` is made from several tensors",
          remedy: "load the file into a session with this map")
      }
      if let other = names.updateValue(entry.name, forKey: weight.target) {
        throw FirnError(
          .duplicateName, "`\(other)` and `\(entry.name)` are both called `\(weight.target)` by the map",
          remedy: "leave one out, or give another map", place: weight.target)
      }
      entries.append(entry.renamed(weight.target, shape: weight.shape, transform))
    }
    return (
      try Weights(source: source, entries: entries, metadata: metadata, skipped: skipped), mapped.ignored
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

extension WeightEntry {
  fileprivate func renamed(_ name: String, shape: [Int], _ transform: WeightTransform) -> WeightEntry {
    let source = self
    return WeightEntry(
      name: name, storedType: storedType, shape: shape, storage: storage, requiresGradient: requiresGradient,
      readStored: { () throws(FirnError) in
        transform.isNone ? try source.storedBytes() : try source.reordered(by: transform)
      }, read: { () throws(FirnError) in try transform(source.array()) })
  }

  /// The stored elements, each where the transform puts it: it is asked to move their numbers.
  private func reordered(by transform: WeightTransform) throws(FirnError) -> Bytes {
    let count = shape.elementCount
    guard let last = Int32(exactly: count), storedType.bitCount % 8 == 0 else {
      throw FirnError(
        .invalidArgument,
        "`\(name)` (\(storedType.rawValue), \(count) elements) cannot be put in another order",
        remedy: "give a map that only changes its name", place: name)
    }
    var numbers = NDArray(zeros: shape, dtype: .i32)
    numbers.withUnsafeMutableBytes { raw in
      let numbers = raw.assumingMemoryBound(to: Int32.self)
      for number in 0..<last { numbers[Int(number)] = number }
    }
    let size = storedType.bitCount / 8
    let (moved, bytes, result) = (
      try transform(numbers), try storedBytes(), Storage(byteCount: count * size)
    )
    moved.withUnsafeBytes { moved in
      let moved = moved.assumingMemoryBound(to: Int32.self)
      bytes.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress else { return }
        for (position, number) in moved.enumerated() {
          (result.pointer + position * size).copyMemory(from: start + Int(number) * size, byteCount: size)
        }
      }
    }
    return Bytes(result)
  }
}
