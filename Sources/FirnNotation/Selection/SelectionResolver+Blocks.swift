import FirnGraph

/// Parts of variables: ranges of positions, and gates.
extension SelectionResolver {
  func restrict(
    _ hits: [Hit], to block: Selection.BlockName, text: String
  ) throws(FirnError) -> [Hit] {
    guard !variables.isEmpty || hits.isEmpty else {
      throw fault("`\(block.text)` names part of a variable", "name whole paths here")
    }
    var result: [Hit] = []
    for hit in hits {
      let wanted = try self.block(block, of: variables[hit.index], among: hits)
      let extent = extents(hit.index)[wanted.axis]
      let region = Region.along(wanted.axis, [wanted.range], extent: extent)
      let part = region.map { Hit(index: hit.index, region: $0, matchedBy: [text]) }
      guard let part, var both = try combined(.intersection, hit, part) else { continue }
      both.matchedBy = [text]
      result.append(both)
    }
    guard !result.isEmpty else {
      throw fault(
        "`\(text)` matches nothing", "nothing is left of what the part before `\(block.text)` names")
    }
    return result
  }

  private func block(
    _ name: Selection.BlockName, of variable: Variable, among hits: [Hit]
  ) throws(FirnError) -> Block {
    switch name {
    case .range(let block):
      let extents = variable.type.shape.extents ?? []
      guard extents.indices.contains(block.axis) else {
        throw fault(
          "`\(variable.name)` is \(variable.type): it has no axis \(block.axis)",
          extents.isEmpty ? "a scalar has no blocks" : "its axes are 0..<\(extents.count)")
      }
      guard block.range.upperBound <= extents[block.axis] else {
        throw fault(
          "`\(variable.name)` is \(variable.type): axis \(block.axis) ends before \(block.range.upperBound)",
          "its positions are 0..<\(extents[block.axis])")
      }
      return block
    case .gate(let gate):
      guard let blocks = variable.blocks else {
        var scopes = hits.map { variables[$0.index] }.filter { $0.blocks != nil }.prefix(3).map(\.name)
        if scopes.isEmpty { scopes = variables.filter { $0.blocks != nil }.prefix(3).map(\.name) }
        throw fault(
          "`\(variable.name)` has no gates",
          scopes.isEmpty
            ? "no variable here has; name positions, as in [0..<3]"
            : "select only variables that have, such as " + scopes.joined(separator: ", "))
      }
      guard let block = blocks.block(named: gate, in: variable.type.shape) else {
        throw fault(
          "`\(variable.name)` has no gate `\(gate.prefix(80))`",
          "its gates are " + blocks.names.map(SelectionSyntax.name).joined(separator: ", "))
      }
      return block
    }
  }
}
