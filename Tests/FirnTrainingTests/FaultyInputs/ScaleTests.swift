import FirnCompiler
import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// What is large is worked on in proportion: variables, alternatives of a selection, names against patterns.
///
/// What was quadratic or worse here would not end within the limit by orders of magnitude; `firn-bench asking` has the
/// times.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ScaleTests {
  @Test func manyVariables() throws {
    let graph = Graph()
    let variables = (0..<100_000).map {
      graph.variable("s\($0 / 100)/v\($0)", shape: [], initializer: .constant(1))
    }
    let loss = stack(variables).sum()
    let session = try quietSession(graph)
    #expect(try session.run(session.compile(fetching: [loss]))[loss] == NDArray(scalar: Float(100_000)))
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.5), freezing: "s0 | s1")
    try session.run(program)
    #expect(try session.value(of: "s1/v199") == NDArray(scalar: Float(1)))
    #expect(try session.value(of: "s2/v200") == NDArray(scalar: Float(0.5)))
  }

  @Test func manyAlternatives() throws {
    let graph = Graph()
    for number in 0..<1_000 { _ = graph.variable("v\(number)", shape: [200], initializer: .zeros) }
    let names = (0..<100_000).map { "v\($0 % 1_000)" }
    let context = SelectionContext(graph.definition)
    let text = names.joined(separator: " | ")
    #expect(try Selection(text).resolve(in: context).count == 1_000)
    var grown = Selection.path("v0")
    for name in names.dropFirst() { grown = grown | .path(name) }
    #expect(try grown.resolve(in: context).count == 1_000)
    #expect(try grown == Selection(text))
    let blocks = (0..<100_000).map { "v\($0 % 1_000)[\($0 / 1_000)..<\($0 / 1_000 + 1)]" }.joined(
      separator: " | ")
    let parts = try Selection(blocks).resolve(in: context)
    #expect(parts.count == 1_000 && parts.allSatisfy { $0.region.elementCount(extents: [200]) == 100 })
  }

  @Test(arguments: ["(a+)+$", "(a|aa)+", "(a*)*b", "(.*a){12}", "(a?){30}a{30}", "((a+)?b?)*c"])
  func patternsDoNotBacktrack(_ pattern: String) throws {
    let name = String(repeating: "a", count: 2_000) + "!"
    let entries = [WeightEntry(name: name, array: NDArray([1] as [Float]))]
    let weights = try Weights(source: "test", entries: entries)
    let session = try quietSession(Workbench().graph)
    // The name is not the pattern's, so nothing is loaded.
    let fault = try error {
      _ = try session.load(weights, mapping: .regex(pattern, to: "head/bias"), strict: false)
    }
    #expect(fault.code == .unknownName, "\(fault)")
  }

  @Test(arguments: [
    "(?=a)", "(?!a)", "(a)\\1", "a++", "(?i)a", "a{2,1}", "a{5000}", "(a{1000}){1000}", "[b-a]", "*", "(",
    ")", "[",
  ])
  func patternsThatAreNot(_ pattern: String) throws {
    let weights = try Weights(
      source: "test", entries: [WeightEntry(name: "a", array: NDArray([1] as [Float]))])
    let session = try quietSession(Workbench().graph)
    let fault = try error { _ = try session.load(weights, mapping: .regex(pattern, to: "b"), strict: false) }
    #expect(fault.code == .invalidArgument && fault.message.contains("pattern"), "\(fault)")
  }
}
