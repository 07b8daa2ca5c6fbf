import FirnCompiler
import FirnGraph
import FirnOps

extension Session {
  /// A graph that reads averages in the place of the variables they are of, and its outputs.
  ///
  /// Of a variable that is trained in part, blocks are averages and the rest is what it is.
  ///
  /// - Throws: `.unknownName` where no program that trains keeps averages of this name.
  func underAverages(_ name: String, _ graph: GraphDef, _ fetches: [Value]) throws(FirnError) -> GraphDef {
    let parts = ledger.parts(of: name).filter { store[Self.average(of: $0, name)] != nil }
    guard !parts.isEmpty else {
      throw FirnError(
        .unknownName, "no program of this session keeps averages called `\(name)`",
        remedy: "compile the one that trains with `averaging:` first")
    }
    let byVariable = Dictionary(grouping: parts, by: \.variable.name)
    var graph = graph
    graph.outputs = fetches
    var reads: [String: Variable] = [:]
    return graph.rewritten { rewriter, position in
      guard case .reads(let variable) = graph.nodes[position].op.effect, let own = byVariable[variable] else {
        return
      }
      rewriter.keep(position)
      let builder = rewriter.graph
      let whole = rewriter.tensor(Value(position))
      func average(_ part: TrainedPart) -> Tensor {
        let slot = Self.average(of: part, name)
        let declaration =
          reads[slot]
          ?? Variable(name: slot, type: part.type, kind: .slot, initializer: .zeros, isTrainable: false)
        if reads.updateValue(declaration, forKey: slot) == nil { builder.declare(declaration) }
        return builder.append(ReadVariable(declaration), [], name: "average")[0]
      }
      let value = builder.section(graph.nodes[position].name, phase: .forward) {
        guard let axis = own[0].block?.axis, let extent = whole.shape[axis].value else {
          return average(own[0])
        }
        var pieces: [Tensor] = []
        var end = 0
        func keep(to next: Int) {
          if end < next { pieces.append(whole.sliced(axis: axis, from: Dim(end), to: Dim(next))) }
        }
        for part in own {
          guard let range = part.block?.range else { continue }
          keep(to: range.lowerBound)
          pieces.append(average(part))
          end = range.upperBound
        }
        keep(to: extent)
        return concatenate(pieces, axis: axis)
      }
      rewriter.replace(Value(position), with: value.value)
    }
  }

  private static func average(of part: TrainedPart, _ name: String) -> String {
    Path.joined(part.slotScope(name), "value")
  }
}
