import FirnCompiler
public import FirnGraph
import FirnOps

extension Session {
  /// The values of all variables but optimisers' memory, averages in the place of what they are of.
  ///
  /// Restored, they are what the session goes on with; what no average is kept of is as it is.
  ///
  /// - Parameter name: by which name a program compiled before keeps averages (`averaging:`).
  /// - Throws: `.unknownName` where none does.
  /// - Complexity: O(1) for each variable; of a partly trained one a copy.
  public func snapshot(underAverages name: String) throws(FirnError) -> Snapshot {
    let parts = try averagedParts(name)
    var snapshot = try snapshot()
    let places = Dictionary(
      snapshot.values.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    for part in parts {
      guard let place = places[part.variable.name] else { continue }
      let average = try store.value(of: Self.average(of: part, name))
      if let block = part.block {
        snapshot.values[place].array.replace(block, with: average)
      } else {
        snapshot.values[place].array = average
      }
    }
    return snapshot
  }

  private func averagedParts(_ name: String) throws(FirnError) -> [TrainedPart] {
    let parts = ledger.parts(of: name).filter { store[Self.average(of: $0, name)] != nil }
    // Of a name that is known there may be none now, as where all of it is frozen for a while.
    guard !parts.isEmpty || ledger.keepsAverages(called: name) else {
      throw FirnError(
        .unknownName, "no program of this session keeps averages called `\(name)`",
        remedy: "compile the one that trains with `averaging:` first")
    }
    return parts
  }

  /// A graph that reads averages in the place of the variables they are of, and its outputs.
  ///
  /// Of a variable that is trained in part, blocks are averages and the rest is what it is.
  ///
  /// - Throws: `.unknownName` where no program that trains keeps averages of this name.
  func underAverages(_ name: String, _ graph: GraphDef, _ fetches: [Value]) throws(FirnError) -> GraphDef {
    let parts = try averagedParts(name)
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
