import FirnCompiler
import FirnGraph
import FirnNotation
import Testing

/// Rule 4: a frozen scope runs in inference, whatever is trained around it.
@Suite struct ResolveModesTests {
  private func variable(_ name: String, trainable: Bool = true) -> String {
    "variable \(name) : f32[2] {kind = \"parameter\", role = \"\", trainable = \(trainable), initializer = [\"constant\", 1.0]}\n"
  }

  private func read(_ name: String) -> String {
    "%\(name) = read() {variable = \"\(name)\", dtype = f32, shape = [2]} : f32[2]\n"
  }

  private func dropout(_ name: String, _ x: String) -> String {
    "%\(name) = dropout(%\(x), %s) {rate = 0.5, key = \"\(name)\"} : f32[2]\n"
  }

  private func identity(_ name: String, _ x: String) -> String { "%\(name) = identity(%\(x)) : f32[2]\n" }

  private let state = "%s = random_state() : i32[4]\n"

  /// Two scopes with a weight and a dropout each, and a dropout at the top.
  private var two: String {
    header + variable("a/w") + variable("b/w") + read("a/w") + read("b/w") + state
      + dropout("a/x/drop", "a/w") + dropout("b/drop", "b/w")
      + "%sum = add(%a/x/drop, %b/drop) : f32[2]\n" + dropout("drop", "sum") + "return %drop"
  }

  private func replacing(_ names: [(String, String)]) throws -> String {
    try parsed(
      names.reduce(two) { $0.replacing(dropout($1.0, $1.1), with: identity($1.0, $1.1)) }
    ).text
  }

