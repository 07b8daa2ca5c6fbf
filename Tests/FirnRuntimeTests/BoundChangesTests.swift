import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
@testable import FirnRuntime
import FirnTraining
import Testing

/// Values made of values, plans to make them again, and which of them are one.
@Suite struct BoundChangesTests {
  private func feed(_ x: Tensor, _ name: String = "x") throws -> Feeds {
    [x: try Initializer.normal().values(shape: [3, 20], name: name)]
  }

  /// A value made of others that are made too is made of what these are now.
  @Test func valuesOfValuesAreMadeOfNewOnes() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 20])
    let (a, b) = (graph.variable("a", shape: [20, 40]), graph.variable("b", shape: [20, 40]))
    let made = exp(a)
    let both = made * b
    // `made` is read by the step itself, and so is what it goes into.
    let y = matmul(x, both) + (x.sum(axes: [1], keepingAxes: true) * made.sum(axes: [0], keepingAxes: true))
    let fetched = made * 2 + x.sum()
    let session = try Session(graph, threads: 1)
    let program = try session.compile(fetching: [y, fetched])
    let plain = try session.compile(
      CompilationRequest(graph: graph.definition, fetches: [y.value, fetched.value]),
      pipeline: Compiler.pipeline(changedBy: "-hoist-frozen"))
    for (round, name) in ["a", "b", "a", "a", "b", "b", "b"].enumerated() {
      try session.setValue(
        Initializer.normal().values(shape: [20, 40], name: "\(round)"), of: name)
      let (got, expected) = try (
        session.run(program, feeding: feed(x)), session.run(plain, feeding: feed(x))
      )
      #expect(try got[y].isBitwiseEqual(to: expected[y]), "round \(round)")
      #expect(try got[fetched].isBitwiseEqual(to: expected[fetched]), "round \(round)")
    }
  }

  /// Plans to make values again are kept only as far as the session keeps plans.
  @Test func plansAreKeptWithinTheLimit() throws {
    func bytes(_ limit: Int) throws -> Int {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 20])
      let w = graph.variable("w", shape: [20, 40])
      let session = try Session(graph, threads: 1)
      session.keptPlanBytes = limit
      let program = try session.compile(fetching: [matmul(x, exp(w))])
      for round in 0..<4 {
        try session.setValue(Initializer.normal().values(shape: [20, 40], name: "\(round)"), of: w)
        _ = try session.run(program, feeding: feed(x))
      }
      return withExtendedLifetime(program) { session.boundSize.byteCount }
    }
    // The packed kernel alone.
    #expect(try bytes(0) == 4 * 20 * 64)
    #expect(try bytes(1 << 28) > 4 * 20 * 64)
  }

  /// Nodes are one where their ops, what they read, and which result of it, are equal.
  @Test func numbersTellNodesApart() throws {
    let text = """
      variable w : f32[6,4] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
      %w = read() {variable = "w", dtype = f32, shape = [6,4]} : f32[6,4]
      %parts:2 = split(%w) {axis = 0, sizes = [3,3]} : f32[3,4], f32[3,4]
      %a = exp(%parts) : f32[3,4]
      %b = exp(%parts:1) : f32[3,4]
      %c = exp(%parts) : f32[3,4]
      %d = reduce_sum(%a) {axes = [0], keeps_axes = false} : f32[4]
      %e = reduce_sum(%a) {axes = [1], keeps_axes = false} : f32[3]
      return %b, %c, %d, %e
      """
    var numbers = BoundNumbers()
    let graph = try GraphDef(parsing: "firn 1\n" + text, catalogue: .standard)
    let own = numbers.numbers(of: graph)
    #expect(own[2] != own[3] && own[2] == own[4] && own[5] != own[6] && own[3] != own[5])
    #expect(numbers.numbers(of: graph) == own)
    let count = numbers.count
    numbers.keep(Set(own.prefix(3)))
    #expect(numbers.count == 3 && count == Set(own).count)
    // What is forgotten has another number, and none that was used.
    let again = numbers.numbers(of: graph)
    #expect(again.prefix(3) == own.prefix(3) && again[3] >= count)
  }
}
