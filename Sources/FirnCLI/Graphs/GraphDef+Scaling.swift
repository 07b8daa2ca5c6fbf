internal import FirnGraph
internal import FirnOps
internal import FirnTraining

extension GraphDef {
  /// The graph with its inputs scaled inside, as the data was that its weights were trained on.
  ///
  /// - Throws: `.unknownName` for a placeholder that it has not, `.shapeMismatch` where rows have another size, `.parse`
  ///   where what was read is no scale.
  func scaling(_ standardization: Standardization) throws(FirnError) -> GraphDef {
    for column in standardization.columns {
      let position = nodes.firstIndex { $0.name == column.name && $0.traits.contains(.feeds) }
      guard let type = position.map({ nodes[$0].types[0] }) else {
        throw FirnError(
          .unknownName, "the weights were trained on a scaled `\(column.name)`, which the graph is not fed",
          remedy: "give the graph that they were trained in", place: column.name)
      }
      guard type.dtype.isFloatingPoint, type.shape.rank > 0,
        Shape(Array(type.shape.dropFirst())).elementCount == Dim(column.means.count)
      else {
        throw FirnError(
          .shapeMismatch,
          "`\(column.name)` was scaled in rows of \(column.means.count), and the graph is fed \(type)",
          remedy: "give the graph that they were trained in", place: column.name)
      }
    }
    for column in standardization.columns {
      let isScale =
        column.means.count == column.deviations.count && column.means.allSatisfy(\.isFinite)
        && column.deviations.allSatisfy { $0.isFinite && $0 > 0 }
      guard isScale else {
        throw FirnError(
          .parse, "what is said of the scale of `\(column.name)` is no scale",
          remedy: "give weights that a run has written", place: column.name)
      }
    }
    return try rewritten { (rewriter, position) throws(FirnError) in
      let node = nodes[position]
      guard node.traits.contains(.feeds),
        let column = standardization.columns.first(where: { $0.name == node.name })
      else { return }
      rewriter.keep(position)
      let (x, graph) = (rewriter.tensor(Value(position)), rewriter.graph)
      let row = node.types[0].shape.dropFirst().compactMap(\.value)
      func constant(_ numbers: [Double]) throws(FirnError) -> Tensor {
        graph.constant(try NDArray(numbers, shape: row).converted(to: x.dtype))
      }
      let (means, deviations) = (try constant(column.means), try constant(column.deviations))
      let scaled = graph.scope(node.name + "_scaling") { (x - means) / deviations }
      rewriter.replace(Value(position), with: scaled.value)
    }
  }
}
