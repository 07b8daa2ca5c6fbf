import FirnGraph
import FirnOps

/// Programs that begin with what they alone read.
extension GraphDef {
  /// This graph with convolutions and products by panels in the programs, or the single instructions, that alone read
  /// what they make.
  ///
  /// These go on with its rows while they are in cache. In loops, too.
  ///
  /// Of several that a program could begin with it is the last, so that nothing is kept longer for it than it was.
  ///
  /// - Complexity: linear in nodes.
  func startingPrograms() -> GraphDef {
    if !hasLoops, !nodes.contains(where: { $0.traits.contains(.start) }) { return self }
    let starts = programStarts()
    let absorbed = Set(starts.compactMap(\.self))
    var known = KnownPrograms()
    return rewritten { rewriter, position in
      if absorbed.contains(position) { return rewriter.drop(position) }
      if nodes[position].loop != nil {
        if let op = nodes[position].op(changingBody: { $0.startingPrograms() }) {
          rewriter.keep(position, as: op)
        }
        return
      }
      guard let start = starts[position], let program = program(of: position, beginningWith: start) else {
        return
      }
      var node = nodes[position]
      node.op = known.sharing(program.op)
      node.inputs = program.operands.map { rewriter($0) }
      rewriter.place(node, insteadOf: position)
    }
  }

  /// For each node the one that its program begins with.
  private func programStarts() -> [Int?] {
    var readers = [Int](repeating: 0, count: nodes.count)
    for node in nodes { for input in node.inputs { readers[input.node] += 1 } }
    for output in outputs { readers[output.node] += 1 }
    return nodes.indices.map { position in
      let inputs = nodes[position].inputs
      let candidates = inputs.map(\.node).filter {
        nodes[$0].traits.contains(.start) && nodes[$0].phase == nodes[position].phase && readers[$0] == 1
      }
      return candidates.sorted(by: >).first { program(of: position, beginningWith: $0) != nil }
    }
  }

  private func program(of position: Int, beginningWith start: Int) -> (op: Fused, operands: [Value])? {
    let node = nodes[position]
    guard let program = node.fused ?? program(of: position),
      let operand = node.inputs.firstIndex(of: Value(start))
    else { return nil }
    return program.beginning(with: start, insteadOf: operand, of: node.inputs, in: self)
  }
}
