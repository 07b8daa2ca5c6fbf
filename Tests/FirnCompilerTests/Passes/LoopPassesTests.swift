import FirnCompiler
import FirnGraph
import FirnOps
import Testing

/// What moves out of loops, and what must stay.
@Suite struct LoopPassesTests {
  private func loop(_ length: String, _ lines: String, returning output: String = "%y") -> String {
    """
    %x = placeholder() {dtype = f32, shape = [\(length),2]} : f32[\(length),2]
    %table = placeholder() {dtype = f32, shape = [5,2]} : f32[5,2]
    %ids = placeholder() {dtype = i32, shape = [2]} : i32[2]
    %loop = scan(%x, %table, %ids) {carries = 0, slices = 1, captures = 2, length = \(length), reversed = false, body = {
      %step = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [2]} : f32[2]
      %params = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [5,2]} : f32[5,2]
      %indices = loop_input() {kind = "capture", position = 1, dtype = i32, shape = [2]} : i32[2]
      \(lines)
      return \(output)
    }} : f32[\(length),2]
    return %loop
    """
  }

  private let lookup = """
    %rows = gather(%params, %indices) {axis = 0} : f32[2,2]
      %sum = reduce_sum(%rows) {axes = [0], keeps_axes = false} : f32[2]
      %y = add(%step, %sum) : f32[2]
    """

  private func body(_ text: String, after pass: Pass) throws -> (loop: GraphDef, around: GraphDef) {
    let graph = try parsed(try pass(header + text))
    return (try #require(graph.nodes.compactMap { $0.op as? Scan }.last).body, graph)
  }

  // MARK: Hoisting

  /// A loop that never runs must not fail for an index it would not have looked up.
  @Test func lookupsStayWhereALoopMayNotRun() throws {
    try expect(Compiler.hoistInvariants, leaves: loop("time", lookup))
    try expect(Compiler.hoistInvariants, leaves: loop("0", lookup))
    let (loop, around) = try body(loop("3", lookup), after: Compiler.hoistInvariants)
    #expect(loop.nodes.count { !($0.op is LoopInput) } == 1)
    #expect(around.nodes.map(\.name).suffix(3) == ["loop/rows", "loop/sum", "loop"])
  }

  @Test func drawsThatReadTheIndexStay() throws {
    try expect(
      Compiler.hoistInvariants,
      leaves: """
        %state = random_state() : i32[4]
        %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
        %loop = scan(%x, %state) {carries = 0, slices = 0, captures = 2, length = 3, reversed = false, body = {
          %index = loop_input() {kind = "index", position = 0, dtype = i32, shape = []} : i32[]
          %v = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [2]} : f32[2]
          %s = loop_input() {kind = "capture", position = 1, dtype = i32, shape = [4]} : i32[4]
          %y = dropout(%v, %s, %index) {rate = 0.5, key = "k"} : f32[2]
          return %y
        }} : f32[3,2]
        return %loop
        """)
  }

  /// Out of both loops, all results of a split at once, and what a loop returns.
  @Test func nestedLoopsHoistAllTheWay() throws {
    let text = """
      %w = placeholder() {dtype = f32, shape = [4]} : f32[4]
      %x = placeholder() {dtype = f32, shape = [3,2]} : f32[3,2]
      %h = placeholder() {dtype = f32, shape = [2]} : f32[2]
      %outer = scan(%h, %x, %w) {carries = 1, slices = 1, captures = 1, length = 3, reversed = false, body = {
        %state = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [2]} : f32[2]
        %step = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [2]} : f32[2]
        %v = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [4]} : f32[4]
        %inner:2 = scan(%state, %v, %step) {carries = 1, slices = 0, captures = 2, length = 4, reversed = true, body = {
          %c = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [2]} : f32[2]
          %u = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [4]} : f32[4]
          %s = loop_input() {kind = "capture", position = 1, dtype = f32, shape = [2]} : f32[2]
          %exp = exp(%s) : f32[2]
          %parts:2 = split(%u) {axis = 0, sizes = [2,2]} : f32[2], f32[2]
          %mul = mul(%c, %parts:1) : f32[2]
          %add = add(%mul, %exp) : f32[2]
          return %add, %parts
        }} : f32[2], f32[4,2]
        %sum = reduce_sum(%inner:1) {axes = [0], keeps_axes = false} : f32[2]
        %next = add(%inner, %sum) : f32[2]
        return %next
      }} : f32[2]
      return %outer
      """
    let (outer, around) = try body(text, after: Compiler.hoistInvariants)
    #expect(around.nodes.map(\.name) == ["w", "x", "h", "outer/inner/parts", "outer"])
    let inner = try #require(outer.nodes.compactMap { $0.op as? Scan }.first).body
    #expect(outer.nodes.contains { $0.name == "inner/exp" })
    #expect(inner.nodes.filter { !($0.op is LoopInput) }.map(\.name) == ["mul", "add"])
  }

  // MARK: Over steps

  private func cell(_ lines: String, _ results: String, types: String, phase: String = "") -> String {
    """
    %h = placeholder() {dtype = f32, shape = [batch,4]} : f32[batch,4]
    %x = placeholder() {dtype = f32, shape = [time,batch,3]} : f32[time,batch,3]
    %w = placeholder() {dtype = f32, shape = [3,4]} : f32[3,4]
    %v = placeholder() {dtype = f32, shape = [4,5]} : f32[4,5]
    %b = placeholder() {dtype = f32, shape = [batch,5]} : f32[batch,5]
    %loop:2 = scan(%h, %x, %w, %v, %b) {carries = 1, slices = 1, captures = 3, length = time, reversed = true, body = {
      %state = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [batch,4]} : f32[batch,4]
      %step = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [batch,3]} : f32[batch,3]
      %kernel = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [3,4]} : f32[3,4]
      %head = loop_input() {kind = "capture", position = 1, dtype = f32, shape = [4,5]} : f32[4,5]
      %bias = loop_input() {kind = "capture", position = 2, dtype = f32, shape = [batch,5]} : f32[batch,5]
      \(lines)
      return \(results)
    }} : f32[batch,4], \(types)\(phase)
    return %loop, %loop:1
    """
  }

  /// What leads to a product from slices goes before the loop, what leads from one to outputs after it.
  @Test func productsAndWhatLeadsToAndFromThem() throws {
    let text = cell(
      """
      %sin = sin(%step) : f32[batch,3]
        %xw = matmul(%sin, %kernel) {transpose_a = false, transpose_b = false} : f32[batch,4]
        %sum = add(%state, %xw) : f32[batch,4]
        %next = tanh(%sum) : f32[batch,4]
        %cos = cos(%next) : f32[batch,4]
        %hv = matmul(%cos, %head) {transpose_a = false, transpose_b = false} : f32[batch,5]
        %biased = add(%hv, %bias) : f32[batch,5]
        %y = softmax(%biased) : f32[batch,5]
      """, "%next, %y", types: "f32[time,batch,5]")
    let (loop, around) = try body(text, after: Compiler.batchSteps)
    #expect(loop.nodes.filter { !($0.op is LoopInput) }.map(\.name) == ["sum", "next", "cos"])
    #expect(
      around.nodes.map(\.name).dropFirst(5) == [
        "loop/sin", "loop/reshape", "loop/xw", "loop/reshape_1", "loop", "loop/reshape_2", "loop/hv",
        "loop/reshape_3", "loop/broadcast", "loop/biased", "loop/y",
      ])
  }

