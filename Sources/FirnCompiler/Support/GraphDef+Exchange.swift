package import FirnGraph

extension GraphDef {
  /// Whether something in it needs the other members of a world, loops included.
  package var exchanges: Bool {
    nodes.contains { node in
      if node.op.exchangedBytes(of: operandTypes(of: node), results: node.types) != 0 { return true }
      return node.traits.contains(.body) && node.op.asBodyOp?.body.exchanges == true
    }
  }

  /// What one member hands in to be summed or collected in a run, sum by sum in order; not what loops do.
  package var exchangedBytes: [(node: Int, bytes: Dim)] {
    nodes.enumerated().compactMap { position, node in
      let bytes = node.op.exchangedBytes(of: operandTypes(of: node), results: node.types)
      return bytes == 0 ? nil : (position, bytes)
    }
  }

  private func operandTypes(of node: Node) -> [TensorType] { node.inputs.map { type(of: $0) } }
}
