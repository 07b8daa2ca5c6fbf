import FirnCompiler
import FirnGraph
import FirnNotation
import FirnTraining
import Foundation
import Testing

/// The example in each pass's documentation is what the pass does.
@Suite struct DocumentedExampleTests {
  private static let sources = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Sources/FirnCompiler/Passes")

  /// The lines of the comment before `declaration` that are code, up to and after the word `becomes`.
  private func example(of pass: Pass) throws -> (before: String, after: String) {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.sources.path()).sorted()
    for file in files where file.hasSuffix(".swift") {
      let text = try String(contentsOf: Self.sources.appending(path: file), encoding: .utf8)
      guard text.contains("Pass(\"\(pass.name)\"") else { continue }
      var blocks = [""]
      for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
        let line = line.drop { $0 == " " }
        if line.hasPrefix("///     ") {
          blocks[blocks.count - 1] += line.dropFirst(8) + "\n"
        } else if line == "/// becomes" {
          blocks.append("")
        }
      }
      try #require(blocks.count == 2, "the documentation of \(pass.name) has one example")
      return (header + blocks[0], header + blocks[1])
    }
    throw CancellationError()
  }

  private static let plain = [
    Compiler.extractRequested, Compiler.deadCode, Compiler.resolveModes, Compiler.expandGradients,
    Compiler.simplify,
    Compiler.commonSubexpressions, Compiler.narrowAdjoints, Compiler.hoistInvariants, Compiler.batchSteps,
    Compiler.sumAfterLoops, Compiler.arrangeOnce, Compiler.exchangeGradients, Compiler.foldFrozen,
    Compiler.transformFrozen, Compiler.hoistFrozen, Compiler.keepBits, Compiler.remakeQuick,
    Compiler.fuse,
  ]

  @Test(arguments: plain) func exampleHolds(_ pass: Pass) throws {
    let (before, after) = try example(of: pass)
    let result = try pass(before, isTrainingMode: true)
    let expected = try parsed(after).text
    #expect(result == expected)
    #expect(after != before)
  }

  private static let training = [Compiler.pruneGradients, Compiler.applyOptimizer]

  /// These two are run once: they add what was asked for.
  @Test(arguments: training)
  func exampleOfTrainingHolds(_ pass: Pass) throws {
    let (before, after) = try example(of: pass)
    let result = try pass(before, training: SGD(learningRate: 0.5), isIdempotent: false) { context in
      var graph = context.request.graph
      guard let loss = graph.outputs.last else { return }
      graph.nodes.removeAll { $0.phase != .forward }
      context.prunings = [PruningRecord(graph, of: loss, trainability: context.trainability)]
      context.gradientRequests = ["gradients"]
    }
    let expected = try parsed(after).text
    #expect(result == expected)
  }

  @Test func exampleOfPartsHolds() throws {
    let (before, after) = try example(of: Compiler.splitVariables)
    let frozen = ["w": [Block(axis: 0, range: 1..<3)]]
    let result = try Compiler.splitVariables(
      before, training: SGD(learningRate: 0.5), isIdempotent: false, parts: frozen)
    let expected = try parsed(after).text
    #expect(result == expected)
    let whole = try Compiler.splitVariables(before, training: SGD(learningRate: 0.5))
    #expect(whole == (try parsed(before).text))
    let without = try Compiler.splitVariables(before, parts: frozen)
    #expect(without == (try parsed(before).text))
  }

  @Test func exampleOfRowsHolds() throws {
    let (before, after) = try example(of: Compiler.updateRows)
    let update = RowUpdate(gradients: [0], assignments: ["update/w/assign"])
    let result = try Compiler.updateRows(before, training: SGD(learningRate: 0.5)) { context in
      context.rowUpdates = [update]
      context.rowGradients = [0: "g"]
    }
    let expected = try parsed(after).text
    #expect(result == expected)
    // Another gradient of the table is not of rows, or the optimiser moves all: nothing changes.
    let unmoved = try parsed(before).text
    let tied = try Compiler.updateRows(before, training: SGD(learningRate: 0.5)) { context in
      context.rowUpdates = [RowUpdate(gradients: [0, 1], assignments: ["update/w/assign"])]
      context.rowGradients = [0: "g"]
    }
    #expect(tied == unmoved)
    let dense = try Compiler.updateRows(before, training: SGD(learningRate: 0.5)) { context in
      context.rowGradients = [0: "g"]
    }
    #expect(dense == unmoved)
  }

  @Test func exampleOfCopiesHolds() throws {
    let (before, after) = try example(of: Compiler.copyUpdates)
    let graph = try parsed(before)
    var request = CompilationRequest(
      graph: graph, fetches: [],
      training: .init(loss: graph.outputs[0], optimizer: SGD(learningRate: 0.5)))
    request.graph.outputs = []
    var context = try CompilationContext(request)
    context.isFollowing = false
    context.copies.kinds = [.init(model: "a")]
    context.copies.members = [.init("a", kind: 0), .init("b", kind: 0, behind: "update/a/assign")]
    let result = try Compiler.copyUpdates.run(graph, &context)
    try result.verify()
    #expect(result.text == (try parsed(after).text))
    // Once they are made there are none to make.
    #expect(try Compiler.copyUpdates.run(result, &context) == result)
  }

  @Test func exampleOfStoringHolds() throws {
    let (before, after) = try example(of: Compiler.storeFrozen)
    let result = try Compiler.storeFrozen(before, storingFrozen: .bfloat16)
    let expected = try parsed(after).text
    #expect(result == expected)
    let unasked = try Compiler.storeFrozen(before)
    #expect(unasked == (try parsed(before).text))
  }

  @Test func exampleOfRecomputationHolds() throws {
    let (before, after) = try example(of: Compiler.recompute)
    let result = try Compiler.recompute(before) { $0.recomputing = ["body"] }
    let expected = try parsed(after).text
    #expect(result == expected)
    let without = try Compiler.recompute(before)
    #expect(without == (try parsed(before).text))
  }

  @Test func everyPassHasOne() throws {
    let run = Set(
      (Self.plain + Self.training
        + [
          Compiler.splitVariables, Compiler.updateRows, Compiler.recompute, Compiler.copyUpdates,
          Compiler.storeFrozen,
        ]).map(\.name))
    for pass in Compiler.pipeline {
      _ = try example(of: pass)
      #expect(run.contains(pass.name), "the example of `\(pass.name)` is run by no test")
    }
  }
}
