public import FirnGraph
import FirnOps

extension FrozenBoundary {
  package init(_ prefix: FrozenPrefix) {
    let cuts = prefix.cuts().filter { prefix.savedFLOPs($0) != 0 }.map { Cut($0, of: prefix) }
    self.init(
      cut: cuts.first, cheaper: Array(cuts.dropFirst()), stepFLOPs: Quantity(prefix.totalFLOPs),
      obstacles: prefix.obstacles.map { Obstacle(node: $0.node, reason: $0.reason) })
  }
}

extension FrozenBoundary.Cut {
  package init(_ cut: PrefixCut, of prefix: FrozenPrefix) {
    self.init(
      values: cut.stored.map { stored in
        let type = stored.exampleType
        return .init(
          name: prefix.graph.name(of: stored.value), type: type.description, bytes: Quantity(type.byteCount))
      },
      bytesPerExample: Quantity(prefix.bytesPerExample(cut)),
      savedFLOPs: Quantity(prefix.savedFLOPs(cut)))
  }
}

extension Explanation {
  /// What caching frozen features would store for each example, and save in each step.
  ///
  /// Placeholders whose first axis has the extent that most of them share are taken to have an example a row, as the
  /// columns of a data set have.
  ///
  /// - Parameter binding: sizes of named dimensions by which cuts are weighed; an extent that is not named counts as
  ///   16.
  /// - Throws: what compiling throws; `.invalidArgument` without a loss.
  /// - Complexity: one compilation, and a smallest cut for each that is listed.
  public func frozenBoundary(binding: DimBinding = [:]) throws(FirnError) -> FrozenBoundary {
    guard request.training != nil else {
      throw FirnError(.invalidArgument, "without a loss nothing is trained", remedy: "name the loss")
    }
    return FrozenBoundary(try Compiler.compile(request), trained: [], binding: binding)
  }
}

extension FrozenBoundary {
  /// - Parameter trained: variables that move besides those the program writes.
  package init(_ compilation: Compilation, trained: Set<String>, binding: DimBinding) {
    let graph = compilation.whole.unfused
    self.init(
      FrozenPrefix(
        graph, trained: trained, inputs: PrefixInputs(guessedFor: graph, binding: binding)))
  }
}
