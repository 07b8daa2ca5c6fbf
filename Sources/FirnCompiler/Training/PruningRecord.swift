package import FirnGraph
import FirnOps

/// Which gradients of a loss exist and which freezing and `stop_gradient` remove; or, for gradients that are given, what
/// they are of.
package struct PruningRecord: Sendable {
  /// Variables whose gradient is built, in whole or in part, in creation order.
  package let live: [String]
  /// What of them is trained, in creation order, blocks in theirs.
  package let liveParts: [TrainedPart]
  /// The values to differentiate by: reads of variables, or the slices of them that `split-variables` made.
  package let targets: [Value]
  /// For each target what it is the value of.
  package let targetParts: [TrainedPart]
  /// Between the loss and all that is to be trained.
  package let flow: LossFlow
  private let loss: Value?
  private let liveness: GradientLiveness

  /// - Parameters:
  ///   - loss: nil where all that is trained has a gradient that is given.
  ///   - name: what reasons call the loss; by default as in `graph`.
  package init(_ graph: GraphDef, of loss: Value?, named name: String? = nil, trainability: Trainability) {
    // Only of variables that are trained in part are there slices to look for.
    var consumers: Consumers?
    var declared: [String: Int] = Dictionary(minimumCapacity: graph.variables.count)
    for (number, variable) in graph.variables.enumerated() where declared[variable.name] == nil {
      declared[variable.name] = number
    }
    var trained: [(part: TrainedPart, value: Value)] = []
    // By trained value, the number of its variable.
    var variables: [Int] = []
    for read in graph.variableReads {
      guard let number = declared[read.variable], let region = trainability.trainedRegion(read.variable)
      else { continue }
      let variable = graph.variables[number]
      var slices: [(part: TrainedPart, value: Value)] = []
      if !region.blocks.isEmpty {
        let known = consumers ?? graph.consumers
        consumers = known
        slices = region.blocks.compactMap { block in
          known[read.value.node].first { graph.block(takenAt: $0) == block }
            .map { (TrainedPart(variable, block: block), Value($0)) }
        }
      }
      // In a graph that was not split, a gradient reaches the whole.
      trained += slices.isEmpty ? [(TrainedPart(variable), read.value)] : slices
      while variables.count < trained.count { variables.append(number) }
    }
    self.loss = loss
    flow = LossFlow(
      graph, of: loss.map { [$0] } ?? [], named: name.map { [$0] },
      reads: trained.map { ($0.part.variable.name, $0.value) })
    let liveness = flow.routes.liveness(
      of: loss.map { [$0] } ?? [], withRespectTo: trained.map(\.value))
    self.liveness = liveness
    let reached = trained.indices.filter { loss == nil || liveness.isLive(trained[$0].value) }
    targets = reached.map { trained[$0].value }
    targetParts = reached.map { trained[$0].part }
    var parts = [[TrainedPart]](repeating: [], count: graph.variables.count)
    for place in reached where !parts[variables[place]].contains(trained[place].part) {
      parts[variables[place]].append(trained[place].part)
    }
    live = parts.indices.filter { !parts[$0].isEmpty }.map { graph.variables[$0].name }
    liveParts = parts.flatMap(\.self)
  }

  /// Edges a gradient would take were nothing frozen or stopped, and does not.
  package var removed: [GradientEdge] {
    guard let loss else { return [] }
    let graph = flow.graph
    let parameters = Set(
      graph.variables.filter { $0.kind == .parameter && $0.type.dtype.isFloatingPoint }.map(\.name))
    let whole = flow.routes.liveness(
      of: [loss],
      withRespectTo: graph.variableReads.filter { parameters.contains($0.variable) }.map(\.value),
      ignoringStops: true)
    return flow.routes.edges(of: graph, carrying: whole, without: liveness)
  }

  /// Edges a gradient takes.
  var carried: [GradientEdge] { flow.routes.edges(of: flow.graph, carrying: liveness) }
}
