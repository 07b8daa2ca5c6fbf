import FirnCompiler
import FirnGraph
import FirnNotation
import FirnTestSupport
import FirnTraining
import Testing

/// Frozen factors, summands and products move into one another, and nothing else does.
@Suite struct FoldFrozenTests {
  /// `w`, `v` and `u` are matrices, `s`, `t` and `c` vectors, `free` is trained; `x` and `z` are fed.
  private func graph(_ text: String) -> String {
    func variable(_ name: String, _ shape: String, _ isTrained: Bool = false) -> String {
      "variable \(name) : f32[\(shape)] {kind = \"parameter\", role = \"\", trainable = \(isTrained), "
        + "initializer = [\"constant\", 1.0]}\n"
    }
    func read(_ name: String, _ shape: String) -> String {
      "%\(name) = read() {variable = \"\(name)\", dtype = f32, shape = [\(shape)]} : f32[\(shape)]\n"
    }
    let all = [("w", "3,2"), ("v", "2,4"), ("s", "2"), ("t", "2"), ("c", "3")]
    return all.map { variable($0.0, $0.1) }.joined() + variable("free", "2", true)
      + "%x = placeholder() {dtype = f32, shape = [batch,3]} : f32[batch,3]\n"
      + all.map { read($0.0, $0.1) }.joined() + read("free", "2")
        + """
        %rs = broadcast(%s) {shape = [batch,2]} : f32[batch,2]
        %rt = broadcast(%t) {shape = [batch,2]} : f32[batch,2]
        %rc = broadcast(%c) {shape = [batch,3]} : f32[batch,3]
        %rf = broadcast(%free) {shape = [batch,2]} : f32[batch,2]
        %y = matmul(%x, %w) {transpose_a = false, transpose_b = false} : f32[batch,2]

        """ + text
  }

  private func folded(_ text: String) throws -> (graph: GraphDef, folds: [Fold]) {
    let graph = try parsed("firn 1\n" + graph(text))
    var context = try CompilationContext(CompilationRequest(graph: graph, fetches: graph.outputs))
    let cleaned = graph.removingDeadNodes(keepingAssignments: true)
    let result = try Compiler.foldFrozen.run(cleaned, &context)
    try result.verify()
    #expect(result.outputs.map { result.type(of: $0) } == graph.outputs.map { graph.type(of: $0) })
    let folds = context.folds
    #expect(try Compiler.foldFrozen.run(result, &context).text == result.text, "a second run")
    try expectNear(result, cleaned)
    return (result, folds)
  }

