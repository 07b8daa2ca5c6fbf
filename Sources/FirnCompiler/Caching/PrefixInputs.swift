package import FirnGraph

/// What the placeholders of a program are to caching.
package struct PrefixInputs: Sendable {
  /// Those whose first axis has a row for each example.
  package var examples: Set<String>
  /// Those that are fed the same for all examples, whatever that is.
  package var constants: Set<String>
  /// How many examples a batch has: a name, or a number.
  package var count: Dim
  /// Extents of other dimensions, as far as they are known.
  package var binding: DimBinding

  package init(
    examples: Set<String>, constants: Set<String> = [], count: Dim, binding: DimBinding = DimBinding()
  ) {
    self.examples = examples
    self.constants = constants
    self.count = count
    self.binding = binding
  }

  /// What can be expected of a program that nothing was fed to: the first extent that most placeholders share has the
  /// examples, as in a `DataSet`.
  package init(guessedFor graph: GraphDef, binding: DimBinding = DimBinding()) {
    let candidates = graph.placeholders.compactMap { placeholder in
      placeholder.type.shape.first.map { (name: placeholder.name, extent: $0) }
    }
    var best: (extent: Dim, count: Int) = (1, 0)
    for (_, extent) in candidates {
      let count = candidates.count { $0.extent == extent }
      if count > best.count { best = (extent, count) }
    }
    let count = best.extent
    self.init(
      examples: Set(candidates.filter { $0.extent == count }.map(\.name)), count: count, binding: binding)
  }

  func knows(_ placeholder: String) -> Bool {
    examples.contains(placeholder) || constants.contains(placeholder)
  }
}
