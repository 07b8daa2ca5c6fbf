import FirnGraph
import FirnNotation
import FirnOps
import FirnTestSupport
import FirnTraining
import Testing

@testable import FirnCompiler

/// What an error says of a variable is what status says of it, string for string.
@Suite struct ReasonTests {
  private struct Counts {
    var gradients = 0
    var trainings = 0
    var reasons: Set<String> = []
  }

  /// Compiles a request for the gradient by each variable alone, and training with all and with nothing left to train.
  private func compare(
    _ graph: Graph, _ loss: Tensor, freezing: Selection?, thawing: Selection?, _ counts: inout Counts,
    _ name: String
  ) throws {
    let definition = graph.definition
    let explanation = try Explanation(
      graph: definition, loss: loss.value, freezing: freezing, thawing: thawing)
    let status = explanation.status
    for entry in status.variables {
      guard let target = graph.tensor(named: entry.name), target.dtype.isFloatingPoint else { continue }
      let gradient = graph.gradients(of: [loss], withRespectTo: [target])[0]
      var request = CompilationRequest(
        graph: graph.definition, fetches: [gradient.value], freezing: freezing, thawing: thawing)
      request.isTrainingMode = true
      do {
        _ = try Compiler.compile(request)
        // A derivative that is zero everywhere is no missing one.
        #expect(entry.status == .trained || entry.status == .cutOff, "\(name): \(entry)")
      } catch {
        #expect(error.message == "no gradient reaches `\(entry.name)`: \(entry.reason)", "\(name)")
        counts.gradients += 1
        counts.reasons.insert(entry.reason)
      }
    }
    let trained = status.variables.filter { $0.status == .trained || $0.status == .partly }.map(\.name)
    try compareTraining(definition, loss.value, freezing: freezing, thawing: thawing, &counts, name)
    let all = (trained.map { "(\($0))" } + [freezing?.description].compactMap { $0.map { "(\($0))" } })
      .joined(separator: " | ")
    guard !all.isEmpty else { return }
    try compareTraining(definition, loss.value, freezing: Selection(all), thawing: nil, &counts, name)
  }

