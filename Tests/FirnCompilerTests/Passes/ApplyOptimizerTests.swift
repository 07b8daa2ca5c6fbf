import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTraining
import Testing

/// One update for each trained variable, and nothing of the frozen ones.
@Suite struct ApplyOptimizerTests {
  private let text = """
    variable a : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
    variable b : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
    %a = read() {variable = "a", dtype = f32, shape = [2]} : f32[2]
    %b = read() {variable = "b", dtype = f32, shape = [2]} : f32[2]
    %h = mul(%a, %b) : f32[2]
    %loss = reduce_sum(%h) {axes = [0], keeps_axes = false} : f32[]
    return %loss
    """

  /// The graph after `prune-gradients` and this pass.
  private func apply(
    _ optimizer: any Optimizer, freezing: String? = nil, clippingNorm: Double? = nil, text: String? = nil
  ) throws -> GraphDef {
    let graph = try parsed(header + (text ?? self.text))
    var context = try CompilationContext(
      CompilationRequest(
        graph: graph, fetches: [],
        training: .init(loss: graph.outputs[0], optimizer: optimizer, clippingNorm: clippingNorm),
        freezing: freezing.map { try Selection($0) }))
    let pruned = try Compiler.pruneGradients.run(graph, &context)
    let result = try Compiler.applyOptimizer.run(pruned, &context)
    try result.verify()
    #expect(Array(result.nodes.prefix(pruned.nodes.count)) == pruned.nodes)
    #expect(result.outputs == graph.outputs)
    return result
  }

  private func updates(_ graph: GraphDef) -> [Node] { graph.nodes.filter { $0.phase == .update } }

  private func assigned(_ graph: GraphDef) -> [String] {
    graph.nodes.compactMap { node in if case .writes(let name) = node.op.effect { name } else { nil } }
  }

  @Test func everyTrainedVariableIsAssigned() throws {
    let graph = try apply(SGD(learningRate: 0.5))
    #expect(assigned(graph) == ["a", "b"])
    #expect(updates(graph).map(\.name).allSatisfy { $0.hasPrefix("update/a/") || $0.hasPrefix("update/b/") })
    #expect(graph.variables.map(\.name) == ["a", "b"])
  }

  @Test func frozenVariablesHaveNoNode() throws {
    let graph = try apply(Adam(weightDecay: 0.1), freezing: "a", clippingNorm: 1)
    #expect(assigned(graph) == ["b", "b/adam/first_moment", "b/adam/second_moment", "b/adam/step"])
    #expect(graph.variables.map(\.name).dropFirst(2).allSatisfy { $0.hasPrefix("b/adam/") })
    #expect(!updates(graph).contains { $0.name.hasPrefix("update/a/") })
    // One square in the norm, one in the second moment.
    #expect(updates(graph).count { $0.mnemonic == "square" } == 2)
  }

  @Test func slotsAreDeclaredInOrder() throws {
    let graph = try apply(SGD(learningRate: 0.5, momentum: 0.9))
    let slots = graph.variables.dropFirst(2)
    #expect(slots.map(\.name) == ["a/sgd/velocity", "b/sgd/velocity"])
    #expect(slots.allSatisfy { $0.kind == .slot && !$0.isTrainable })
    #expect(assigned(graph) == ["a", "a/sgd/velocity", "b", "b/sgd/velocity"])
  }

  /// The gradients of all reads of a variable add up before its one update.
  @Test func tiedVariablesAreUpdatedOnce() throws {
    let tied = text.replacing(
      "%b = read() {variable = \"b\"", with: "%b = read() {variable = \"a\"")
    let graph = try apply(SGD(learningRate: 0.5), text: tied)
    #expect(assigned(graph) == ["a"])
    #expect(updates(graph).first?.mnemonic == "add")
  }

  /// The norm is of all gradients together; what is made of each one's squares is `f64`.
  @Test func clippingScalesAllAlike() throws {
    let graph = try apply(SGD(learningRate: 0.5), clippingNorm: 2)
    let clip = updates(graph).filter { $0.name.hasPrefix("update/clip/") }
    #expect(clip.count { $0.mnemonic == "square" } == 2)
    #expect(clip.count { $0.mnemonic == "sqrt" } == 1)
    #expect(
      clip.filter { $0.mnemonic == "sqrt" || $0.mnemonic == "min" }.allSatisfy { $0.types[0].dtype == .f64 })
    #expect(clip.last { $0.mnemonic == "cast" }?.types[0].dtype == .f32)
    let wide = try apply(
      SGD(learningRate: 0.5), clippingNorm: 2, text: text.replacing("f32", with: "f64"))
    #expect(!updates(wide).contains { $0.types.contains { $0.dtype == .f32 } })
  }

  @Test func withoutTrainingNothingChanges() throws {
    let result = try Compiler.applyOptimizer(header + text)
    let same = try parsed(header + text).text
    #expect(result == same)
  }

  // MARK: Optimisers that break their promise

  private struct Broken: Optimizer {
    let name = "broken"
    var slotCount: Int
    var shape: Shape

    func slots(for part: TrainedPart) -> [OptimizerSlot] { [OptimizerSlot("slot", type: part.type)] }

    func update(_ update: ParameterUpdate) -> UpdatedParameter {
      UpdatedParameter(
        value: update.value.broadcast(to: shape), slots: Array(repeating: update.gradient, count: slotCount))
    }
  }

  @Test func missingSlotsAreAnError() throws {
    let error = #expect(throws: FirnError.self) { try apply(Broken(slotCount: 0, shape: [2]), freezing: "b") }
    #expect(error?.message.contains("lists 1 slots and updates 0") == true)
  }

  @Test func changedTypesAreAnError() throws {
    let error = #expect(throws: FirnError.self) {
      try apply(Broken(slotCount: 1, shape: [3, 2]), freezing: "b")
    }
    #expect(error?.code == .shapeMismatch && error?.message.contains("makes f32[3,2] of `a`") == true)
  }
}
