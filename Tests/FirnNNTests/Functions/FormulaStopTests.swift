import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Stops in the formulas of functions: they cut as others do, and lint does not ask what they are for.
@Suite struct FormulaStopTests {
  private static let functions: [(name: String, apply: @Sendable (Tensor) -> Tensor)] = [
    ("logSumExp", { $0.logSumExp(axes: [-1]) }),
    ("maskedSoftmax", { maskedSoftmax($0, mask: greater($0, 0)) }),
    (
      "attention",
      { attention(query: $0, key: $0, value: $0, mask: greater(matmul($0, $0, transposeB: true), 0)) }
    ),
    ("distillationLoss", { distillationLoss(student: square($0), teacher: $0) }),
    (
      "nearestCodes",
      {
        let quantized = nearestCodes($0, codebook: $0)
        return quantized.codes.mean() + quantized.codebookLoss + quantized.commitmentLoss
      }
    ),
  ]

  /// Behind a frozen layer, and where the loss is made of something else.
  @Test(arguments: functions.indices) func nothingToStopIsNoFinding(_ number: Int) throws {
    for isWanted in [true, false] {
      let graph = Graph()
      let x = graph.placeholder("x", shape: [4, 3])
      let code = Dense(3, name: "encoder")(x)
      let result = Self.functions[number].apply(code)
      let loss =
        square(Dense(1, name: "head")(code)).mean() + (isWanted ? square(result).mean() : graph.constant(0))
      let session = try quietSession(graph)
      for freezing in [nil, "encoder"] as [Selection?] {
        let program = try session.compile(minimizing: loss, with: Adam(), freezing: freezing)
        #expect(try program.lint().isEmpty, "\(Self.functions[number].name)")
      }
    }
  }

  /// What a user wrote is still told, and text keeps the two apart.
  @Test func stopsOfUsersAreTold() throws {
    let graph = Graph()
    let words = graph.placeholder("words", shape: ["batch"], dtype: .i32)
    let vectors = Embedding(count: 5, width: 3, paddingIndex: 0, name: "encoder")(words)
    _ = identity(square(Dense(1, name: "head")(stopGradient(vectors))).mean(), name: "loss")
    let read = try Graph(resuming: GraphDef(parsing: graph.definition.text, catalogue: .standard))
    #expect(read.definition.text == graph.definition.text)
    for graph in [graph, read] {
      let loss = try #require(graph.tensor(named: "loss"))
      let program = try quietSession(graph).compile(minimizing: loss, with: Adam(), freezing: "encoder")
      let findings = try program.lint()
      #expect(findings.map(\.code) == [.stopWithoutEffect])
      #expect(findings.first?.places.first?.name == "stop_gradient")
    }
  }
}
