import FirnCompiler
import FirnGraph
import FirnOps
import FirnRuntime

/// Measures the gradients and the update of a step beside the step.
///
/// Gradients are those of a program of its own, made of the same graph with the same selection, run at the same place
/// in the random numbers; the step itself is the step.
final class NormProbe {
  private let watch: NormWatch
  private let session: Session
  private var known: [String: (program: Program, parts: [String])] = [:]

  /// What is known before the step.
  struct Measured {
    let step: Int
    let gradients: [String: Double]
    let before: [String: NDArray]
  }

  init(_ watch: NormWatch, in session: Session) throws(FirnError) {
    self.watch = watch
    self.session = session
  }

  func begin(before program: Program, _ batch: Batch, at position: DataPosition) throws(FirnError)
    -> Measured?
  {
    guard position.step.isMultiple(of: watch.interval) else { return nil }
    let (probe, names) = try self.probe(of: program)
    let results = try session.undoing { () throws(FirnError) in
      try session.run(probe, feeding: batch.feeds, counts: batch.isCounted)
    }
    var gradients: [String: Double] = [:]
    var before: [String: NDArray] = [:]
    for (name, fetch) in zip(names, probe.fetches) {
      gradients[name] = try results.scalar(fetch)
      before[name] = try session.value(of: name)
    }
    return Measured(step: position.step + 1, gradients: gradients, before: before)
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
      let (old, new) = (before.doubles, after.doubles)
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

  /// The squared norms of the gradients of what a program trains, by variable.
  private func probe(of program: Program) throws(FirnError) -> (program: Program, parts: [String]) {
    let trained = program.trained.map(\.name)
    let key = trained.joined(separator: "\n")
    if let known = known[key] { return known }
    let request = program.compilation.context.request
    let graph = Graph(request.graph)
    let names = request.graph.nodes.indices.reduce(into: [(variable: String, node: String)]()) { all, index in
      guard case .reads(let variable) = request.graph.nodes[index].op.effect, trained.contains(variable),
        !all.contains(where: { $0.variable == variable })
      else { return }
      all.append((variable, request.graph.nodes[index].name))
    }
    let reads = names.compactMap { graph.tensor(named: $0.node) }
    let losses = (request.training?.losses ?? []).compactMap {
      graph.tensor(named: request.graph.name(of: $0))
    }
    guard reads.count == names.count, let first = losses.first else {
      throw FirnError(
        .invalidArgument, "gradients are measured of losses, and the program has none",
        remedy: "leave `norms` out")
    }
    let loss = losses.dropFirst().reduce(first) { $0 + $1.cast(to: $0.dtype) }
    let squares = graph.scope("norms") {
      // In a world those of all members together, as the step has them.
      let weight = request.training?.exchange?.weight(in: graph)
      return graph.gradients(of: [loss], withRespectTo: reads, unconnected: .zero).map {
        let mean = weight.map($0.exchangedMean(weight:)) ?? $0
        let gradient = mean.cast(to: .f64)
        return (gradient * gradient).sum()
      }
    }
    try graph.validate()
    var probe = request
    probe.graph = graph.definition
    probe.fetches = squares.map(\.value)
    probe.training = nil
    probe.isTrainingMode = true
    let made = (try session.compile(probe), names.map(\.variable))
    known[key] = made
    return made
  }
}
