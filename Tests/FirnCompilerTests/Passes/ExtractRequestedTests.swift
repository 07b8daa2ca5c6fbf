import FirnCompiler
import FirnGraph
import FirnNotation
import Testing

/// What was asked for stays, and of the assignments those that were fetched or that come with training.
@Suite struct ExtractRequestedTests {
  private let state = """
    variable m : f32[3] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}
    %m = read() {variable = "m", dtype = f32, shape = [3]} : f32[3]

    """

  @Test func assignmentsNobodyFetchedGo() throws {
    try expect(
      Compiler.extractRequested,
      state + "%assign = assign(%m) {variable = \"m\"} : f32[3]\n%a = exp(%m) : f32[3]\nreturn %a",
      becomes: state + "%a = exp(%m) : f32[3]\nreturn %a")
  }

  @Test func fetchedAssignmentsStay() throws {
    try expect(
      Compiler.extractRequested,
      leaves: state + "%assign = assign(%m) {variable = \"m\"} : f32[3]\nreturn %assign")
  }

  /// In training mode an assignment comes with the tensor beside it, and may bring another.
  @Test func trainingBringsAssignments() throws {
    let text =
      header + state + """
        variable n : f32[3] {kind = "state", role = "", trainable = false, initializer = ["constant", 0.0]}
        %a = exp(%m) : f32[3]
        %b = tanh(%m) : f32[3]
        %first = assign(%b, %a) {variable = "m"} : f32[3]
        %second = assign(%a, %b) {variable = "n"} : f32[3]
        return %a
        """
    let training = try parsed(Compiler.extractRequested(text, isTrainingMode: true))
    #expect(training.nodes.map(\.name) == ["m", "a", "b", "first", "second"])
    let inference = try parsed(Compiler.extractRequested(text))
    #expect(inference.nodes.map(\.name) == ["m", "a"])
  }
}
