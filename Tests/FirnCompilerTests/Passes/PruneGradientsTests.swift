import FirnGraph
import FirnNotation
import FirnTraining
import Testing

@testable import FirnCompiler

/// Which gradients are asked for, and what is put on record about the others.
@Suite struct PruneGradientsTests {
  private func variable(_ name: String, kind: String = "parameter", trainable: Bool = true) -> String {
    "variable \(name) : f32[2] {kind = \"\(kind)\", role = \"\", trainable = \(trainable), initializer = [\"constant\", 1.0]}\n"
  }

  private func read(_ name: String) -> String {
    "%\(name) = read() {variable = \"\(name)\", dtype = f32, shape = [2]} : f32[2]\n"
  }

  private func request(_ targets: [String]) -> String {
    let types = targets.map { _ in "f32[2]" }.joined(separator: ", ")
    let operands = (["%loss"] + targets.map { "%" + $0 }).joined(separator: ", ")
    return
      "%gradients\(targets.count == 1 ? "" : ":\(targets.count)") = gradients(\(operands)) {seeded = [false], targets = \(targets.count), stops = 0, unconnected = \"error\"} : \(types) @backward\n"
  }

  private let loss = "%loss = reduce_sum(%h) {axes = [0], keeps_axes = false} : f32[]\n"

  /// Why a variable has no gradient.
  private func reason(_ name: String, _ record: PruningRecord) throws -> String {
    let reads = record.flow.reads[name] ?? []
    #expect(!reads.contains(where: record.flow.ways.isOpen))
    return record.flow.reason(forNoneTo: reads)
  }

  /// Runs the pass on a graph whose last line is the loss; the record, and what was added.
  private func prune(_ text: String, freezing: String? = nil) throws -> (added: String, record: PruningRecord)
  {
    let graph = try parsed(header + text + "return %loss")
    var context = try CompilationContext(
      CompilationRequest(
        graph: graph, fetches: [],
        training: .init(loss: graph.outputs[0], optimizer: SGD(learningRate: 1)),
        freezing: freezing.map { try Selection($0) }))
    let result = try Compiler.pruneGradients.run(graph, &context)
    try result.verify()
    #expect(result.outputs == graph.outputs)
    #expect(Array(result.nodes.dropLast()) == graph.nodes)
    let lines = result.text.split(separator: "\n").filter { $0.hasPrefix("%gradients") }
    return (lines.joined(separator: "\n") + "\n", try #require(context.prunings.first))
  }

  private var pair: String {
    variable("a") + variable("b") + read("a") + read("b") + "%h = mul(%a, %b) : f32[2]\n" + loss
  }

  @Test func everyTrainedVariableIsATarget() throws {
    let (added, record) = try prune(pair)
    #expect(added == request(["a", "b"]))
    #expect(record.live == ["a", "b"] && record.removed.isEmpty)
  }

  @Test func frozenVariablesAreNoTargets() throws {
    let (added, record) = try prune(pair, freezing: "a")
    #expect(added == request(["b"]))
    #expect(record.live == ["b"])
    #expect(record.removed == [GradientEdge(consumer: "h", operand: 0, producer: "a")])
  }

  /// Rule 1: through a frozen layer, not into it.
  @Test func gradientsPassThroughFrozenLayers() throws {
    let text =
      variable("a") + variable("b") + read("a") + read("b")
      + "%t = tanh(%a) : f32[2]\n%h = mul(%t, %b) : f32[2]\n" + loss
    #expect(try prune(text, freezing: "b").added == request(["a"]))
  }

  @Test func stopsCut() throws {
    let text =
      variable("a") + variable("b") + read("a") + read("b")
      + "%t = tanh(%a) : f32[2]\n%stop = stop_gradient(%t) : f32[2]\n%h = mul(%stop, %b) : f32[2]\n" + loss
    let (added, record) = try prune(text)
    #expect(added == request(["b"]))
    #expect(record.live == ["b"])
    #expect(try reason("a", record) == "every path is cut by stop_gradient `stop`")
    #expect(record.removed.map(\.consumer) == ["t", "stop", "h"])
  }

  /// One way round the stop is enough.
  @Test func stopsOnOnePathLeaveTheOther() throws {
    let text =
      variable("a") + read("a") + "%stop = stop_gradient(%a) : f32[2]\n%h = mul(%stop, %a) : f32[2]\n" + loss
    let (added, record) = try prune(text)
    #expect(added == request(["a"]) && record.live == ["a"])
  }

  @Test func strangersAndStatesAreNoTargets() throws {
    let text =
      variable("a") + variable("b") + variable("m", kind: "state", trainable: false) + read("a")
      + read("b") + read("m") + "%h = mul(%a, %m) : f32[2]\n" + loss
    let (added, record) = try prune(text)
    #expect(added == request(["a"]))
    #expect(record.live == ["a"] && record.flow.reads["m"] == nil)
    #expect(try reason("b", record) == "`loss` does not depend on it")
  }

  /// Rule 8: a variable read twice is two targets of one variable, and live if one of them is.
  @Test func tiedVariablesHaveSeveralTargets() throws {
    let text =
      variable("a") + read("a") + "%again = read() {variable = \"a\", dtype = f32, shape = [2]} : f32[2]\n"
      + "%h = mul(%a, %again) : f32[2]\n" + loss
    #expect(try prune(text).added == request(["a", "again"]))
    #expect(try prune(text).record.live == ["a"])
    let half = text.replacing("mul(%a, %again)", with: "mul(%a, %a)")
    let (added, record) = try prune(half)
    #expect(added == request(["a"]) && record.live == ["a"])
  }

  @Test(arguments: [
    ("a", "`freezing: a` leaves nothing"), ("a", "`a`: it is frozen by `freezing: a`"),
    (nil, "`a`: every path is cut by stop_gradient `stop`"),
  ]) func nothingToTrainIsAnError(_ freezing: String?, _ reason: String) throws {
    let text =
      variable("a") + read("a") + (freezing == nil ? "%stop = stop_gradient(%a)" : "%stop = tanh(%a)")
      + " : f32[2]\n%h = neg(%stop) : f32[2]\n" + loss
    let error = #expect(throws: FirnError.self) { try prune(text, freezing: freezing) }
    #expect(error?.code == .noGradient)
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func withoutTrainingNothingChanges() throws {
    let text = header + pair + "return %loss"
    #expect(try Compiler.pruneGradients(text) == parsed(text).text)
  }
}
