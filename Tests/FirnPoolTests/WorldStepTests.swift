import FirnCompiler
import FirnGraph
import FirnOps
import FirnRuntime
import FirnWorlds
import Testing

/// Steps of members that are threads, whose exchange goes on beside the backward pass; also run under the thread
/// sanitizer.
@Suite struct WorldStepTests {
  /// w ← w - 0.1 g.
  private struct Descent: Optimizer {
    let name = "descent"
    var description: String { name }

    func slots(for part: TrainedPart) -> [OptimizerSlot] { [] }

    func update(_ update: ParameterUpdate) -> UpdatedParameter {
      UpdatedParameter(value: update.value - 0.1 * update.gradient, slots: [])
    }
  }

  private static func steps(in world: World, checked: Bool) throws -> [[Float]] {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 6])
    let at = graph.placeholder("at", shape: ["batch"], dtype: .i32)
    let table = graph.variable("table", shape: [40, 5], initializer: .uniform())
    var y = x
    for layer in 0..<3 {
      let width = layer == 2 ? 5 : 6
      y = tanh(
        matmul(y, graph.variable("kernel\(layer)", shape: [6, Dim(width)], initializer: .glorotUniform)))
    }
    let loss = square(y + gather(table, indices: at)).mean()
    let session = try Session(graph, seed: 2, threads: 2, world: world)
    session.checksNumerics = checked
    session.onWarning = { _ in }
    let program = try session.compile(minimizing: loss, with: Descent(), clippingNorm: 0.1)
    for step in 0..<4 {
      let rows = 2 + (world.rank + step) % 2
      let values = (0..<rows * 6).map { (index: Int) -> Float in
        Float((index * 7 + world.rank + step) % 11) / 11
      }
      _ = try session.run(
        program,
        feeding: [
          x: try NDArray(values).reshaped(to: [rows, 6]),
          at: NDArray((0..<rows).map { (row: Int) -> Int32 in Int32((row * 5 + world.rank) % 40) }),
        ])
    }
    return try graph.variables.map { try session.value(of: $0.name).elements(as: Float.self) }
  }

  @Test(arguments: [2, 3], [false, true]) func membersStayAlike(members: Int, checked: Bool) throws {
    let all = try World.runInThreads(members) { try Self.steps(in: $0, checked: checked) }
    for own in all { #expect(own == all[0]) }
    let unchecked = try World.runInThreads(members) { try Self.steps(in: $0, checked: false) }[0]
    for (a, b) in zip(all[0].flatMap(\.self), unchecked.flatMap(\.self)) { #expect(abs(a - b) < 1e-5) }
  }
}
