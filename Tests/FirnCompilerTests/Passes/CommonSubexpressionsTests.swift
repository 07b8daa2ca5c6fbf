import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTestSupport
import Testing

/// Equal ops on equal operands, and what only looks equal.
@Suite struct CommonSubexpressionsTests {
  private static let x = "%x = placeholder() {dtype = f32, shape = [2,2]} : f32[2,2]\n"

  @Test func chainsMerge() throws {
    try expect(
      Compiler.commonSubexpressions,
      Self.x + """
        %a = exp(%x) : f32[2,2]
        %b = exp(%x) : f32[2,2]
        %c = transpose(%a) {permutation = [1,0]} : f32[2,2]
        %d = transpose(%b) {permutation = [1,0]} : f32[2,2]
        %k = constant() {value = f32[2,2](1.0, 2.0, 3.0, 4.0)} : f32[2,2]
        %l = constant() {value = f32[2,2](1.0, 2.0, 3.0, 4.0)} : f32[2,2]
        %e = sub(%c, %k) : f32[2,2]
        %f = sub(%d, %l) : f32[2,2]
        return %e, %f
        """,
      becomes: Self.x + """
        %a = exp(%x) : f32[2,2]
        %c = transpose(%a) {permutation = [1,0]} : f32[2,2]
        %k = constant() {value = f32[2,2](1.0, 2.0, 3.0, 4.0)} : f32[2,2]
        %e = sub(%c, %k) : f32[2,2]
        return %e, %e
        """)
  }

  @Test(arguments: [
    ("exp(%x)", "sin(%x)"), ("sub(%x, %y)", "sub(%y, %x)"), ("add(%x, %y)", "add(%y, %x)"),
    ("leaky_relu(%x) {alpha = 0.1}", "leaky_relu(%x) {alpha = 0.2}"),
    ("reshape(%x) {shape = [2,2]}", "broadcast(%x) {shape = [2,2]}"),
    (
      "constant() {value = f32[2,2](0.0, 0.0, 0.0, 0.0)}",
      "constant() {value = f32[2,2](-0.0, 0.0, 0.0, 0.0)}"
    ),
  ]) func differentOnesStay(_ a: String, _ b: String) throws {
    try expect(
      Compiler.commonSubexpressions,
      leaves: """
        %x = placeholder() {dtype = f32, shape = [2,2]} : f32[2,2]
        %y = placeholder() {dtype = f32, shape = [2,2]} : f32[2,2]
        %a = \(a) : f32[2,2]
        %b = \(b) : f32[2,2]
        return %a, %b, %x, %y
        """)
  }

  /// Constants of NaN are equal if their bits are.
  @Test func constantsAreComparedByBits() throws {
    let nan = "%k = constant() {value = f32[1]x\"0000c07f\"} : f32[1]\n"
    try expect(
      Compiler.commonSubexpressions,
      nan + "%l = constant() {value = f32[1]x\"0000c07f\"} : f32[1]\nreturn %k, %l",
      becomes: nan + "return %k, %k")
    try expect(
      Compiler.commonSubexpressions,
      leaves: nan + "%l = constant() {value = f32[1]x\"0000c0ff\"} : f32[1]\nreturn %k, %l")
  }

  @Test func readsMergeAndAssignmentsDoNot() throws {
    let variables = """
      variable m : f32[2] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}
      variable n : f32[2] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}

      """
    func read(_ name: String, _ variable: String) -> String {
      "%\(name) = read() {variable = \"\(variable)\", dtype = f32, shape = [2]} : f32[2]\n"
    }
    let assignments = """
      %to_m = assign(%n) {variable = "m"} : f32[2]
      %to_n = assign(%n) {variable = "n"} : f32[2]

      """
    try expect(
      Compiler.commonSubexpressions,
      variables + read("m", "m") + read("n", "n") + read("m_1", "m") + assignments
        + "%a = add(%m, %m_1) : f32[2]\nreturn %a",
      becomes: variables + read("m", "m") + read("n", "n") + assignments
        + "%a = add(%m, %m) : f32[2]\nreturn %a")
  }

  /// Two draws under different keys are different numbers; one drawn twice under one key is the same.
  @Test func drawsAreToldApartByKey() throws {
    func draw(_ name: String, _ key: String) -> String {
      "%\(name) = random_uniform(%s) {shape = [2], dtype = f32, key = \"\(key)\", low = 0.0, high = 1.0} : f32[2]\n"
    }
    let state = "%s = random_state() : i32[4]\n"
    try expect(
      Compiler.commonSubexpressions, leaves: state + draw("a", "k") + draw("b", "l") + "return %a, %b")
    try expect(
      Compiler.commonSubexpressions,
      state + "%t = random_state() : i32[4]\n" + draw("a", "k") + draw("b", "k").replacing("%s", with: "%t")
        + "return %a, %b", becomes: state + draw("a", "k") + "return %a, %a")
  }

  @Test func bodiesAreMergedButNotParameters() throws {
    func loop(_ body: String) -> String {
      Self.x + """
        %scan = scan(%x, %x) {carries = 0, slices = 2, captures = 0, length = 2, reversed = false, body = {
          %a = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [2]} : f32[2]
          %b = loop_input() {kind = "slice", position = 1, dtype = f32, shape = [2]} : f32[2]
          \(body)
        }} : f32[2,2]
        return %scan
        """
    }
    try expect(
      Compiler.commonSubexpressions,
      loop(
        "%c = exp(%a) : f32[2]\n%d = exp(%a) : f32[2]\n%e = add(%c, %d) : f32[2]\n%f = mul(%e, %b) : f32[2]\nreturn %f"
      ),
      becomes: loop("%c = exp(%a) : f32[2]\n%e = add(%c, %c) : f32[2]\n%f = mul(%e, %b) : f32[2]\nreturn %f"))
    try expect(
      Compiler.commonSubexpressions,
      leaves: loop("%c = exp(%a) : f32[2]\n%d = exp(%b) : f32[2]\n%e = add(%c, %d) : f32[2]\nreturn %e"))
  }

  @Test func equalLoopsMerge() throws {
    func loop(_ name: String) -> String {
      """
      %\(name):2 = scan(%h, %x) {carries = 1, slices = 1, captures = 0, length = 2, reversed = false, body = {
        %a = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [2]} : f32[2]
        %b = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [2]} : f32[2]
        %c = add(%a, %b) : f32[2]
        return %c, %c
      }} : f32[2], f32[2,2]

      """
    }
    let sources = Self.x + "%h = placeholder() {dtype = f32, shape = [2]} : f32[2]\n"
    try expect(
      Compiler.commonSubexpressions, sources + loop("s") + loop("t") + "return %s, %s:1, %t, %t:1",
      becomes: sources + loop("s") + "return %s, %s:1, %s, %s:1")
    try expect(
      Compiler.commonSubexpressions,
      leaves: sources + loop("s") + loop("t").replacing("reversed = false", with: "reversed = true")
        + "return %s, %s:1, %t, %t:1")
  }

  @Test(arguments: 0..<150) func randomGraphsSettleAtOnce(_ seed: Int) throws {
    let model = RandomModel(seed: seed)
    var graph = model.graph.definition
    graph.outputs = model.outputs.map(\.value)
    let once = graph.mergingCommonSubexpressions()
    try once.verify()
    #expect(once.mergingCommonSubexpressions().text == once.text)
  }
}
