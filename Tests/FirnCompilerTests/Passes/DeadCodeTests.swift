import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTestSupport
import Testing

/// What nothing needs goes, and nothing else does.
@Suite struct DeadCodeTests {
  private static let state = """
    variable m : f32[3] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}
    %m = read() {variable = "m", dtype = f32, shape = [3]} : f32[3]

    """

  @Test func whatOutputsNeedStays() throws {
    try expect(
      Compiler.deadCode,
      leaves: """
        %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
        %a = exp(%x) : f32[2]
        %b = tanh(%a) : f32[2]
        return %b, %x
        """)
  }

  @Test func operandsOfTheDeadGoToo() throws {
    try expect(
      Compiler.deadCode,
      """
      %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
      %y = placeholder() {dtype = f32, shape = [2]} : f32[2]
      %a = exp(%y) : f32[2]
      %b = add(%a, %x) : f32[2]
      return %x
      """, becomes: "%x = placeholder() {dtype = f32, shape = [2]} : f32[2]\nreturn %x")
  }

  /// Unused results of ops with several stay: only loops lose theirs.
  @Test func otherResultsStay() throws {
    try expect(
      Compiler.deadCode,
      leaves: """
        %x = placeholder() {dtype = f32, shape = [5]} : f32[5]
        %s:2 = split(%x) {axis = 0, sizes = [2,3]} : f32[2], f32[3]
        return %s:1
        """)
  }

  /// What is assigned is the program's by now: `extract-requested` has dropped the rest.
  @Test func assignmentsStay() throws {
    try expect(
      Compiler.deadCode,
      leaves: Self.state
        + "%assign = assign(%m) {variable = \"m\"} : f32[3]\n%a = exp(%m) : f32[3]\nreturn %a")
  }

  @Test func variablesKeepTheirPlaces() throws {
    let text = Self.state + "%k = constant() {value = f32[](1.0)} : f32[]\nreturn %k"
    let result = try parsed(Compiler.deadCode(header + text))
    #expect(result.variables.map(\.name) == ["m"])
    #expect(result.nodes.count == 1)
  }

  // MARK: Loops

  /// A loop over x, with h and k as carries and captures c and d.
  private func loop(_ operands: String, _ counts: String, _ types: String, _ result: String, _ body: String)
    -> String
  {
    let results = types.split(separator: " ").count
    return """
      %x = placeholder() {dtype = f32, shape = [4,3]} : f32[4,3]
      %y = placeholder() {dtype = f32, shape = [4,3]} : f32[4,3]
      %h = placeholder() {dtype = f32, shape = [3]} : f32[3]
      %k = placeholder() {dtype = f32, shape = [3]} : f32[3]
      %scan\(results == 1 ? "" : ":\(results)") = scan(\(operands)) {\(counts), length = 4, reversed = false, body = {
      \(body)
      }} : \(types)
      return \(result), %x, %y, %h, %k
      """
  }

  private func parameter(_ name: String, _ kind: String, _ position: Int) -> String {
    "%\(name) = loop_input() {kind = \"\(kind)\", position = \(position), dtype = f32, shape = [3]} : f32[3]\n"
  }

  @Test func loopsLoseWhatNobodyNeeds() throws {
    try expect(
      Compiler.deadCode,
      loop(
        "%h, %k, %x, %y, %h, %k", "carries = 2, slices = 2, captures = 2",
        "f32[3], f32[3], f32[4,3], f32[4,3]", "%scan:3",
        parameter("h", "carry", 0) + parameter("k", "carry", 1) + parameter("x", "slice", 0)
          + parameter("y", "slice", 1) + parameter("c", "capture", 0) + parameter("d", "capture", 1) + """
            %a = add(%h, %x) : f32[3]
            %b = add(%k, %y) : f32[3]
            %e = mul(%a, %c) : f32[3]
            %f = mul(%b, %d) : f32[3]
            return %a, %b, %e, %f
            """),
      becomes: loop(
        "%k, %y, %k", "carries = 1, slices = 1, captures = 1", "f32[3], f32[4,3]", "%scan:1",
        parameter("k", "carry", 0) + parameter("y", "slice", 0) + parameter("d", "capture", 0) + """
          %b = add(%k, %y) : f32[3]
          %f = mul(%b, %d) : f32[3]
          return %b, %f
          """))
  }