  /// The same numbers, but for rounding.
  private func expectNear(_ graph: GraphDef, _ plain: GraphDef) throws {
    var evaluator = PlainEvaluator()
    evaluator.feeds["x"] = try Initializer.normal().values(shape: [5, 3], name: "x")
    for variable in plain.variables {
      let type = try #require(ArrayType(variable.type))
      evaluator.variables[variable.name] = try Initializer.normal().values(
        shape: type.shape, name: variable.name)
    }
    let binding: DimBinding = ["batch": 5]
    let (got, expected) = try (
      evaluator.values(of: graph.mapping(.binding(binding))),
      evaluator.values(of: plain.mapping(.binding(binding)))
    )
    for (a, b) in zip(graph.outputs, plain.outputs) {
      let (a, b) = (try #require(got[a]).doubles, try #require(expected[b]).doubles)
      #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) }, "\(a) is not \(b)")
    }
  }

  /// What the text's nodes from `%y` on are after folding, by mnemonics of what depends on the feed.
  private func moving(_ graph: GraphDef) -> [String] {
    var isMoving = Set(graph.nodes.indices.filter { graph.nodes[$0].op.effect == .feeds })
    return graph.nodes.indices.compactMap { position in
      guard graph.nodes[position].inputs.contains(where: { isMoving.contains($0.node) }) else { return nil }
      isMoving.insert(position)
      return graph.nodes[position].mnemonic
    }
  }

  private func expectNothing(_ text: String, _ place: Testing.SourceLocation = #_sourceLocation) throws {
    let graph = try parsed("firn 1\n" + graph(text)).removingDeadNodes(keepingAssignments: true)
    let result = try folded(text)
    #expect(result.graph.text == graph.text && result.folds.isEmpty, sourceLocation: place)
  }

  /// As a batch norm in inference mode: the factor goes into the kernel, the summand stays.
  @Test func aFactorGoesIntoTheKernelBefore() throws {
    let (graph, folds) = try folded(
      """
      %m = mul(%rs, %y) : f32[batch,2]
      %n = add(%m, %rt) : f32[batch,2]
      return %n
      """)
    #expect(moving(graph) == ["matmul", "add"])
    #expect(folds == [Fold(.scale, "m", into: "y")])
    #expect(graph.nodes.map(\.name).contains("y") && !graph.nodes.map(\.name).contains("m"))
  }

  /// Through a bias, which is scaled as well and takes in the other one.
  @Test func aFactorGoesThroughABias() throws {
    let (graph, folds) = try folded(
      """
      %b = add(%y, %rt) : f32[batch,2]
      %m = mul(%b, %rs) : f32[batch,2]
      %n = add(%m, %rs) : f32[batch,2]
      return %n
      """)
    #expect(moving(graph) == ["matmul", "add"])
    #expect(folds.map(\.kind) == [.scale, .shift])
  }

  @Test func aFactorGoesIntoTheKernelBehind() throws {
    let (graph, folds) = try folded(
      """
      %m = mul(%x, %rc) : f32[batch,3]
      %z = matmul(%m, %w) {transpose_a = false, transpose_b = false} : f32[batch,2]
      return %z
      """)
    #expect(moving(graph) == ["matmul"] && folds == [Fold(.scale, "m", into: "z")])
  }

  @Test func chainsCollapse() throws {
    let (graph, folds) = try folded(
      """
      %f = mul(%y, %rf) : f32[batch,2]
      %a = mul(%f, %rs) : f32[batch,2]
      %b = mul(%rt, %a) : f32[batch,2]
      %c1 = add(%b, %rs) : f32[batch,2]
      %d = add(%rt, %c1) : f32[batch,2]
      return %d
      """)
    #expect(moving(graph) == ["matmul", "mul", "mul", "add"])
    #expect(folds.map(\.kind) == [.scale, .shift])
  }

  @Test func oneNumberIsAFactorToo() throws {
    let (graph, folds) = try folded(
      """
      %half = constant() {value = f32[](0.5)} : f32[]
      %rh = broadcast(%half) {shape = [batch,2]} : f32[batch,2]
      %m = mul(%y, %rh) : f32[batch,2]
      %n = add(%m, %rh) : f32[batch,2]
      %o = add(%n, %rt) : f32[batch,2]
      return %o
      """)
    #expect(moving(graph) == ["matmul", "add"] && folds.map(\.kind) == [.scale, .shift])
  }

  /// One product where it is less work: 3·2 + 2·4 > 3·4.
  @Test func productsInARowAreOne() throws {
    let (graph, folds) = try folded(
      """
      %b = add(%y, %rt) : f32[batch,2]
      %z = matmul(%b, %v) {transpose_a = false, transpose_b = false} : f32[batch,4]
      return %z
      """)
    #expect(moving(graph) == ["matmul", "add"] && folds == [Fold(.product, "y", into: "z")])
  }

  /// 4·2 + 2·4 is no more than 4·4.
  @Test func bottlenecksStay() throws {
    try expectNothing(
      """
      %ey = exp(%y) : f32[batch,2]
      %wide = matmul(%ey, %v) {transpose_a = false, transpose_b = false} : f32[batch,4]
      %e = exp(%wide) : f32[batch,4]
      %n = matmul(%e, %v) {transpose_a = false, transpose_b = true} : f32[batch,2]
      %p = matmul(%n, %v) {transpose_a = false, transpose_b = false} : f32[batch,4]
      return %p
      """)
  }

  /// What is fetched, read twice, trained, or not linear stays as it is.
  @Test func whatIsSeenStays() throws {
    try expectNothing("%m = mul(%y, %rs) : f32[batch,2]\nreturn %m, %y")
    try expectNothing(
      "%m = mul(%y, %rs) : f32[batch,2]\n%n = add(%m, %y) : f32[batch,2]\nreturn %n")
    try expectNothing("%m = mul(%y, %rf) : f32[batch,2]\nreturn %m")
    try expectNothing(
      "%e = exp(%y) : f32[batch,2]\n%m = mul(%e, %rs) : f32[batch,2]\n%n = add(%m, %rt) : f32[batch,2]\nreturn %n"
    )
  }

  /// Constants alone are no reason to round differently.
  @Test func programsWithoutFrozenVariablesKeepTheirBits() throws {
    let text = """
      %half = constant() {value = f32[](0.5)} : f32[]
      %h = broadcast(%half) {shape = [batch,2]} : f32[batch,2]
      %a = mul(%rf, %h) : f32[batch,2]
      %b = mul(%a, %h) : f32[batch,2]
      return %b
      """
    try expectNothing(text)
  }

  /// Where nothing is declared or selected frozen, a program that trains nothing folds nothing.
  @Test func onlyWhatIsFrozenByNameIsFolded() throws {
    let text = graph("%m = mul(%y, %rs) : f32[batch,2]\nreturn %m")
      .replacing("trainable = false", with: "trainable = true")
    let source = try parsed("firn 1\n" + text)
    func mnemonics(_ selection: String?) throws -> Int {
      let compilation = try Compiler.compile(
        CompilationRequest(
          graph: source, fetches: source.outputs, freezing: try selection.map { try Selection($0) }))
      return compilation.context.folds.count
    }
    #expect(try mnemonics(nil) == 0)
    #expect(try mnemonics("w | s") == 1)
  }
}
