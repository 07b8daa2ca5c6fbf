import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTraining
import Testing

/// Counted by hand.
@Suite struct CostTests {
  private func flops(_ text: String, _ phase: Node.Phase = .forward) throws -> Dim {
    Cost(try parsed(header + text)).flops(phase).dimension
  }

  @Test(arguments: [
    // 2·m·n·k, whichever way the operands lie.
    ("%y = matmul(%a, %b) {transpose_a = false, transpose_b = false} : f32[2,5]", 2 * 2 * 5 * 3),
    ("%y = matmul(%b, %a) {transpose_a = true, transpose_b = true} : f32[5,2]", 2 * 2 * 5 * 3),
    ("%y = add(%a, %a) : f32[2,3]", 6), ("%y = tanh(%a) : f32[2,3]", 6),
    ("%y = reduce_sum(%a) {axes = [0], keeps_axes = false} : f32[3]", 6),
    ("%y = softmax(%b) : f32[3,5]", 75),
    ("%y = transpose(%a) {permutation = [1,0]} : f32[3,2]", 0),
    ("%y = broadcast(%a) {shape = [4,2,3]} : f32[4,2,3]", 0),
  ]) func singleOps(_ node: String, _ expected: Int) throws {
    let sources = """
      %a = placeholder() {dtype = f32, shape = [2,3]} : f32[2,3]
      %b = placeholder() {dtype = f32, shape = [3,5]} : f32[3,5]

      """
    #expect(try flops(sources + node) == Dim(expected))
  }

  @Test func namedDimensionsStayOpen() throws {
    let text = """
      %x = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]
      %w = placeholder() {dtype = f32, shape = [3,5]} : f32[3,5]
      %y = matmul(%x, %w) {transpose_a = false, transpose_b = false} : f32[batch,5]
      %z = exp(%y) : f32[batch,5]
      """
    #expect(try flops(text) == "35*batch")
    let cost = Cost(try parsed(header + text))
    #expect(cost.flops(.forward, binding: ["batch": 4]) == 140)
    #expect(cost.flops(.forward, binding: [:]) == nil)
    #expect(cost.flops(.update) == 0)
  }

  /// Every iteration counts, and every iteration of a loop inside.
  @Test func loopsCountTimesTheirLength() throws {
    let text = """
      %x = placeholder() {dtype = f32, shape = [time,4,3]} : f32[time,4,3]
      %scan = scan(%x) {carries = 0, slices = 1, captures = 0, length = time, reversed = false, body = {
        %step = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [4,3]} : f32[4,3]
        %e = exp(%step) : f32[4,3]
        %inner = scan(%e) {carries = 0, slices = 1, captures = 0, length = 4, reversed = false, body = {
          %row = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [3]} : f32[3]
          %a = tanh(%row) : f32[3]
          %b = add(%a, %row) : f32[3]
          return %b
        }} : f32[4,3]
        return %inner
      }} : f32[time,4,3]
      return %scan
      """
    #expect(try flops(text) == "36*time")
    let cost = Cost(try parsed(header + text))
    // The placeholder, two loops and three nodes in them.
    #expect(cost.nodes(.forward) == 6)
  }

  @Test func phasesAndSlotsAreCountedApart() throws {
    let graph = try parsed(
      """
      firn 1
      variable w : f32[10] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
      variable v : f32[10] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
      %w = read() {variable = "w", dtype = f32, shape = [10]} : f32[10]
      %v = read() {variable = "v", dtype = f32, shape = [10]} : f32[10]
      %h = mul(%w, %v) : f32[10]
      %loss = reduce_sum(%h) {axes = [0], keeps_axes = false} : f32[]
      return %loss
      """)
    func cost(_ freezing: String?) throws -> Cost {
      let request = CompilationRequest(
        graph: graph, fetches: [],
        training: .init(loss: graph.outputs[0], optimizer: SGD(learningRate: 0.5, momentum: 0.5)),
        freezing: try freezing.map { try Selection($0) })
      return Cost(try Compiler.compile(request).graph)
    }
    let whole = try cost(nil)
    #expect(whole.flops(.forward) == 20 && whole.slotBytes == 80)
    // The seed of ones is a factor of one, so the adjoints are the operands themselves.
    #expect(whole.flops(.backward) == 0)
    // momentum·velocity + gradient, rate·that, value minus that: four ops for each.
    #expect(whole.flops(.update) == 80)
    let half = try cost("v")
    #expect(half.flops(.forward) == 20 && half.flops(.update) == 40 && half.slotBytes == 40)
  }
}
