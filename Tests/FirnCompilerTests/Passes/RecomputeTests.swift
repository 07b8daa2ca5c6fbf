import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTraining
import Testing

/// What `recompute` copies, and what it leaves.
@Suite struct RecomputeTests {
  private func again(_ text: String, _ scopes: [String]) throws -> (text: String, scopes: [RecomputedScope]) {
    var reports: [RecomputedScope] = []
    let result = try Compiler.recompute(header + text, isIdempotent: false) { context in
      context.recomputing = scopes
    }
    reports = try parsed(header + text).recomputing(scopes).copies.scopes
    return (result, reports)
  }

  private let two = """
    %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
    %one/a = exp(%x) : f32[2]
    %one/b = tanh(%one/a) : f32[2]
    %two/a = exp(%one/b) : f32[2]
    %two/b = tanh(%two/a) : f32[2]
    %y = exp(%two/b) : f32[2]

    """

  /// What goes from one to the other is kept, and no copy reads a copy of another scope.
  @Test func scopesAreEachOthersBoundaries() throws {
    let adjoints = """
      %gradients/two/b/m = mul(%two/b, %two/a) : f32[2] @backward
      %gradients/one/b/m = mul(%one/b, %gradients/two/b/m) : f32[2] @backward
      %gradients/one/a/m = mul(%one/a, %gradients/one/b/m) : f32[2] @backward
      return %y, %gradients/one/a/m
      """
    let (text, scopes) = try again(two + adjoints, ["one", "two"])
    #expect(
      text
        == (try parsed(
          header + two + """
            %recomputed/two/a = exp(%one/b) : f32[2] @backward
            %recomputed/two/b = tanh(%recomputed/two/a) : f32[2] @backward
            %gradients/two/b/m = mul(%recomputed/two/b, %recomputed/two/a) : f32[2] @backward
            %gradients/one/b/m = mul(%one/b, %gradients/two/b/m) : f32[2] @backward
            %recomputed/one/a = exp(%x) : f32[2] @backward
            %gradients/one/a/m = mul(%recomputed/one/a, %gradients/one/b/m) : f32[2] @backward
            return %y, %gradients/one/a/m
            """)).text)
    #expect(scopes.map(\.scope) == ["one", "two"] && scopes.map(\.nodes) == [1, 2])
    #expect(scopes.map(\.flops) == [2, 4] && scopes.map(\.bytes) == [8, 16])
  }

  /// Only what is read: no gradient, no copy.
  @Test func nothingIsCopiedForNobody() throws {
    let text = two + "return %y"
    #expect(try again(text, ["one", "two"]).text == (try parsed(header + text)).text)
    let above =
      two + """
        %gradients/y/m = mul(%y, %two/b) : f32[2] @backward
        return %y, %gradients/y/m
        """
    // What another scope's adjoint reads is kept.
    #expect(try again(above, ["one", "two"]).text == (try parsed(header + above)).text)
  }

  /// What is returned, what an update reads, and what either shows in another shape, is there anyway.
  @Test func whatIsKeptAnywayIsNotCopied() throws {
    let adjoint = "%gradients/one/a/m = mul(%one/a, %one/a) : f32[2] @backward\n"
    for text in [
      two + adjoint + "return %y, %one/a, %gradients/one/a/m",
      two + "%update/one/n = neg(%one/a) : f32[2] @update\n" + adjoint
        + "return %y, %update/one/n, %gradients/one/a/m",
    ] {
      #expect(try again(text, ["one"]).text == (try parsed(header + text)).text)
    }
    let shown = """
      %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
      %one/a = exp(%x) : f32[2]
      %one/r = reshape(%one/a) {shape = [2,1]} : f32[2,1]
      %y = tanh(%one/r) : f32[2,1]
      %gradients/one/a/m = mul(%one/a, %one/a) : f32[2] @backward
      return %y, %one/r, %gradients/one/a/m
      """
    #expect(try again(shown, ["one"]).text == (try parsed(header + shown)).text)
  }

  /// Of several readers of a copy that show the same, what is not kept counts once.
  @Test func whatIsNotKeptCountsOnce() throws {
    let (_, scopes) = try again(
      """
      %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
      %one/a = exp(%x) : f32[2]
      %one/r = reshape(%one/a) {shape = [2,1]} : f32[2,1]
      %y = tanh(%one/r) : f32[2,1]
      %gradients/one/a/m = mul(%one/a, %one/a) : f32[2] @backward
      %gradients/one/r/m = mul(%one/r, %one/r) : f32[2,1] @backward
      return %y, %gradients/one/a/m, %gradients/one/r/m
      """, ["one"])
    #expect(scopes.map(\.bytes) == [8] && scopes.map(\.nodes) == [2])
  }

  /// Copies draw what was drawn, by the same key and state, and assign nothing.
  @Test func drawsAreRepeatedAndStatesWrittenOnce() throws {
    let text = """
      variable m : f32[2] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}
      %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
      %state = random_state() : i32[4]
      %body/drop = dropout(%x, %state) {rate = 0.5, key = "body/drop"} : f32[2]
      %body/e = exp(%body/drop) : f32[2]
      %body/keep = assign(%body/e) {variable = "m"} : f32[2]
      %y = tanh(%body/e) : f32[2]
      %gradients/body/e/m = mul(%body/e, %y) : f32[2] @backward
      return %y, %gradients/body/e/m
      """
    let graph = try parsed("firn 1\n" + text).recomputing(["body"]).graph
    try graph.verify()
    #expect(graph.nodes.count { $0.mnemonic == "assign" } == 1)
    let drops = graph.nodes.filter { $0.mnemonic == "dropout" }
    #expect(drops.map(\.name) == ["body/drop", "recomputed/body/drop"])
    #expect(drops[0].op.isEqual(to: drops[1].op) && drops[0].inputs == drops[1].inputs)
  }

  /// A loop keeps what its gradient reads only in the copy.
  @Test func loopsAreCopiedWhole() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["time", 2, 3])
    let w = graph.variable("w", shape: [3, 3])
    let states = graph.scope("body") {
      scan(over: [x], initial: [graph.constant(NDArray(cleared: ArrayType(.f32, [2, 3])))]) { step in
        let next = tanh(matmul(step.carries[0], w) + step.slices[0])
        return ScanResult(carries: [next], outputs: [])
      }.carries[0]
    }
    let loss = square(states).sum()
    var request = CompilationRequest(
      graph: graph.definition, fetches: [],
      training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)))
    let plain = Cost(try Compiler.compile(request).graph)
    request.recomputing = ["body"]
    let again = Cost(try Compiler.compile(request).graph)
    #expect(plain.keptBytes.bound(by: ["time": 50]).value ?? 0 >= 50 * 24)
    #expect(again.keptBytes.bound(by: ["time": 50]).value ?? .max <= 48)
    #expect(again.forwardFLOPs == plain.forwardFLOPs)
    #expect(
      again.backwardFLOPs.bound(by: ["time": 50]).value ?? 0 > plain.backwardFLOPs.bound(by: ["time": 50])
        .value ?? 0)
  }

  @Test func patternsNameScopes() throws {
    let graph = try parsed(header + two + "return %y")
    func names(_ patterns: String...) throws -> [String] { try ScopePatterns(patterns).resolve(in: graph) }
    #expect(try names("*") == ["one", "two"] && names("t*") == ["two"] && names("**") == ["one", "two"])
    #expect(try names("two", "one") == ["one", "two"])
    let error = try #require(throws: FirnError.self) { _ = try names("on") }
    #expect(error.code == .invalidSelection && error.remedy?.contains("one") == true)
    // Scopes, no nodes.
    #expect(throws: FirnError.self) { _ = try names("one/a") }
  }
}
