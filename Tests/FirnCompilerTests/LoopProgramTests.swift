import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTraining
import Testing

/// Which products the compiled programs of recurrent networks hold, and where.
@Suite struct LoopProgramTests {
  private func program(
    freezing: Selection? = nil, thawing: Selection? = nil, _ model: (Graph, Tensor) -> Tensor
  ) throws -> GraphDef {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    let loss = square(model(graph, x)).mean()
    try graph.validate()
    return try Compiler.compile(
      CompilationRequest(
        graph: graph.definition, fetches: [],
        training: .init(loss: loss.value, optimizer: SGD(learningRate: 1)),
        freezing: freezing, thawing: thawing)
    ).graph
  }

  /// The lines of the program's text that multiply matrices, with whether they stand in a loop.
  private func products(_ graph: GraphDef) -> (around: [String], inside: [String]) {
    let lines = graph.text.split(separator: "\n").filter { $0.contains(" = matmul") }.map(String.init)
    return (lines.filter { $0.hasPrefix("%") }, lines.filter { $0.hasPrefix(" ") })
  }

  private struct Cell: RecurrentCell {
    let stateShapes: [Shape] = [[8]]
    func makeWeights(_ make: CellVariables) -> (fixed: Tensor, trainable: Tensor) {
      (make("W_fixed", [make.features, 8]), make("W_trainable", [8, 8], initializer: .orthogonal()))
    }
    func step(_ input: Tensor, _ state: CellState, _ weights: (fixed: Tensor, trainable: Tensor)) -> CellStep
    {
      CellStep([tanh(matmul(input, weights.fixed) + matmul(state.recurrent, weights.trainable))])
    }
  }

  /// The input product is one over all steps, the trained gradient one after the loop, the fixed one's is nowhere.
  @Test func customCellWithAFixedMatrix() throws {
    let (around, inside) = products(try program(freezing: "rnn/W_fixed") { RNN(Cell())($1) })
    #expect(around.count == 2 && inside.count == 2)
    #expect(around[0].contains("%rnn/W_fixed)") && around[0].contains(": f32[batch*time,8]"))
    #expect(around[1].contains("transpose_a = true") && around[1].hasSuffix(": f32[8,8] @backward"))
    #expect(inside.allSatisfy { $0.contains(": f32[batch,8]") && $0.contains(" = matmul_packed(") })
    // Its gradient would be the only matrix of three rows.
    #expect(!(around + inside).contains { $0.contains(": f32[3,8]") })
    // Were it trained, one product more.
    let whole = products(try program { RNN(Cell())($1) })
    #expect(whole.around.count == 3 && whole.inside.count == 2)
    #expect(whole.around.contains { $0.hasSuffix(": f32[3,8] @backward") })
  }

  enum Kind: String, CaseIterable { case simple, lstm, gru }

  private func stack(_ kind: Kind, layers: Int) -> (Graph, Tensor) -> Tensor {
    { _, x in
      switch kind {
      case .simple: SimpleRNN(5, layers: layers, name: "net")(x)
      case .lstm: LSTM(5, layers: layers, name: "net")(x)
      case .gru: GRU(5, layers: layers, name: "net")(x)
      }
    }
  }

  private func backward(_ graph: GraphDef) -> [String] {
    let (around, inside) = products(graph)
    return (around + inside).filter { $0.hasSuffix("@backward") }
  }

  private func loopsBack(_ graph: GraphDef) -> [Node] {
    graph.nodes.filter { $0.op is Scan && $0.phase == .backward }
  }

  @Test(arguments: Kind.allCases) func freezingTheInputKernelRemovesOneProduct(_ kind: Kind) throws {
    let whole = try program(stack(kind, layers: 2))
    let part = try program(freezing: "net/layer_0/forward/kernel", stack(kind, layers: 2))
    #expect(backward(whole).count == backward(part).count + 1)
    let gone = Set(backward(whole).map(\.shapes)).subtracting(backward(part).map(\.shapes))
    #expect(gone.count == 1 && gone.first?.hasPrefix("f32[3,") == true, "\(gone)")
    #expect(loopsBack(part).count == 2)
  }

  @Test(arguments: Kind.allCases) func freezingALayerRemovesItsLoopBack(_ kind: Kind) throws {
    #expect(loopsBack(try program(stack(kind, layers: 3))).count == 3)
    let first = try program(freezing: "net/layer_0", stack(kind, layers: 3))
    #expect(loopsBack(first).count == 2)
    #expect(!first.nodes.contains { $0.name.hasPrefix("gradients/net/layer_0/") })
    // A layer between trained ones passes the gradient on and has none of its own.
    let middle = try program(freezing: "net/layer_1", stack(kind, layers: 3))
    #expect(loopsBack(middle).count == 3)
    let names = Set(
      middle.nodes.compactMap { node -> String? in
        if case .writes(let name) = node.op.effect { name } else { nil }
      })
    #expect(names.contains("net/layer_0/forward/kernel") && !names.contains { $0.hasPrefix("net/layer_1/") })
  }

  /// Whatever is trained, no loop back multiplies for a kernel's gradient; what it sums is a bias's.
  @Test(arguments: Kind.allCases) func loopsBackSumNoProducts(_ kind: Kind) throws {
    for node in loopsBack(try program(stack(kind, layers: 2))) {
      let scan = try #require(node.op as? Scan)
      #expect(scan.carries == ["simple": 2, "lstm": 3, "gru": 3][kind.rawValue])
      #expect(!scan.body.nodes.contains { ($0.op as? MatMul)?.transposeA == true })
    }
  }
}

extension String {
  /// What stands behind the last colon: the type of a line's result.
  fileprivate var shapes: String {
    lastIndex(of: ":").map { String(self[index($0, offsetBy: 2)...]) } ?? self
  }
}