  @Test func inferenceIsTheDefault() throws {
    #expect(
      try Compiler.resolveModes(two)
        == replacing([("a/x/drop", "a/w"), ("b/drop", "b/w"), ("drop", "sum")]))
  }

  @Test func trainingModeChangesNothingThatIsTrained() throws {
    #expect(try Compiler.resolveModes(two, isTrainingMode: true) == parsed(two).text)
  }

  @Test func frozenScopesRunInInference() throws {
    #expect(
      try Compiler.resolveModes(two, freezing: "a", isTrainingMode: true) == replacing([("a/x/drop", "a/w")]))
    // A scope with a trained parameter is not frozen, nor is the top.
    #expect(
      try Compiler.resolveModes(two, freezing: "a | b", isTrainingMode: true)
        == replacing([("a/x/drop", "a/w"), ("b/drop", "b/w")]))
  }

  @Test func partlyFrozenScopesTrain() throws {
    let text =
      header + variable("a/w", trainable: false) + variable("a/v") + read("a/w") + state
      + dropout("a/drop", "a/w") + "return %a/drop"
    #expect(try Compiler.resolveModes(text, isTrainingMode: true) == parsed(text).text)
  }

  @Test func keepingTrainingModeOptsOut() throws {
    #expect(
      try Compiler.resolveModes(two, freezing: "a | b", keepingTrainingMode: "a", isTrainingMode: true)
        == replacing([("b/drop", "b/w")]))
  }

  /// One meaning with `freezing:`: what is valid of the model is, though only part of it has two modes.
  @Test(arguments: ["a/w | b", "!drop & !a", "b/drop | a/w", "children(b)", "last(1, .)"])
  func keepingIsReadAgainstTheModel(_ keeping: String) throws {
    #expect(
      try Compiler.resolveModes(two, freezing: "a | b", keepingTrainingMode: keeping, isTrainingMode: true)
        == Compiler.resolveModes(two, freezing: "a | b", keepingTrainingMode: "b", isTrainingMode: true))
  }

  @Test(arguments: [("a/w", "names nothing that has two modes"), ("a | encodr", "`encodr` matches nothing")])
  func keepingNothingIsAnError(_ keeping: String, _ message: String) throws {
    let fault = try #require(throws: FirnError.self) {
      try Compiler.resolveModes(two, freezing: "a | b", keepingTrainingMode: keeping, isTrainingMode: true)
    }
    #expect(fault.code == .invalidSelection && fault.description.contains(message), "\(fault)")
  }

  @Test func loopsAreResolvedByTheirPath() throws {
    func loop(_ body: String) -> String {
      header + variable("cell/w", trainable: false) + read("cell/w") + state + """
        %cell/scan = scan(%cell/w, %s) {carries = 1, slices = 0, captures = 1, length = 3, reversed = false, body = {
        %h = loop_input() {kind = "carry", position = 0, dtype = f32, shape = [2]} : f32[2]
        %s = loop_input() {kind = "capture", position = 0, dtype = i32, shape = [4]} : i32[4]
        \(body)return %drop
        }} : f32[2]
        return %cell/scan
        """
    }
    #expect(
      try Compiler.resolveModes(loop(dropout("drop", "h")), isTrainingMode: true)
        == parsed(loop(identity("drop", "h"))).text)
    let trained = loop(dropout("drop", "h")).replacing("trainable = false", with: "trainable = true")
    #expect(try Compiler.resolveModes(trained, isTrainingMode: true) == parsed(trained).text)
    // It has two names, and both modes by them.
    let graph = try parsed(trained)
    let both = CompilationRequest(
      graph: graph, fetches: graph.outputs, keepingTrainingMode: "cell/scan/drop",
      keepingInferenceMode: "cell/drop", isTrainingMode: true)
    let fault = try #require(throws: FirnError.self) {
      var context = try CompilationContext(both)
      _ = try Compiler.resolveModes.run(graph, &context)
    }
    #expect(fault.message == "`cell/drop` is kept in training mode and in inference mode")
    var resting = both
    resting.keepingTrainingMode = nil
    var context = try CompilationContext(resting)
    #expect(
      try Compiler.resolveModes.run(graph, &context).text
        == parsed(loop(identity("drop", "h")).replacing("trainable = false", with: "trainable = true")).text)
  }

  @Test func drawsHaveOneMode() throws {
    let text =
      header + state
      + "%u = random_uniform(%s) {shape = [2], dtype = f32, key = \"u\", low = 0.0, high = 1.0} : f32[2]\nreturn %u"
    #expect(try Compiler.resolveModes(text) == parsed(text).text)
  }

  /// A value by mode and an assignment that belongs to training, in a scope with a weight.
  @Test func valuesAndAssignmentsByMode() throws {
    let start =
      header + variable("a/w")
      + "variable a/m : f32[2] {kind = \"state\", role = \"\", trainable = false, initializer = [\"constant\", 0.0]}\n"
      + read("a/w") + read("a/m")
    let before =
      start + """
        %a/mode = by_mode(%a/w, %a/m) : f32[2]
        %a/next = add(%a/m, %a/w) : f32[2]
        %a/assign = assign(%a/next, %a/mode) {variable = "a/m"} : f32[2]
        return %a/mode
        """
    func after(_ mode: String, _ assignment: String) throws -> String {
      try parsed(
        start + """
          %a/mode = identity(\(mode)) : f32[2]
          %a/next = add(%a/m, %a/w) : f32[2]
          %a/assign = \(assignment) : f32[2]
          return %a/mode
          """
      ).text
    }
    let training = try after("%a/w", "assign(%a/next) {variable = \"a/m\"}")
    let inference = try after("%a/m", "identity(%a/next)")
    #expect(try Compiler.resolveModes(before, isTrainingMode: true) == training)
    #expect(try Compiler.resolveModes(before) == inference)
    #expect(try Compiler.resolveModes(before, freezing: "a", isTrainingMode: true) == inference)
    #expect(
      try Compiler.resolveModes(before, freezing: "a/m", isTrainingMode: true)
        == after("%a/w", "identity(%a/next)"))
    #expect(
      try Compiler.resolveModes(
        before, freezing: "a", keepingTrainingMode: "a", isTrainingMode: true, isIdempotent: false)
        == training)
  }
}
