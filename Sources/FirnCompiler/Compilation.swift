package import FirnGraph
import FirnOps

/// A compiled program before its dimensions are bound.
package struct Compilation: Sendable {
  /// Forward, backward and update nodes.
  package let graph: GraphDef
  /// What of it is computed when variables are bound, not in a run: it returns the values that `graph` recalls.
  package let bound: GraphDef
  /// For each fetch, and last each loss of a training program, its place among the graph's outputs; nil for gradients
  /// that do not exist here.
  package let fetchOutputs: [Int?]
  package let context: CompilationContext

  init(graph: GraphDef, context: CompilationContext) {
    var kept = graph
    kept.outputs = []
    var places: [Int?] = []
    for output in graph.outputs {
      if graph.nodes[output.node].isAbsentGradient {
        places.append(nil)
      } else {
        places.append(kept.outputs.count)
        kept.outputs.append(output)
      }
    }
    kept = kept.removingDeadNodes(keepingAssignments: true)
    kept.origins = nil
    self.graph = kept
    bound = context.bound.recalled(by: kept)
    fetchOutputs = places
    self.context = context
  }

  /// What depends on frozen variables only is taken out of the part as it is out of a program: what the whole writes is
  /// not frozen, whichever part does.
  private init(part: GraphDef, of whole: GraphDef, fetchOutputs: [Int?], context: CompilationContext) {
    (self.fetchOutputs, self.context) = (fetchOutputs, context)
    let (step, bound) = part.unfused.hoistingFrozen(moving: Set(whole.writtenVariables))
    self.bound = bound
    graph = bound.outputs.isEmpty ? part : step.fused()
  }

  /// The same program, of which another does a part: with `graph`, whose outputs stand for the same in the same order.
  package func with(graph: GraphDef) -> Compilation {
    precondition(graph.outputs.count == self.graph.outputs.count)
    return Compilation(part: graph, of: self.graph, fetchOutputs: fetchOutputs, context: context)
  }

  /// A part of the program that returns all outputs of `graph`.
  package func part(_ graph: GraphDef) -> Compilation {
    Compilation(
      part: graph, of: self.graph, fetchOutputs: graph.outputs.indices.map { $0 }, context: context)
  }

  /// The program in one graph, nothing hoisted.
  package var whole: GraphDef { graph.computing(bound) }

  /// That nothing could be put into the smaller type that was asked for.
  package var storageWarnings: [String] {
    guard let storage = context.stored.storage, context.stored.isEmpty else { return [] }
    let reason =
      context.stored.refused.map { "`\($0.name)`: \($0.reason)" }
      ?? "the program reads no kernel that it holds fixed"
    return ["nothing is stored as \(storage): \(reason)"]
  }

  /// Names of the nodes that no run computes; reads and constants are none of them.
  package var computedOnce: Set<String> {
    Set(bound.nodes.lazy.filter { $0.op.effect == .none }.map(\.name))
  }

  /// The variables whose gradient is built and applied, in whole or in part, in creation order.
  package var trained: [String] {
    var names: [String] = []
    for part in trainedParts where names.last != part.variable.name { names.append(part.variable.name) }
    return names
  }

  /// What of them is trained, in creation order, blocks in theirs.
  package var trainedParts: [TrainedPart] { context.liveParts.map(\.part) }

  /// Edges a gradient of some loss would take were nothing frozen or stopped, and none does.
  package var removedGradients: [GradientEdge] {
    let records = context.prunings
    if records.count == 1 { return records[0].removed }
    let carried = Set(records.flatMap(\.carried))
    var seen = carried
    return records.flatMap(\.removed).filter { seen.insert($0).inserted }
  }

  /// Those of one objective alone.
  ///
  /// - Throws: `.unknownName`.
  package func removedGradients(of objective: String) throws(FirnError) -> [GradientEdge] {
    guard let number = context.objectives.firstIndex(where: { $0.name == objective }) else {
      throw FirnError(.unknownName, "there is no objective `\(objective)`")
    }
    return context.prunings[number].removed
  }

  /// The optimiser's memory, in creation order.
  package var slots: [CompiledSlot] { context.slots }
}

extension GraphDef {
  /// In graph order.
  package var placeholders: [(name: String, type: TensorType)] {
    nodes.compactMap { node in
      if case .feeds = node.op.effect { (node.name, node.types[0]) } else { nil }
    }
  }
}
