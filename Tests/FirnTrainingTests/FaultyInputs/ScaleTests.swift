import FirnCompiler
import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// What is large takes time in proportion: variables, alternatives of a selection, names against patterns.
@Suite(.serialized) struct ScaleTests {
  private func seconds(_ what: String, _ body: () throws -> Void) rethrows -> Double {
    let duration = try ContinuousClock().measure(body) / .seconds(1)
    print("\(what): \(duration) s")
    return duration
  }

  @Test func manyVariables() throws {
    let graph = Graph()
    var variables: [Tensor] = []
    let building = seconds("building") {
      variables = (0..<100_000).map { graph.variable("s\($0 / 100)/v\($0)", shape: [], initializer: .zeros) }
    }
    #expect(building < 4)
    let loss = stack(variables).sum()
    let session = try quietSession(graph)
    #expect(try seconds("fetching") { _ = try session.compile(fetching: [loss]) } < 2)
    let training = try seconds("training") {
      _ = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1), freezing: "s0 | s1")
    }
    #expect(training < 20)
  }

  @Test func manyAlternatives() throws {
    let graph = Graph()
    for number in 0..<1_000 { _ = graph.variable("v\(number)", shape: [200], initializer: .zeros) }
    let names = (0..<100_000).map { "v\($0 % 1_000)" }
    let context = SelectionContext(graph.definition)
    let text = names.joined(separator: " | ")
    #expect(try seconds("text") { #expect(try Selection(text).resolve(in: context).count == 1_000) } < 4)
    var grown = Selection.path("v0")
    #expect(seconds("one by one") { for name in names.dropFirst() { grown = grown | .path(name) } } < 4)
    #expect(try seconds("resolving") { #expect(try grown.resolve(in: context).count == 1_000) } < 4)
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
    let spent = try seconds(pattern) {
      _ = try session.load(weights, mapping: .regex(pattern, to: "head/bias"), strict: false)
    }
    #expect(spent < 4)
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