  private func compareTraining(
    _ graph: GraphDef, _ loss: Value, freezing: Selection?, thawing: Selection?, _ counts: inout Counts,
    _ name: String
  ) throws {
    let request = CompilationRequest(
      graph: graph, fetches: [], training: .init(loss: loss, optimizer: SGD(learningRate: 0.1)),
      freezing: freezing, thawing: thawing)
    let status = try Explanation(request).status
    let compilation: Compilation
    do {
      compilation = try Compiler.compile(request)
    } catch {
      let known = Dictionary(uniqueKeysWithValues: status.variables.map { ($0.name, $0.reason) })
      #expect(error.code == .noGradient && !error.causes.isEmpty, "\(name): \(error)")
      for cause in error.causes {
        let variable = String(try #require(cause.message.split(separator: "`").first))
        #expect(cause.message == "`\(variable)`: \(known[variable] ?? "")", "\(name)")
        counts.reasons.insert(known[variable] ?? "")
      }
      counts.trainings += 1
      return
    }
    // What was found when compiling says the same of every variable as what is asked afterwards.
    #expect(try compilation.status() == status, "\(name)")
  }

  /// Blocks of a hundred graphs each.
  @Test(arguments: 0..<6) func reasonsOfRandomGraphs(_ block: Int) throws {
    var counts = Counts()
    for seed in block * 100..<block * 100 + 100 {
      let model = try RandomScopes(seed: seed)
      try compare(
        model.graph, model.loss, freezing: model.freezing, thawing: model.thawing, &counts, "seed \(seed)")
    }
    #expect(counts.gradients > 150 && counts.trainings > 60 && counts.reasons.count > 40, "\(counts)")
  }

  /// With loops in loops, results and operands of which dead code drops.
  @Test(arguments: 0..<4) func reasonsOfRandomModels(_ block: Int) throws {
    var counts = Counts()
    for seed in block * 40..<block * 40 + 40 {
      let model = RandomModel(seed: seed)
      try compare(
        model.graph, model.loss, freezing: seed % 3 == 0 ? "a | d" : nil, thawing: nil, &counts,
        "seed \(seed)")
    }
    #expect(counts.gradients > 40 && counts.trainings > 20, "\(counts)")
  }

  /// Blocks of variables are read through slices and stops when compiling; that shows in no reason.
  @Test func reasonsWherePartsAreTrained() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [6])
    let v = graph.variable("v", shape: [6])
    let loss = (stopGradient(w) * v).sum()
    let definition = graph.definition
    for (freezing, isTrained) in [("w[0..<2]", true), ("w[0..<2] | v", false), ("v[1..<3]", true)] {
      let request = CompilationRequest(
        graph: definition, fetches: [], training: .init(loss: loss.value, optimizer: Adam()),
        freezing: try Selection(freezing))
      let status = try Explanation(request).status
      if isTrained {
        #expect(try Compiler.compile(request).status() == status)
      } else {
        let fault = #expect(throws: FirnError.self) { try Compiler.compile(request) }
        #expect(fault?.causes.first?.message == "`w`: every path is cut by stop_gradient `stop_gradient`")
        #expect(status.variables.first?.reason == "every path is cut by stop_gradient `stop_gradient`")
      }
    }
  }

  /// More cuts than are listed: the same ones are, in graph order, though compiling sees a smaller graph.
  @Test func theSameCutsAreListed() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [])
    var loss = graph.constant(0)
    for number in 0..<9 { loss = loss + stopGradient(byMode(training: w, inference: w * 2) * Double(number)) }
    let request = CompilationRequest(
      graph: graph.definition, fetches: [], training: .init(loss: loss.value, optimizer: Adam()))
    let reason = try #require(try Explanation(request).status.variables.first?.reason)
    let stops = ["stop_gradient", "stop_gradient_1", "stop_gradient_2", "stop_gradient_3"]
    #expect(
      reason == "every path is cut by " + stops.map { "stop_gradient `\($0)`" }.joined(separator: ", ")
        + " and perhaps more")
    let fault = #expect(throws: FirnError.self) { try Compiler.compile(request) }
    #expect(fault?.causes.map(\.message) == ["`w`: " + reason])
  }

  /// Of a variable read twice, one read may learn and the other not: the error speaks of the one that is asked for.
  @Test func oneReadOfTwo() throws {
    let text = """
      variable w : f32[] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
      %w = read() {variable = "w", dtype = f32, shape = []} : f32[]
      %again = read() {variable = "w", dtype = f32, shape = []} : f32[]
      %stop = stop_gradient(%again) : f32[]
      %loss = mul(%w, %stop) : f32[]
      %g = gradients(%loss, %again) {seeded = [false], targets = 1, stops = 0, unconnected = "error"} : f32[]
      return %g
      """
    let graph = try parsed(header + text)
    let fault = #expect(throws: FirnError.self) {
      try Compiler.compile(CompilationRequest(graph: graph, fetches: graph.outputs))
    }
    #expect(fault?.message == "no gradient reaches `again`: every path is cut by stop_gradient `stop`")
  }

  /// What is differentiated need be no loss, nor one value; the error says which it is.
  @Test func whatDoesNotDependIsNamed() throws {
    let graph = Graph()
    let (x, w) = (graph.placeholder("x", shape: [3]), graph.variable("w", shape: []))
    let outputs = (0..<6).map { exp(x * Double($0)) }
    _ = w * x
    func message(_ sources: [Tensor]) -> String? {
      let gradient = graph.gradients(of: sources, withRespectTo: [w])[0]
      return #expect(throws: FirnError.self) {
        try Compiler.compile(CompilationRequest(graph: graph.definition, fetches: [gradient.value]))
      }?.message
    }
    #expect(message([outputs[0]]) == "no gradient reaches `w`: `exp` does not depend on it")
    #expect(
      message(Array(outputs[1...2]))
        == "no gradient reaches `w`: none of `exp_1`, `exp_2` depends on it")
    #expect(
      message(outputs)
        == "no gradient reaches `w`: none of `exp`, `exp_1`, `exp_2`, `exp_3` and 2 more depends on it"
    )
  }

  /// State that a gradient is asked of, in the words for state.
  @Test func stateIsCalledState() throws {
    let graph = Graph()
    let state = graph.variable("s", shape: [], kind: .state)
    let w = graph.variable("w", shape: [])
    let loss = w * state
    let gradient = graph.gradients(of: [loss], withRespectTo: [state])[0]
    let fault = #expect(throws: FirnError.self) {
      try Compiler.compile(CompilationRequest(graph: graph.definition, fetches: [gradient.value]))
    }
    let status = try Explanation(graph: graph.definition, loss: loss.value).status
    #expect(fault?.message == "no gradient reaches `s`: \(status.variables[0].reason)")
  }

  /// Many variables: the first few are quoted, and those that were meant to learn before those that are frozen.
  @Test func nothingToTrainQuotesTheFirstFew() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [])
    var loss = x
    for number in 0..<7 { loss = loss * graph.variable("f\(number)", shape: [], trainable: false) }
    loss = loss * stopGradient(graph.variable("w", shape: []))
    let request = CompilationRequest(
      graph: graph.definition, fetches: [], training: .init(loss: loss.value, optimizer: Adam()))
    let fault = #expect(throws: FirnError.self) { try Compiler.compile(request) }
    let frozen = "it is frozen by its declaration (`trainable: false`)"
    #expect(
      fault?.causes.map(\.message)
        == ["`w`: every path is cut by stop_gradient `stop_gradient`"]
        + (0..<3).map { "`f\($0)`: \(frozen)" })
    #expect(fault?.message.hasSuffix("of 8 variables the first 4:") == true)
  }
}