  /// A carry that only feeds itself goes with its result; one that feeds another by a step's delay stays.
  @Test func carriesThatFeedOthersStay() throws {
    let parameters = parameter("h", "carry", 0) + parameter("k", "carry", 1)
    let body = parameters + "%a = exp(%k) : f32[3]\n%b = sin(%k) : f32[3]\nreturn %a, %b"
    try expect(
      Compiler.deadCode,
      loop("%h, %k", "carries = 2, slices = 0, captures = 0", "f32[3], f32[3]", "%scan:1", body),
      becomes: loop(
        "%k", "carries = 1, slices = 0, captures = 0", "f32[3]", "%scan",
        parameter("k", "carry", 0) + "%b = sin(%k) : f32[3]\nreturn %b"))
    try expect(
      Compiler.deadCode,
      loop("%h, %k", "carries = 2, slices = 0, captures = 0", "f32[3], f32[3]", "%scan", body),
      becomes: loop(
        "%h, %k", "carries = 2, slices = 0, captures = 0", "f32[3], f32[3]", "%scan",
        parameter("k", "carry", 1) + "%a = exp(%k) : f32[3]\n%b = sin(%k) : f32[3]\nreturn %a, %b"))
  }

  /// A wanted carry whose start the body never reads keeps its operand: it is the result of a loop of length 0.
  @Test func wantedCarriesKeepTheirStart() throws {
    try expect(
      Compiler.deadCode,
      leaves: loop(
        "%h, %x", "carries = 1, slices = 1, captures = 0", "f32[3]", "%scan",
        parameter("x", "slice", 0) + "return %x"))
  }

  @Test func deadLoopsGo() throws {
    let sources = """
      %x = placeholder() {dtype = f32, shape = [4,3]} : f32[4,3]
      %y = placeholder() {dtype = f32, shape = [4,3]} : f32[4,3]
      %h = placeholder() {dtype = f32, shape = [3]} : f32[3]
      %k = placeholder() {dtype = f32, shape = [3]} : f32[3]

      """
    try expect(
      Compiler.deadCode,
      loop(
        "%h", "carries = 1, slices = 0, captures = 0", "f32[3]", "%h",
        parameter("h", "carry", 0) + "return %h"),
      becomes: sources + "return %h, %x, %y, %h, %k")
  }

  /// What only a result of an inner loop reads that nobody needs is not needed by the outer one either.
  @Test func innerLoopsAreShrunkFirst() throws {
    func inner(_ operands: String, _ counts: String, _ types: String, _ body: String) -> String {
      """
      %inner\(types.contains(" ") ? ":2" : "") = scan(\(operands)) {\(counts), length = 2, reversed = false, body = {
      \(body)
      }} : \(types)

      """
    }
    try expect(
      Compiler.deadCode,
      loop(
        "%h, %k", "carries = 2, slices = 0, captures = 0", "f32[3], f32[3]", "%scan",
        parameter("h", "carry", 0) + parameter("k", "carry", 1)
          + inner(
            "%h, %k", "carries = 2, slices = 0, captures = 0", "f32[3], f32[3]",
            parameter("a", "carry", 0) + parameter("b", "carry", 1)
              + "%c = exp(%a) : f32[3]\n%d = sin(%b) : f32[3]\nreturn %c, %d")
          + "%next = tanh(%k) : f32[3]\nreturn %inner, %next"),
      becomes: loop(
        "%h", "carries = 1, slices = 0, captures = 0", "f32[3]", "%scan",
        parameter("h", "carry", 0)
          + inner(
            "%h", "carries = 1, slices = 0, captures = 0", "f32[3]",
            parameter("a", "carry", 0) + "%c = exp(%a) : f32[3]\nreturn %c") + "return %inner"))
  }

  @Test(arguments: 0..<150) func randomGraphsSettleAtOnce(_ seed: Int) throws {
    let model = RandomModel(seed: seed)
    var graph = model.graph.definition
    graph.outputs = model.outputs.map(\.value)
    let once = graph.removingDeadNodes(keepingAssignments: false)
    try once.verify()
    #expect(once.removingDeadNodes(keepingAssignments: false).text == once.text)
  }
}
