import FirnCompiler
import FirnGraph
import FirnOps
import FirnTestSupport
import Testing

/// Where a step may write what a variable becomes over what it was.
@Suite struct OverwritingTests {
  private static let head = #"""
    firn 1
    variable v : f32[5] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}
    variable w : f32[5] {kind = "state", role = "", trainable = false, initializer = ["constant", 1.0]}
    %x = placeholder() {dtype = f32, shape = [5]} : f32[5]
    %i = placeholder() {dtype = i32, shape = [2]} : i32[2]
    %v = read() {variable = "v", dtype = f32, shape = [5]} : f32[5]
    %w = read() {variable = "w", dtype = f32, shape = [5]} : f32[5]

    """#

  /// Which assignments of these lines are left nothing to copy, by variable.
  private func inPlace(_ lines: String, checksNumerics: Bool = false) throws -> [String: Bool] {
    let graph = try parsed(Self.head + lines)
    let plan = try Plan(graph, workers: 2, checksNumerics: checksNumerics)
    var checker = PlanChecker()
    try checker.check(plan, of: graph)
    return Dictionary(uniqueKeysWithValues: plan.commits.map { ($0.name, $0.isInPlace) })
  }

  private let sum = #"""
    %next = add(%v, %x) : f32[5]
    %to_v = assign(%next) {variable = "v"} : f32[5]

    """#

  @Test func whatNothingElseReadsIsWrittenOver() throws {
    #expect(try inPlace(sum + "return %x") == ["v": true])
    // What reads it before does no harm, nor what reads the new value.
    #expect(
      try inPlace("%y = mul(%v, %w) : f32[5]\n" + sum + "%z = exp(%next) : f32[5]\nreturn %y, %z") == [
        "v": true
      ])
  }

  @Test func theArenaHasNoRoomForIt() throws {
    let lines = sum + #"%to_w = assign(%x) {variable = "w"} : f32[5]"# + "\nreturn %x"
    let graph = try parsed(Self.head + lines)
    let (plan, checked) = (try Plan(graph), try Plan(graph, checksNumerics: true))
    #expect(plan.commits.map(\.isInPlace) == [true, false] && plan.arenaBytes == 0)
    #expect(checked.commits.map(\.isInPlace) == [false, false] && checked.arenaBytes > 0)
  }

  @Test(arguments: [
    // Read afterwards, or handed out.
    ("", "%y = mul(%v, %x) : f32[5]\nreturn %y"),
    ("", "return %v"),
    ("", "%view = reshape(%v) {shape = [5,1]} : f32[5,1]\nreturn %view"),
    // It is what another variable becomes.
    ("", #"%to_w = assign(%v) {variable = "w"} : f32[5]"# + "\nreturn %x"),
    // Read by another buffer.
    (#"%v2 = read() {variable = "v", dtype = f32, shape = [5]} : f32[5]"# + "\n", "return %v2"),
    // What comes afterwards may fail, which leaves all variables as they were.
    ("", "%y = gather(%x, %i) {axis = 0} : f32[2]\nreturn %y"),
  ])
  func whatIsWantedStays(_ before: String, _ after: String) throws {
    let made = try inPlace(before + sum + after)
    #expect(made["v"] == false, "\(after)")
  }

  @Test func whatMayFailBeforeDoesNoHarm() throws {
    #expect(try inPlace("%y = gather(%x, %i) {axis = 0} : f32[2]\n" + sum + "return %y") == ["v": true])
  }

  /// A step that cannot write over its operand, and one that does not read the variable.
  @Test func otherStepsWriteToTheArena() throws {
    let reversed = #"""
      %next = slice(%v) {starts = [0], limits = [5], steps = [1]} : f32[5]
      %more = add(%x, %x) : f32[5]
      %to_w = assign(%more) {variable = "w"} : f32[5]
      return %next
      """#
    #expect(try inPlace(reversed) == ["w": false])
  }
}
