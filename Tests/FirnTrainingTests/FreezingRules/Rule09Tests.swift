import FirnCompiler
import FirnGraph
import FirnNotation
import FirnRuntime
import FirnTraining
import Testing

/// What a missing gradient's error says is what status says of the variable, for every subset of a model's scopes.
extension FreezingRuleTests {
  @Test func rule09ReasonsAreThoseOfStatus() throws {
    let model = try NestedModel()
    let session = try quietSession(model.graph)
    let definition = model.graph.definition
    let variables = try variableTensors(of: model.graph)
    let gradients = variables.map { model.graph.gradients(of: [model.loss], withRespectTo: [$0])[0] }
    var (missing, nothing) = (0, 0)
    var reasons: Set<String> = []
    for selection in Self.subsets {
      let status = try Explanation(graph: definition, loss: model.loss.value, freezing: selection).status
      for (entry, gradient) in zip(status.variables, gradients) where entry.status != .trained {
        let fault = try error { _ = try session.compile(fetching: [gradient], freezing: selection) }
        #expect(fault.message == "no gradient reaches `\(entry.name)`: \(entry.reason)")
        missing += 1
        reasons.insert(entry.reason)
      }
      guard !status.variables.contains(where: { $0.status == .trained }) else {
        let program = try session.compile(
          minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: selection)
        #expect(program.status == status)
        continue
      }
      let fault = try error {
        _ = try session.compile(minimizing: model.loss, with: SGD(learningRate: 0.1), freezing: selection)
      }
      let ordered =
        status.variables.filter { $0.status != .frozen } + status.variables.filter { $0.status == .frozen }
      #expect(fault.causes.map(\.message) == ordered.prefix(4).map { "`\($0.name)`: \($0.reason)" })
      nothing += 1
    }
    #expect(missing > 500 && nothing >= 4 && reasons.count > 50, "\(missing) \(nothing) \(reasons.count)")
  }
}
