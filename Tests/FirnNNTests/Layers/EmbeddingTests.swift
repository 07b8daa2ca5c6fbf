import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Tables of either type, and a row that stands for no word.
@Suite struct EmbeddingTests {
  @Test(arguments: [DType.f64, .f32], ["embedding-1", "embedding-last"])
  func threeStepsWithAPaddingIndexAsPyTorch(_ dtype: DType, _ name: String) throws {
    let fixture = try #require(try Fixture.load("biases.json").first { $0.name == name })
    let index = name == "embedding-1" ? 1 : -1
    let graph = Graph()
    let words = graph.constant(try fixture.input("words", .i32))
    let layer = Embedding(count: 5, width: 3, paddingIndex: index, dtype: dtype, name: "n")
    let vectors = layer(words)
    #expect(vectors.type == TensorType(dtype, [2, 3, 3]))
    let loss = (vectors * graph.constant(try fixture.input("seed", dtype))).sum()
    let session = try quietSession(graph)
    let first = try session.value(of: "n/table")
    #expect(try first.element(at: index).doubles == #require(fixture.results?["first_row"]).values)
    #expect(try first.element(at: 2).doubles.allSatisfy { $0 != 0 })
    let table = try #require(fixture.weights(dtype)["table"])
    try session.setValue(table, of: "n/table")
    let program = try session.compile(minimizing: loss, with: plainDescent, fetching: [vectors])
    let results = try session.run(program)
    #expect(difference(try results[vectors], try #require(fixture.results?["vectors"])) <= 1e-7)
    for _ in 0..<2 { try session.run(program) }
    let trained = try session.value(of: "n/table")
    #expect(difference(trained, try #require(fixture.trained?["table"])) <= (dtype == .f64 ? 1e-14 : 1e-6))
    #expect(try trained.element(at: index) == table.element(at: index))
    #expect(try program.lint().isEmpty, "the stop is meant")
  }

  /// What is drawn besides is as without a padding index; text holds it.
  @Test func onlyThePaddingsRowIsZero() throws {
    func first(_ padding: Int?, _ initializer: Initializer = .uniform()) throws -> NDArray {
      let graph = Graph()
      let layer = Embedding(count: 4, width: 2, paddingIndex: padding, initializer: initializer, name: "n")
      _ = layer(graph.placeholder("x", shape: ["batch"], dtype: .i32))
      let text = graph.definition.text
      #expect(try GraphDef(parsing: text, catalogue: .standard).text == text)
      return try quietSession(graph).value(of: "n/table")
    }
    let (plain, padded) = (try first(nil), try first(2))
    for row in [0, 1, 3] { #expect(try plain.element(at: row) == padded.element(at: row)) }
    #expect(try padded.element(at: 2).floats == [0, 0] && plain.element(at: 2).floats.allSatisfy { $0 != 0 })
    let given = try NDArray([1, 2, 3, 4, 5, 6, 7, 8] as [Float], shape: [4, 2])
    #expect(try first(0, .array(given)) == given)
  }

  @Test func faultsCiteTheirConstraint() throws {
    func fault(_ layer: Embedding) throws -> FirnError {
      let graph = Graph()
      _ = layer(graph.placeholder("x", shape: ["batch"], dtype: .i32))
      return try #require(throws: FirnError.self) { try graph.validate() }
    }
    for index in [4, -5] {
      let error = try fault(Embedding(count: 4, width: 2, paddingIndex: index))
      #expect(error.constraint == "C4" && error.message.contains("\(index)"), "\(error)")
    }
    #expect(try fault(Embedding(count: 4, width: 2, dtype: .i32)).constraint == "C3")
  }
}
