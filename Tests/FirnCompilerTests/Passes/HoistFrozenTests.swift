import FirnCompiler
import FirnGraph
import FirnNotation
import FirnTestSupport
import FirnTraining
import Testing

/// What depends on frozen variables and constants only is made by the bound program, and nothing else is.
@Suite struct HoistFrozenTests {
  private let variables = """
    firn 1
    variable w : f32[20,20] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
    variable b : f32[20] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
    %x = placeholder() {dtype = f32, shape = [batch,20]} : f32[batch,20]
    %w = read() {variable = "w", dtype = f32, shape = [20,20]} : f32[20,20]
    %b = read() {variable = "b", dtype = f32, shape = [20]} : f32[20]

    """

  /// The step and the bound program, both verified.
  private func hoisted(
    _ text: String, _ sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws -> (step: GraphDef, bound: GraphDef) {
    let graph = try parsed(variables + text)
    let (step, bound) = graph.hoistingFrozen()
    try step.verify()
    try bound.verify()
    #expect(Set(bound.outputs.map { bound.name(of: $0) }) == Set(step.recalledValues))
    let whole = step.computing(bound)
    try whole.verify()
    #expect(whole.outputs.map { whole.type(of: $0) } == graph.outputs.map { graph.type(of: $0) })
    #expect(whole.nodes.allSatisfy { $0.mnemonic != "bound" })
    return (step, bound)
  }

  private func expect(
    _ text: String, leaves step: String, bound: String,
    _ sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let result = try hoisted(text)
    let wanted = try (parsed(variables + step), parsed("firn 1\n" + bound))
    // Without the reads that nothing reads any more.
    let short = wanted.0.removingDeadNodes(keepingAssignments: true)
    #expect(result.step.text == short.text, sourceLocation: sourceLocation)
    #expect(result.bound.text == wanted.1.text, sourceLocation: sourceLocation)
  }

  private func expectNothing(
    _ text: String, _ sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let graph = try parsed(variables + text)
    let (step, bound) = graph.hoistingFrozen()
    #expect(step == graph && bound == GraphDef(), sourceLocation: sourceLocation)
  }

  /// What a product reads is packed; what it is made of is made there too.
  @Test func weightsOfProductsArePacked() throws {
    try expect(
      """
      %e = exp(%w) : f32[20,20]
      %y = matmul(%x, %e) {transpose_a = false, transpose_b = false} : f32[batch,20]
      return %y
      """,
      leaves: """
        %y/pack = bound() {value = "y/pack", dtype = f32, shape = [1,20,32]} : f32[1,20,32]
        %y = matmul_packed(%x, %y/pack) {transpose_a = false, columns = 20} : f32[batch,20]
        return %y
        """,
      bound: """
        variable w : f32[20,20] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
        %w = read() {variable = "w", dtype = f32, shape = [20,20]} : f32[20,20]
        %e = exp(%w) : f32[20,20]
        %y/pack = pack(%e) {transposed = false} : f32[1,20,32]
        return %y/pack
        """)
  }

  /// One weight that two products read the same way is packed once, the other way once more.
  @Test func equalArrangementsAreOne() throws {
    let (step, bound) = try hoisted(
      """
      %y = matmul(%x, %w) {transpose_a = false, transpose_b = false} : f32[batch,20]
      %z = matmul(%y, %w) {transpose_a = false, transpose_b = false} : f32[batch,20]
      %g = matmul(%z, %w) {transpose_a = false, transpose_b = true} : f32[batch,20]
      return %g
      """)
    #expect(bound.nodes.map(\.mnemonic) == ["read", "pack", "pack"])
    #expect(step.nodes.count { $0.mnemonic == "bound" } == 2)
    #expect(step.nodes.count { $0.mnemonic == "matmul_packed" } == 3)
  }

  /// Panels of a few columns would take many times the bytes.
  @Test func narrowWeightsAreNotPacked() throws {
    try expectNothing(
      """
      %v = reshape(%b) {shape = [20,1]} : f32[20,1]
      %y = matmul(%x, %v) {transpose_a = false, transpose_b = false} : f32[batch,1]
      return %y
      """)
  }

  /// Reads, views and what is only repeated cost nothing; nor does what varies with a feed, if only by its shape.
  @Test func whatCostsNothingStays() throws {
    try expectNothing(
      """
      %row = reshape(%b) {shape = [1,20]} : f32[1,20]
      %flat = reshape(%row) {shape = [20]} : f32[20]
      %rows = broadcast(%flat) {shape = [batch,20]} : f32[batch,20]
      %y = add(%x, %rows) : f32[batch,20]
      return %y, %w
      """)
    try expectNothing(
      """
      %rows = broadcast(%b) {shape = [batch,20]} : f32[batch,20]
      %e = exp(%rows) : f32[batch,20]
      %y = add(%x, %e) : f32[batch,20]
      return %y
      """)
  }

  /// A few numbers made of constants are no reason for a bound program; many are.
  @Test func fewConstantsStay() throws {
    try expectNothing(
      """
      %two = constant() {value = f32[](2.0)} : f32[]
      %e = exp(%two) : f32[]
      %rows = broadcast(%e) {shape = [batch,20]} : f32[batch,20]
      %y = add(%x, %rows) : f32[batch,20]
      return %y
      """)
    let (step, bound) = try hoisted(
      """
      %two = constant() {value = f32[](2.0)} : f32[]
      %many = broadcast(%two) {shape = [64,64]} : f32[64,64]
      %e = exp(%many) : f32[64,64]
      return %e
      """)
    #expect(step.recalledValues == ["e"])
    #expect(bound.nodes.map(\.mnemonic) == ["constant", "broadcast", "exp"] && bound.variables.isEmpty)
  }

  /// What shows a value that is made at bind time shows it there; two readers read one value.
  @Test func viewsStayOnWhatIsBound() throws {
    try expect(
      """
      %e = exp(%b) : f32[20]
      %row = reshape(%e) {shape = [1,20]} : f32[1,20]
      %rows = broadcast(%e) {shape = [batch,20]} : f32[batch,20]
      %y = add(%x, %rows) : f32[batch,20]
      return %y, %row
      """,
      leaves: """
        %e = bound() {value = "e", dtype = f32, shape = [20]} : f32[20]
        %row = reshape(%e) {shape = [1,20]} : f32[1,20]
        %rows = broadcast(%e) {shape = [batch,20]} : f32[batch,20]
        %y = add(%x, %rows) : f32[batch,20]
        return %y, %row
        """,
      bound: """
        variable b : f32[20] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
        %b = read() {variable = "b", dtype = f32, shape = [20]} : f32[20]
        %e = exp(%b) : f32[20]
        return %e
        """)
  }

  /// A variable that the run writes is none of them, nor is what is made of one, of a feed or of a random draw.
  @Test func whatMovesStays() throws {
    try expectNothing(
      """
      %e = exp(%b) : f32[20]
      %next = mul(%e, %b) : f32[20]
      %moved = assign(%next) {variable = "b"} : f32[20]
      %state = random_state() : i32[4]
      %drop = dropout(%w, %state) {rate = 0.5, key = "k"} : f32[20,20]
      %y = add(%x, %x) : f32[batch,20]
      return %y, %drop
      """)
  }

  /// Several results of one node are values by themselves, and only those that are read.
  @Test func resultsAreBoundOneByOne() throws {
    let (step, bound) = try hoisted(
      """
      %e = exp(%w) : f32[20,20]
      %parts:3 = split(%e) {axis = 0, sizes = [4,6,10]} : f32[4,20], f32[6,20], f32[10,20]
      return %parts, %parts:2
      """)
    #expect(step.recalledValues == ["parts", "parts:2"])
    #expect(step.nodes.map(\.mnemonic) == ["placeholder", "bound", "bound"])
    #expect(bound.outputs.map { bound.name(of: $0) } == ["parts", "parts:2"])
  }

  /// A frozen loop over frozen values is no part of the step.
  @Test func loopsAreHoistedWhole() throws {
    let loop = """
      %loop = scan(%b, %w) {carries = 1, slices = 1, captures = 0, length = 20, reversed = false, body = {
        %state = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [20]} : f32[20]
        %row = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [20]} : f32[20]
        %add = add(%state, %row) : f32[20]
        %tanh = tanh(%add) : f32[20]
        return %tanh
      }} : f32[20]

      """
    let (step, bound) = try hoisted(loop + "return %loop")
    #expect(
      step.nodes.map(\.mnemonic) == ["placeholder", "bound"]
        && bound.nodes.map(\.mnemonic) == ["read", "read", "scan"])
    // One over a value that is fed is: it recalls what it captures.
    let fed = try hoisted(
      """
      %k = exp(%w) : f32[20,20]
      %loop = scan(%x, %k) {carries = 1, slices = 0, captures = 1, length = 3, reversed = false, body = {
        %state = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [batch,20]} : f32[batch,20]
        %kernel = loop_input() {kind = "capture", position = 0, dtype = f32, shape = [20,20]} : f32[20,20]
        %y = matmul(%state, %kernel) {transpose_a = false, transpose_b = false} : f32[batch,20]
        return %y
      }} : f32[batch,20]
      return %loop
      """)
    #expect(
      fed.step.recalledValues == ["k"] && fed.step.nodes.map(\.mnemonic) == ["placeholder", "bound", "scan"])
  }

  /// A step's graph alone is no program.
  @Test func aStepCannotBeCompiledAlone() throws {
    let (step, _) = try hoisted("%e = exp(%b) : f32[20]\nreturn %e")
    let error = #expect(throws: FirnError.self) {
      try Compiler.compile(CompilationRequest(graph: step, fetches: step.outputs))
    }
    #expect(error?.code == .invalidGraph && error?.place == "e")
    let text = step.text
    #expect(try parsed(text).text == text)
  }

  /// In training, what the frozen part of a step is made of costs nothing; what is trained costs what it did.
  @Test func trainingKeepsWhatIsTrained() throws {
    let graph = try parsed(
      variables + """
        %e = exp(%w) : f32[20,20]
        %s = square(%b) : f32[20]
        %rows = broadcast(%s) {shape = [batch,20]} : f32[batch,20]
        %y = matmul(%x, %e) {transpose_a = false, transpose_b = false} : f32[batch,20]
        %z = mul(%y, %rows) : f32[batch,20]
        %loss = reduce_sum(%z) {axes = [0,1], keeps_axes = false} : f32[]
        return %loss
        """)
    let request = CompilationRequest(
      graph: graph, fetches: [], training: .init(loss: graph.outputs[0], optimizer: SGD(learningRate: 0.5)),
      freezing: Selection("w"))
    let compilation = try Compiler.compile(request)
    #expect(compilation.trained == ["b"])
    #expect(compilation.bound.nodes.map(\.mnemonic) == ["read", "exp", "pack"])
    #expect(compilation.bound.variables.map(\.name) == ["w"])
    let plain = try Compiler.compile(
      request, pipeline: Compiler.pipeline(changedBy: "-hoist-frozen"))
    #expect(plain.bound == GraphDef() && plain.graph.nodes.contains { $0.name == "e" })
  }
}
