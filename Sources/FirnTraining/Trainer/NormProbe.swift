import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime

/// Measures the gradients and the update of a step beside the step.
///
/// Gradients are those of a program of its own, made of the same graph with the same selection, run at the same place
/// in the random numbers; the step itself is the step. Of several objectives a variable has the gradients that those
/// hand its optimiser that have it as a target, also in a step that an objective sits out.
final class NormProbe {
  private let watch: NormWatch
  private let session: Session
  /// By what each objective is called and has as targets.
  private var known: [[String]: (program: Program, parts: [String])] = [:]

  /// What is known before the step.
  struct Measured {
    let step: Int
    let gradients: [String: Double]
    let before: [String: NDArray]
    /// Of variables that are trained in part, the blocks that are.
    let blocks: [String: [Block]]
  }

  init(_ watch: NormWatch, in session: Session) throws(FirnError) {
    self.watch = watch
    self.session = session
  }

  func begin(before program: Program, _ batch: Batch, at position: DataPosition) throws(FirnError)
    -> Measured?
  {
    guard position.step.isMultiple(of: watch.interval) else { return nil }
    let blocks = Self.trainedBlocks(of: program)
    let (probe, names) = try self.probe(of: program, blocks)
    let results = try session.undoing { () throws(FirnError) in
      try session.run(probe, feeding: batch.feeds, counts: batch.isCounted)
    }
    var gradients: [String: Double] = [:]
    var before: [String: NDArray] = [:]
    for (name, fetch) in zip(names, probe.fetches) {
      gradients[name] = try results.scalar(fetch)
      before[name] = try session.value(of: name)
    }
    return Measured(step: position.step + 1, gradients: gradients, before: before, blocks: blocks)
  }

  func finish(
    _ measured: Measured, callbacks: [any TrainingCallback], in run: TrainingRun
  ) throws(FirnError) {
    var scopes: [(scope: String, count: Int, gradient: Double, update: Double, weight: Double)] = []
    for variable in session.variables {
      guard let squares = measured.gradients[variable.name], let before = measured.before[variable.name]
      else {
        continue
      }
      let scope = Path.parent(of: variable.name)
      let after = try session.value(of: variable.name)
      let blocks = measured.blocks[variable.name]
      let (old, new) = (try Self.elements(before, in: blocks), try Self.elements(after, in: blocks))
      let update = zip(old, new).reduce(0) { $0 + ($1.1 - $1.0) * ($1.1 - $1.0) }
      let weight = old.reduce(0) { $0 + $1 * $1 }
      if let index = scopes.firstIndex(where: { $0.scope == scope }) {
        scopes[index].count += old.count
        scopes[index].gradient += squares
        scopes[index].update += update
        scopes[index].weight += weight
      } else {
        scopes.append((scope, old.count, squares, update, weight))
      }
    }
    let report = NormReport(
      step: measured.step,
      scopes: scopes.map {
        .init(
          scope: $0.scope, count: $0.count, gradientNorm: $0.gradient.squareRoot(),
          updateNorm: $0.update.squareRoot(), weightNorm: $0.weight.squareRoot())
      }, watch: watch)
    if let warning = report.warning { session.onWarning(warning) }
    for callback in callbacks { try callback.measured(report, in: run) }
  }

  private static func trainedBlocks(of program: Program) -> [String: [Block]] {
    Dictionary(grouping: program.compilation.trainedParts.filter { $0.block != nil }) { $0.variable.name }
      .mapValues { $0.compactMap(\.block) }
  }

  /// The elements of an array that lie in some blocks; all for nil.
  private static func elements(_ array: NDArray, in blocks: [Block]?) throws(FirnError) -> [Double] {
    guard let blocks else { return array.doubles }
    var elements: [Double] = []
    for block in blocks {
      elements += try array.sliced(
        axis: block.axis, from: block.range.lowerBound, to: block.range.upperBound
      ).doubles
    }
    return elements
  }

  /// The squared norms of the gradients of what a program trains, by variable; of blocks of one where it trains those.
  private func probe(
    of program: Program, _ blocks: [String: [Block]]
  ) throws(FirnError) -> (program: Program, parts: [String]) {
    let (trained, objectives) = (program.trained.map(\.name), program.compilation.context.objectives)
    let request = program.compilation.context.request
    let targets = objectives.map { objective in trained.filter(objective.targets.isTrained) }
    let key =
      zip(objectives.map(\.name), targets).map { ([$0] + $1).joined(separator: "\n") }
      + program.compilation.trainedParts.filter { $0.block != nil }.map(\.description)
      + [request.keepingTrainingMode, request.keepingInferenceMode].map { $0?.description ?? "" }
      + (request.training?.holding ?? []).map { "\($0.read.node) by \($0.mask.node):\($0.mask.result)" }
    if let known = known[key] { return known }
    let graph = Graph(request.graph)
    var reads: [String: [Value]] = [:]
    for (position, node) in request.graph.nodes.enumerated() {
      if case .reads(let variable) = node.op.effect { reads[variable, default: []].append(Value(position)) }
    }
    // A variable is moved by the losses of the objectives that have it as a target, and by no others.
    var gradients: [String: Tensor] = [:]
    func add(_ gradient: Tensor, to name: String) {
      gradients[name] = gradients[name].map { $0 + gradient } ?? gradient
    }
    for (objective, names) in zip(objectives, targets) {
      switch objective.goal.source {
      case .loss(let loss):
        let own = names.flatMap { name in (reads[name] ?? []).map { (name, Tensor(graph, $0)) } }
        let found = graph.gradients(
          of: [Tensor(graph, loss)], withRespectTo: own.map(\.1), unconnected: .zero)
        for ((name, _), gradient) in zip(own, found) { add(gradient, to: name) }
      case .gradients(let given):
        for (read, gradient) in given {
          guard case .reads(let name) = request.graph.nodes[read.node].op.effect, names.contains(name) else {
            continue
          }
          add(Tensor(graph, gradient), to: name)
        }
      }
    }
    let measured = trained.compactMap { name in gradients[name].map { (name, $0) } }
    let masks = Dictionary(
      (request.training?.holding ?? []).compactMap { held -> (String, Tensor)? in
        guard case .reads(let name) = request.graph.nodes[held.read.node].op.effect else { return nil }
        return (name, Tensor(graph, held.mask))
      }, uniquingKeysWith: { first, _ in first })
    let squares = graph.scope("norms") {
      // In a world those of all members together, as the step has them.
      let weight = request.training?.exchange?.weight(in: graph)
      return measured.map { name, gradient in
        var mean = (weight.map(gradient.exchangedMean(weight:)) ?? gradient).cast(to: .f64)
        // What is held has no part in it.
        if let mask = masks[name] { mean = select(where: mask, mean.filled(0), otherwise: mean) }
        let squares = mean * mean
        guard let blocks = blocks[name] else { return squares.sum() }
        let sums = blocks.map { block in
          squares.sliced(
            axis: block.axis, from: Dim(block.range.lowerBound), to: Dim(block.range.upperBound)
          ).sum()
        }
        return sums.dropFirst().reduce(sums[0]) { $0 + $1 }
      }
    }
    try graph.validate()
    var probe = request
    probe.graph = graph.definition
    probe.fetches = squares.map(\.value)
    probe.training = nil
    probe.isTrainingMode = true
    let made = (try session.compile(probe), measured.map(\.0))
    known[key] = made
    return made
  }
}
