import FirnCompiler
import FirnGraph
import FirnOps
import FirnTestSupport
import FirnTraining
import Testing

/// What a loop reads against its layout is arranged once before all loops it does not change in; no bit differs.
@Suite struct ArrangeOnceTests {
  private let inputs = """
    firn 1
    %x = placeholder() {dtype = f32, shape = [4,2,3]} : f32[4,2,3]
    %h = placeholder() {dtype = f32, shape = [2,3]} : f32[2,3]
    %w = placeholder() {dtype = f32, shape = [3,3]} : f32[3,3]

    """

  /// A loop over `%h`, `%x` and `%w`, whose next carry is `output`.
  private func loop(_ lines: String, returning output: String) -> String {
    """
    %loop = scan(%h, %x, %w) {carries = 1, slices = 1, captures = 1, length = 4, reversed = false, body = {
      %state = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [2,3]} : f32[2,3]
      %step = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [2,3]} : f32[2,3]
      %kernel = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [3,3]} : f32[3,3]
      \(lines)
      return \(output)
    }} : f32[2,3]
    return %loop
    """
  }

  private func result(_ graph: GraphDef) throws -> NDArray {
    var feeds: [String: NDArray] = [:]
    for (name, shape) in [("x", [4, 2, 3]), ("h", [2, 3]), ("w", [3, 3])] {
      feeds[name] = try Initializer.uniform(-1, 1).values(shape: shape, name: name)
    }
    return try #require(try PlainEvaluator(feeds: feeds).values(of: graph)[graph.outputs[0]])
  }

  private func products(_ graph: GraphDef) -> [MatMul] {
    graph.nodes.flatMap { node -> [MatMul] in
      (node.op as? Scan).map { products($0.body) } ?? (node.op as? MatMul).map { [$0] } ?? []
    }
  }

  private func arranged(_ text: String) throws -> GraphDef {
    let graph = try parsed(inputs + text)
    let arranged = graph.arrangingInvariants()
    try arranged.verify()
    #expect(products(graph).contains { $0.transposeB })
    #expect(try result(arranged) == result(graph))
    return arranged
  }

  /// One transposition, before the loop; who reads the weight as it is still does.
  @Test func aWeightIsReadBothWays() throws {
    let graph = try arranged(
      loop(
        """
        %a = matmul(%state, %kernel) {transpose_a = false, transpose_b = true} : f32[2,3]
          %b = matmul(%a, %kernel) {transpose_a = false, transpose_b = false} : f32[2,3]
          %c = matmul(%step, %kernel) {transpose_a = false, transpose_b = true} : f32[2,3]
          %y = add(%b, %c) : f32[2,3]
        """, returning: "%y"))
    #expect(products(graph).count == 3 && !products(graph).contains { $0.transposeB })
    #expect(graph.nodes.contains { $0.op is Transpose })
    let body = try #require(graph.nodes.compactMap { $0.op as? Scan }.first).body
    #expect(!body.nodes.contains { $0.op is Transpose })
  }

  /// Before the outer one, where neither changes it.
  @Test func loopsInLoops() throws {
    let graph = try arranged(
      loop(
        """
        %inner = scan(%state, %step, %kernel) {carries = 1, slices = 0, captures = 2, length = 2, reversed = false, body = {
            %s = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [2,3]} : f32[2,3]
            %d = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [2,3]} : f32[2,3]
            %k = loop_input() {kind = "capture", position = 1, dtype = f32, shape = [3,3]} : f32[3,3]
            %m = matmul(%s, %k) {transpose_a = false, transpose_b = true} : f32[2,3]
            %n = add(%m, %d) : f32[2,3]
            return %n
          }} : f32[2,3]
        """, returning: "%inner"))
    #expect(products(graph).map(\.transposeB) == [false])
    #expect(graph.nodes.count { $0.op is Transpose } == 1)
  }

  /// What the loop itself makes is another in each step.
  @Test func whatALoopMakesStays() throws {
    let text = loop(
      """
      %a = matmul(%state, %step) {transpose_a = false, transpose_b = true} : f32[2,2]
        %b = matmul(%a, %step) {transpose_a = false, transpose_b = false} : f32[2,3]
        %y = add(%b, %state) : f32[2,3]
      """, returning: "%y")
    let graph = try parsed(inputs + text)
    #expect(graph.arrangingInvariants() == graph)
  }
}
