import Foundation
import Testing

@testable import FirnCLI

/// What `--json` writes can be relied on: it parses, and its keys are these.
@Suite struct JSONOutputTests {
  private static let model = "Examples/Graphs/lstm-classifier.firn"
  private static let cost =
    "backwardFLOPs backwardNodes forwardFLOPs forwardNodes gradientBytes keptBytes slotBytes updateFLOPs updateNodes"
  private static let variable = "bytes count name readers[] reason role status type"

  @Test(
    arguments: [
      (
        "inspect",
        [],
        "bytes dimensions[] loss nodes ops[]{count inLoops name} parameters placeholders[]{name type}"
          + " scopes[]{bytes frozen ops parameters path variables} topVariables[] variables"
      ),
      ("inspect", ["--paths"], "[]"),
      (
        "query", ["head/kernel[0..<3]"],
        "bytes count rows[]{blocks[] bytes count matchedBy[] path role status type} selection"
      ),
      (
        "explain", ["--freeze", "encoder"],
        "scopes[]{count mode parameters path status trainedCount trainedParameters} variables[]{\(Self.variable)}"
      ),
      ("explain", ["head", "--freeze", "encoder"], "[]{\(Self.variable)}"),
      (
        "explain", ["head/kernel"],
        "connection{cuts[] opening[] path[]{file line loops[] name op scope} verdict} readers[] reason status"
          + " variable"
      ),
      (
        "explain", ["head/kernel", "--of", "loss/reduce_mean"],
        "cuts[] opening[] path[]{file line loops[] name op scope} verdict"
      ),
      (
        "cost", ["--freeze", "encoder", "--pins"],
        "caching{cheaper[] cut{bytesPerExample savedFLOPs values[]{bytes name type}} obstacles[] stepFLOPs} "
          + "cost{frozen{flops folds[] transforms[] values[]{bytes name variables[]}} "
          + "memory{condensed[] kept[]{bytes name} recomputed[] remade[]} "
          + "scopes[]{cost{\(Self.cost)} path unfrozen{\(Self.cost)}} total{\(Self.cost)} unfrozen{\(Self.cost)}}"
          + " pins[]{kept[]{bytes name} saved{\(Self.cost)} variable}"
      ),
      (
        "lint", ["--freeze", "trunk", "--keep-training-mode", "trunk"],
        "[]{code message page places[] remedy severity subjects[]}"
      ),
      (
        "diff", ["--freeze", "head/kernel[0..<3]", "--against", "encoder"],
        "after{\(Self.cost)} before{\(Self.cost)} changes[]{after before blocksAfter[] blocksBefore[] variable} frozen[]"
          + " thawed[]"
      ),
      ("dot", [], "dot"),
    ] as [(String, [String], String)])
  func keysArePinned(_ command: String, _ arguments: [String], _ keys: String) throws {
    let model = command == "lint" ? "Examples/Graphs/digits-network.firn" : Self.model
    let result = CommandLineRunner.run([command, model] + arguments + ["--json"])
    #expect(result.errors.isEmpty && result.code == (command == "lint" ? 1 : 0))
    let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    #expect(Self.outline(object) == keys)
  }

  /// Every command that answers a question is among them; what `predict` gives is the values themselves.
  @Test func everyQuestionHasJSON() {
    for entry in Main.entries where !["demo", "completion", "predict"].contains(entry.declaration.name) {
      #expect(entry.declaration.options.contains { $0.name == "json" }, "\(entry.declaration.name)")
    }
  }

  /// Keys in order, those of an array's elements together.
  private static func outline(_ value: Any) -> String {
    if let array = value as? [Any] {
      var merged: [String: Any] = [:]
      for case let element as [String: Any] in array { merged.merge(element) { fuller($0, $1) } }
      return merged.isEmpty ? "[]" : "[]{\(outline(merged))}"
    }
    guard let object = value as? [String: Any] else { return "" }
    return object.keys.sorted().map { key in
      guard let inner = object[key] else { return key }
      return inner is [String: Any] ? "\(key){\(outline(inner))}" : key + outline(inner)
    }.joined(separator: " ")
  }

  /// Of two values of one key the one that shows more of its elements' keys.
  private static func fuller(_ a: Any, _ b: Any) -> Any {
    ((b as? [Any])?.count ?? 0) > ((a as? [Any])?.count ?? 0) ? b : a
  }
}
