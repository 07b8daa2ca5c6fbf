import FirnGraph
import Testing

/// What passes may rely on when they rewrite.
@Suite struct GraphRewriterTests {
  private static let type = TensorType(.f32, [2])

  /// x, y = identity(x), z = identity(y); z is returned.
  private func chain() -> GraphDef {
    let identity = PassThrough(.identity)
    return GraphDef(
      nodes: [
        Node(op: Placeholder(type: Self.type), inputs: [], types: [Self.type], name: "x"),
        Node(op: identity, inputs: [Value(0)], types: [Self.type], name: "y", phase: .backward),
        Node(op: identity, inputs: [Value(1)], types: [Self.type], name: "y_1"),
      ], outputs: [Value(2)])
  }

  private func names(_ graph: GraphDef) -> [String] { graph.nodes.map(\.name) }

  @Test func whatIsKeptIsTheSameGraph() throws {
    let graph = chain()
    #expect(graph.rewritten { _, _ in } == graph)
    #expect(graph.rewritten { $0.keep($1) } == graph)
  }

  /// What is added to the builder counts, though nothing was said to the rewriter.
  @Test func whatOnlyTheBuilderAddsIsThere() throws {
    let result = chain().rewritten { rewriter, position in
      rewriter.keep(position)
      if position == 2 {
        _ = rewriter.graph.append(PassThrough(.identity), [rewriter.tensor(Value(2))], name: "more")
      }
    }
    #expect(names(result) == ["x", "y", "y_1", "more"])
  }

  @Test func readersFollowWhatIsReplaced() throws {
    let result = chain().rewritten { rewriter, position in
      if position == 1 { rewriter.replace(Value(1), with: rewriter(Value(0))) }
    }
    try result.verify()
    #expect(names(result) == ["x", "y_1"])
    #expect(result.nodes[1].inputs == [Value(0)] && result.outputs == [Value(1)])
  }

  /// The first node in the place of another has its name, phase and type; further ones get numbers, never the name of one
  /// that comes later.
  @Test func emittedNodesHaveNamesOfTheirOwn() throws {
    let result = chain().rewritten { rewriter, position in
      guard position == 1 else { return }
      let stop = PassThrough(.stopGradient)
      let first = rewriter.emit(stop, [rewriter(Value(0))], insteadOf: 1)
      let second = rewriter.emit(stop, first, insteadOf: 1)
      let third = rewriter.emit(stop, second, named: "x", like: rewriter.source.nodes[1])
      rewriter.replace(Value(1), with: third[0])
    }
    try result.verify()
    #expect(names(result) == ["x", "y", "y_2", "x_1", "y_1"])
    #expect(result.nodes[1...3].allSatisfy { $0.phase == .backward && $0.types == [Self.type] })
  }

  @Test func operatorsWorkBetweenKeptNodes() throws {
    let result = chain().rewritten { rewriter, position in
      guard position == 1 else { return }
      let made = rewriter.graph.append(PassThrough(.identity), [rewriter.tensor(Value(0))], name: "y_1")
      rewriter.replace(Value(1), with: made[0].value)
    }
    try result.verify()
    #expect(names(result) == ["x", "y_1_1", "y_1"])
  }

  @Test func nodesMayStandInAnotherOrder() throws {
    var rewriter = GraphRewriter(
      GraphDef(
        nodes: ["a", "b"].map {
          Node(op: Placeholder(type: Self.type), inputs: [], types: [Self.type], name: $0)
        }, outputs: [Value(0), Value(1)]))
    rewriter.keep(1)
    rewriter.keep(0)
    let result = rewriter.finish(outputs: rewriter.source.outputs.map { rewriter($0) })
    #expect(names(result) == ["b", "a"] && result.outputs == [Value(1), Value(0)])
  }

  @Test func nodesCanBeAddedAtTheEnd() throws {
    let graph = chain()
    let result = try graph.extended(phase: .update) { builder in
      _ = builder.append(PassThrough(.identity), [Tensor(builder, Value(2))])
    }
    #expect(result.nodes.dropLast() == graph.nodes[...] && result.outputs == graph.outputs)
    #expect(result.nodes[3].phase == .update && result.nodes[3].name == "identity")
  }

  @Test func readingWhatWasDroppedIsABug() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = chainForExit().rewritten { rewriter, position in if position == 1 { rewriter.drop(1) } }
    }
    let printed = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(printed.contains("Firn bug in rewriting: `y` is read, but nothing stands for it"), "\(printed)")
  }
}

private func chainForExit() -> GraphDef {
  let type = TensorType(.f32, [2])
  return GraphDef(
    nodes: [
      Node(op: Placeholder(type: type), inputs: [], types: [type], name: "x"),
      Node(op: PassThrough(.identity), inputs: [Value(0)], types: [type], name: "y"),
      Node(op: PassThrough(.identity), inputs: [Value(1)], types: [type], name: "z"),
    ], outputs: [Value(2)])
}