  /// A product the next state waits for, and one of two values that vary, stay.
  @Test func productsThatStepsWaitForStay() throws {
    try expect(
      Compiler.batchSteps,
      leaves: cell(
        """
        %sq = matmul(%state, %state) {transpose_a = true, transpose_b = false} : f32[4,4]
          %next = matmul(%state, %sq) {transpose_a = false, transpose_b = false} : f32[batch,4]
          %y = matmul(%next, %head) {transpose_a = false, transpose_b = false} : f32[batch,5]
          %z = reduce_sum(%y) {axes = [1], keeps_axes = false} : f32[batch]
          %zz = reshape(%z) {shape = [batch,1]} : f32[batch,1]
          %wide = broadcast(%zz) {shape = [batch,4]} : f32[batch,4]
          %after = add(%next, %wide) : f32[batch,4]
        """, "%after, %y", types: "f32[time,batch,5]"))
  }

  // MARK: Sums

  private func sum(_ phase: String, start: Double = 0, inner: String = "%g", left: Bool = true) -> String {
    """
    %zero = constant() {value = f32[](\(start))} : f32[]
    %start = broadcast(%zero) {shape = [3,2]} : f32[3,2]
    %a = placeholder() {dtype = f32, shape = [time,\(left ? "4,3" : "3,4")]} : f32[time,\(left ? "4,3" : "3,4")]
    %d = placeholder() {dtype = f32, shape = [time,4,2]} : f32[time,4,2]
    %back = scan(%start, %a, %d) {carries = 1, slices = 2, captures = 0, length = time, reversed = true, body = {
      %total = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [3,2]} : f32[3,2]
      %x = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [\(left ? "4,3" : "3,4")]} : f32[\(left ? "4,3" : "3,4")]
      %g = loop_input() {kind = "slice", position = 1, dtype = f32, shape = [4,2]} : f32[4,2]
      %e = exp(%g) : f32[4,2]\(phase)
      %p = matmul(%x, \(inner)) {transpose_a = \(left), transpose_b = false} : f32[3,2]\(phase)
      %add = add(%total, %p) : f32[3,2]\(phase)
      return %add
    }} : f32[3,2]\(phase)
    return %back
    """
  }

  @Test func sumsOfProductsAreOneProduct() throws {
    for left in [true, false] {
      let graph = try parsed(
        try Compiler.sumAfterLoops(header + sum(" @backward", start: 1, inner: "%e", left: left)))
      let scan = try #require(graph.nodes.compactMap { $0.op as? Scan }.first)
      #expect(scan.carries == 0 && !scan.body.nodes.contains { $0.op is MatMul })
      #expect(graph.nodes.count { $0.op is MatMul } == 1)
      #expect(graph.nodes.count { $0.op is Transpose } == (left ? 0 : 1))
      // A sum that starts anywhere keeps its start.
      let last = try #require(graph.nodes.last)
      #expect(last.mnemonic == "matmul_add" && graph.name(of: last.inputs[2]) == "start")
    }
  }

  /// A user's own loop is not made to keep what it did not keep.
  @Test func loopsForthKeepNothingNew() throws {
    try expect(Compiler.sumAfterLoops, leaves: sum("", inner: "%e"))
    let graph = try parsed(try Compiler.sumAfterLoops(header + sum("")))
    #expect(!graph.nodes.contains { $0.op is Scan })
  }
}
