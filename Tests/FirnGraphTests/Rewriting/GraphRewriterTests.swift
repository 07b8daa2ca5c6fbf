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

  /// What was kept as it stood can still be replaced for those who read it later, whoever has looked at the builder.
  @Test(arguments: [false, true]) func whatLeadsCanStillBeReplaced(_ looks: Bool) throws {
    let result = chain().rewritten { rewriter, position in
      rewriter.keep(position)
      if position > 1 { return }
      if looks { #expect(rewriter.graph.nodes.count == position + 1) }
      #expect(rewriter.nodes[position].name == rewriter.source.nodes[position].name)
      guard position == 1 else { return }
      let stop = rewriter.emit(PassThrough(.stopGradient), [rewriter(Value(1))], insteadOf: 1)
      rewriter.replace(Value(1), with: stop[0])
      #expect(rewriter.isDone(1) && !rewriter.isDone(2) && rewriter(Value(0)) == Value(0))
    }
    try result.verify()
    #expect(names(result) == ["x", "y", "y_2", "y_1"])
    #expect(result.nodes[2].inputs == [Value(1)] && result.nodes[3].inputs == [Value(2)])
  }

  /// Where nodes come from is known through rewrites of rewrites, and of nothing else.
  @Test func originsAreKeptThroughRewrites() throws {
    let graph = chain()
    let first = graph.rewritten { rewriter, position in
      if position == 1 {
        _ = rewriter.emit(PassThrough(.identity), [rewriter(Value(0))], named: "new", like: graph.nodes[1])
      }
    }
    #expect(names(first) == ["x", "new", "y", "y_1"] && first.origins == [0, -1, 1, 2])
    let second = first.rewritten { rewriter, position in if position == 1 { rewriter.drop(1) } }
    #expect(names(second) == ["x", "y", "y_1"] && second.origins == [0, 1, 2])
    let third = try second.extended(phase: .update) { builder in
      _ = builder.append(PassThrough(.identity), [Tensor(builder, Value(0))])
    }
    #expect(third.origins == [0, 1, 2] && third.nodes.count == 4)
    try third.verify(knowing: graph)
    #expect(graph.rewritten { _, _ in }.origins == nil)
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
