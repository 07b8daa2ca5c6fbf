import FirnFormats
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import Foundation
import Testing

@testable import FirnTraining

/// How a checkpoint lies in its file, and what of that can be wrong.
@Suite struct CheckpointFormTests {
  private func checkpoint() throws -> (graph: Graph, checkpoint: Checkpoint) {
    let model = try Chain()
    let session = try quietSession(model.graph)
    let program = try session.compile(minimizing: model.loss, with: Adam())
    try session.run(program, feeding: model.feeds)
    return (model.graph, try Checkpoint(of: session, running: program, step: 1))
  }

  /// The header does not grow with the arrays of the graph: a reader takes no more than 100 MB of it.
  @Test func theGraphIsNotInTheHeader() throws {
    let graph = Graph()
    let table = graph.variable("table", shape: [20_000], initializer: .array(try noise([20_000])))
    let session = try quietSession(graph)
    let program = try session.compile(minimizing: table.mean(), with: Adam())
    try withFolder { url in
      let file = url.appendingPathComponent("c.safetensors")
      try Checkpoint(of: session, running: program, step: 1).write(to: file.path)
      let read = try Checkpoint(contentsOf: file.path)
      #expect(read.graph == graph.definition.text && read.graph.utf8.count > 100_000)
      #expect(
        read.weights.entries.map(\.name).sorted()
          == ["table", "table/adam/first_moment", "table/adam/second_moment", "table/adam/step"])
      let header = try Data(contentsOf: file).prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      #expect(header < 4_000)
      let other = try quietSession(graph)
      try read.resume(in: other)
      #expect(try other.everything() == session.everything())
    }
  }

  /// Printed once while the graph stays as it is, and anew when it grew.
  @Test func theGraphIsPrintedOnce() throws {
    let graph = Graph()
    let w = graph.variable("wä", shape: [2])
    let v = graph.variable("v", shape: [2])
    _ = w
    var text = GraphText()
    let first = try text.entry(of: graph.definition).array()
    #expect(try text.entry(of: graph.definition).array().sharedStorage === first.sharedStorage)
    _ = v + 1
    let entry = text.entry(of: graph.definition)
    #expect(try entry.array().sharedStorage !== first.sharedStorage)
    #expect(try GraphText.text(of: entry) == graph.definition.text)
  }

  /// What a later form holds need not be readable for saying that it is one.
  @Test func laterFormsAreSaidToBeLater() throws {
    let checkpoint = try checkpoint().checkpoint
    try withFolder { url in
      let path = url.appendingPathComponent("c.safetensors").path
      for (record, says) in [
        (#"{"version":99,"everything":"else"}"#, "a newer version"), (#"{"version":1}"#, "an older version"),
        (#"{"version":4}"#, "damaged"),
        ("{}", "damaged"), ("", "damaged"),
      ] {
        let metadata = [Weights.Metadata(key: CheckpointRecord.key, value: record)]
        try Weights(source: "c", entries: checkpoint.weights.entries, metadata: metadata).write(to: path)
        let error = try error { _ = try Checkpoint(contentsOf: path) }
        #expect(error.code == .parse && error.message.contains(says), "\(error)")
      }
    }
  }

  /// Memory that the record lists but the file has not would otherwise start fresh unseen.
  @Test func missingMemoryIsAnError() throws {
    let (graph, checkpoint) = try checkpoint()
    try withFolder { url in
      let path = url.appendingPathComponent("c.safetensors").path
      let name = "upper/bias/adam/second_moment"
      try Weights(
        source: "c", entries: checkpoint.weights.entries.filter { $0.name != name },
        metadata: checkpoint.weights.metadata
      ).write(to: path)
      let session = try quietSession(graph)
      let before = try session.everything()
      let error = try error { try Checkpoint(contentsOf: path).resume(in: session) }
      #expect(error.code == .parse && error.place == name && error.message.contains("lacks `\(name)`"))
      #expect(try session.everything() == before)
    }
  }
}
