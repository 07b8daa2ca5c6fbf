import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnTestSupport
import Testing

/// Each row of the pass's table, and the nearest thing that must stay as it is.
@Suite struct SimplifyTests {
  private static let x = "%x = placeholder() {dtype = f32, shape = [2,3]} : f32[2,3]\n"
  private static let free = "%x = placeholder() {dtype = f32, shape = [batch,time]} : f32[batch,time]\n"

  // MARK: Rows

  @Test(arguments: ["identity", "stop_gradient"]) func passThroughGoes(_ op: String) throws {
    try expect(
      Compiler.simplify, Self.x + "%a = \(op)(%x) : f32[2,3]\n%b = exp(%a) : f32[2,3]\nreturn %b, %a",
      becomes: Self.x + "%b = exp(%x) : f32[2,3]\nreturn %b, %x")
  }

  @Test(arguments: [
    "reshape(%x) {shape = [2,3]}", "broadcast(%x) {shape = [2,3]}", "transpose(%x) {permutation = [0,1]}",
    "cast(%x) {dtype = f32}",
  ]) func whatChangesNothingGoes(_ op: String) throws {
    try expect(
      Compiler.simplify, Self.x + "%a = \(op) : f32[2,3]\nreturn %a", becomes: Self.x + "return %x")
  }

  @Test(arguments: [
    "reshape(%x) {shape = [3,2]} : f32[3,2]", "broadcast(%x) {shape = [1,2,3]} : f32[1,2,3]",
    "transpose(%x) {permutation = [1,0]} : f32[3,2]", "cast(%x) {dtype = i32} : i32[2,3]",
  ]) func whatChangesSomethingStays(_ op: String) throws {
    try expect(Compiler.simplify, leaves: Self.x + "%a = \(op)\nreturn %a")
  }

  /// Equal extents do not make a transposition the identity.
  @Test func squareTranspositionStays() throws {
    try expect(
      Compiler.simplify,
      leaves: """
        %x = placeholder() {dtype = f32, shape = [3,3]} : f32[3,3]
        %a = transpose(%x) {permutation = [1,0]} : f32[3,3]
        return %a
        """)
  }

  @Test func reshapesCollapse() throws {
    try expect(
      Compiler.simplify,
      Self.x + """
        %a = reshape(%x) {shape = [6]} : f32[6]
        %b = reshape(%a) {shape = [1,6]} : f32[1,6]
        %c = reshape(%b) {shape = [3,2]} : f32[3,2]
        return %c
        """, becomes: Self.x + "%c = reshape(%x) {shape = [3,2]} : f32[3,2]\nreturn %c")
    // There and back: what is left of one row is the case of another.
    try expect(
      Compiler.simplify,
      Self.x
        + "%a = reshape(%x) {shape = [6]} : f32[6]\n%b = reshape(%a) {shape = [2,3]} : f32[2,3]\nreturn %b",
      becomes: Self.x + "return %x")
    try expect(
      Compiler.simplify,
      leaves: Self.x + """
        %a = reshape(%x) {shape = [6]} : f32[6]
        %b = exp(%a) : f32[6]
        %c = reshape(%b) {shape = [3,2]} : f32[3,2]
        return %c
        """)
  }

  @Test func negationsCancel() throws {
    try expect(
      Compiler.simplify, Self.x + "%a = neg(%x) : f32[2,3]\n%b = neg(%a) : f32[2,3]\nreturn %b",
      becomes: Self.x + "return %x")
    try expect(
      Compiler.simplify,
      Self.x + """
        %a = neg(%x) : f32[2,3]
        %b = neg(%a) : f32[2,3]
        %c = neg(%b) : f32[2,3]
        return %c
        """, becomes: Self.x + "%c = neg(%x) : f32[2,3]\nreturn %c")
    try expect(
      Compiler.simplify, leaves: Self.x + "%a = neg(%x) : f32[2,3]\n%b = abs(%a) : f32[2,3]\nreturn %b")
  }

  @Test(arguments: ["mul(%x, %one)", "mul(%one, %x)", "div(%x, %one)"])
  func factorsOfOneGo(_ op: String) throws {
    try expect(
      Compiler.simplify,
      Self.x + """
        %k = constant() {value = f32[](1.0)} : f32[]
        %r = reshape(%k) {shape = [1]} : f32[1]
        %one = broadcast(%r) {shape = [2,3]} : f32[2,3]
        %a = \(op) : f32[2,3]
        return %a
        """, becomes: Self.x + "return %x")
  }

  @Test(arguments: [
    ("div(%k, %x)", "1.0"), ("mul(%x, %k)", "-1.0"), ("mul(%x, %k)", "1.0000001"), ("add(%x, %k)", "1.0"),
    // 0·NaN and x + 0 at -0 are not what algebra says.
    ("mul(%x, %k)", "0.0"), ("add(%x, %k)", "0.0"), ("sub(%x, %k)", "0.0"), ("pow(%x, %k)", "1.0"),
  ]) func otherFactorsStay(_ op: String, _ number: String) throws {
    try expect(
      Compiler.simplify,
      leaves: """
        %x = placeholder() {dtype = f32, shape = []} : f32[]
        %k = constant() {value = f32[](\(number))} : f32[]
        %a = \(op) : f32[]
        return %a
        """)
  }

  @Test func oneAmongOthersStays() throws {
    try expect(
      Compiler.simplify,
      leaves: """
        %x = placeholder() {dtype = f32, shape = [2]} : f32[2]
        %k = constant() {value = f32[2](1.0, 1.0)} : f32[2]
        %a = mul(%x, %k) : f32[2]
        return %a
        """)
  }

  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func transpositionsJoinProducts(_ left: Bool, _ right: Bool) throws {
    func product(_ a: String, _ b: String, _ flags: (Bool, Bool)) -> String {
      "%c = matmul(\(a), \(b)) {transpose_a = \(flags.0), transpose_b = \(flags.1)} : f32[4,2,5]\nreturn %c"
    }
    let (m, k, n) = (2, 3, 5)
    let a =
      "%a = placeholder() {dtype = f32, shape = [4,\(left ? m : k),\(left ? k : m)]} : f32[4,\(left ? m : k),\(left ? k : m)]\n"
    let b =
      "%b = placeholder() {dtype = f32, shape = [4,\(right ? k : n),\(right ? n : k)]} : f32[4,\(right ? k : n),\(right ? n : k)]\n"
    let s = "%s = transpose(%a) {permutation = [0,2,1]} : f32[4,\(left ? k : m),\(left ? m : k)]\n"
    let t = "%t = transpose(%b) {permutation = [0,2,1]} : f32[4,\(right ? n : k),\(right ? k : n)]\n"
    try expect(
      Compiler.simplify, a + b + s + t + product("%s", "%t", (left, right)),
      becomes: a + b + product("%a", "%b", (!left, !right)))
  }

  @Test func doubleTranspositionsLeaveProducts() throws {
    try expect(
      Compiler.simplify,
      Self.x + """
        %s = transpose(%x) {permutation = [1,0]} : f32[3,2]
        %t = transpose(%s) {permutation = [1,0]} : f32[2,3]
        %c = matmul(%t, %s) {transpose_a = false, transpose_b = false} : f32[2,2]
        return %c
        """,
      becomes: Self.x
        + "%c = matmul(%x, %x) {transpose_a = false, transpose_b = true} : f32[2,2]\nreturn %c")
  }

  @Test func transpositionsOfTheBatchStay() throws {
    try expect(
      Compiler.simplify,
      leaves: """
        %a = placeholder() {dtype = f32, shape = [3,4,2]} : f32[3,4,2]
        %b = placeholder() {dtype = f32, shape = [4,2,5]} : f32[4,2,5]
        %s = transpose(%a) {permutation = [1,0,2]} : f32[4,3,2]
        %c = matmul(%s, %b) {transpose_a = false, transpose_b = false} : f32[4,3,5]
        return %c
        """)
    // Not even beside a transposition of the matrices, which alone would go.
    try expect(
      Compiler.simplify,
      leaves: """
        %a = placeholder() {dtype = f32, shape = [3,4,2,7]} : f32[3,4,2,7]
        %b = placeholder() {dtype = f32, shape = [4,3,2,5]} : f32[4,3,2,5]
        %s = transpose(%a) {permutation = [1,0,3,2]} : f32[4,3,7,2]
        %c = matmul(%s, %b) {transpose_a = false, transpose_b = false} : f32[4,3,7,5]
        return %c
        """)
  }

  // MARK: Everywhere

  /// Named dimensions are equal or not as they stand: what only a binding would make equal stays.
  @Test func namedDimensionsAreComparedAsTheyStand() throws {
    try expect(
      Compiler.simplify,
      Self.free + """
        %a = reshape(%x) {shape = [batch*time]} : f32[batch*time]
        %b = reshape(%a) {shape = [time,batch]} : f32[time,batch]
        %c = reshape(%x) {shape = [batch,time]} : f32[batch,time]
        return %b, %c
        """,
      becomes: Self.free + "%b = reshape(%x) {shape = [time,batch]} : f32[time,batch]\nreturn %b, %x")
  }

  @Test func bodiesAreSimplified() throws {
    func loop(_ body: String) -> String {
      """
      %x = placeholder() {dtype = f32, shape = [4,3]} : f32[4,3]
      %scan = scan(%x) {carries = 0, slices = 1, captures = 0, length = 4, reversed = false, body = {
        %row = loop_input() {kind = "slice", position = 0, dtype = f32, shape = [3]} : f32[3]
        \(body)
      }} : f32[4,3]
      return %scan
      """
    }
    try expect(
      Compiler.simplify,
      loop("%a = identity(%row) : f32[3]\n%b = neg(%a) : f32[3]\n%c = neg(%b) : f32[3]\nreturn %c"),
      becomes: loop("return %row"))
    try expect(Compiler.simplify, leaves: loop("%a = neg(%row) : f32[3]\nreturn %a"))
  }

  @Test func assignmentsSurvive() throws {
    let variable = """
      variable m : f32[3] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}
      %m = read() {variable = "m", dtype = f32, shape = [3]} : f32[3]
      """
    try expect(
      Compiler.simplify,
      variable + "\n%a = identity(%m) : f32[3]\n%assign = assign(%a) {variable = \"m\"} : f32[3]\nreturn %a",
      becomes: variable + "\n%assign = assign(%m) {variable = \"m\"} : f32[3]\nreturn %m")
  }

  @Test(arguments: 0..<150) func randomGraphsSettleAtOnce(_ seed: Int) throws {
    var graph = RandomModel(seed: seed).graph.definition
    graph.outputs = [Value(graph.nodes.count - 1)]
    let once = graph.simplified()
    try once.verify()
    #expect(once.simplified().text == once.text)
  }
}
