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

  /// A file holds the record, its digest and what that lists: no less, so that damage shows, and no more.
  @Test func recordsHaveTheirDigestAndListAllThereIs() throws {
    let checkpoint = try checkpoint().checkpoint
    try withFolder { url in
      let path = url.appendingPathComponent("c.safetensors").path
      try checkpoint.write(to: path)
      let file = try Weights(contentsOf: path)
      let more = WeightEntry(name: "more", array: NDArray(scalar: 1 as Float))
      for (entries, metadata, says) in [
        (file.entries, file.metadata.filter { $0.key != CheckpointRecord.digestKey }, "its record is not"),
        (file.entries + [more], file.metadata, "tensors that its record does not list"),
        (
          file.entries.filter { $0.name != GraphText.name }, file.metadata,
          "lacks `\(GraphText.name)`, which its record lists"
        ),
      ] {
        try Weights(source: "c", entries: entries, metadata: metadata).write(to: path)
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

  /// A record of which a number is another, and the digest with it, is refused or resumed from; whatever it says, nothing
  /// traps, and what can be resumed goes on.
  @Test func recordsOfAnyNumbersAreResumedOrRefused() throws {
    let model = try Chain()
    func program(_ session: Session) throws -> Program {
      try session.compile(
        minimizing: model.loss, with: Adam(), freezing: "lower/kernel[0..<1] | upper/kernel[axis 1: 2..<4]")
    }
    try withFolder { url in
      let path = url.appendingPathComponent("c.safetensors").path
      let session = try quietSession(model.graph)
      try session.setValue(try noise([2, 4]), of: "lower/kernel[1..<3]")
      let made = try program(session)
      try session.run(made, feeding: model.feeds)
      let position = DataPosition(epoch: 1, batch: 2, step: 1, seed: 5, batchSize: 7, count: 21)
      try Checkpoint(of: session, running: made, step: 1, position: position, metric: 2).write(to: path)
      let file = try Weights(contentsOf: path)
      let record = try #require(file.metadata.first { $0.key == CheckpointRecord.key }?.value)
      #expect(record.contains("unset") && record.contains("range"))
      var (resumed, refused) = (0, 0)
      // Those that stand by themselves: digests and names hold digits too.
      let numbers = record.ranges(of: /[0-9]+/).filter { range in
        range.upperBound < record.endIndex && "],}".contains(record[range.upperBound])
          && "[:,".contains(record[record.index(before: range.lowerBound)])
      }
      for number in numbers {
        for other in [
          "-1", "0", "1", "3", "4", "9223372036854775807", "18446744073709551615",
          "-9223372036854775808", "1e300", "true", "null",
        ] {
          let text = record.replacingCharacters(in: number, with: other)
          let metadata = [
            Weights.Metadata(key: CheckpointRecord.key, value: text),
            Weights.Metadata(key: CheckpointRecord.digestKey, value: Checksum.text(of: text)),
          ]
          try Weights(source: "c", entries: file.entries, metadata: metadata).write(to: path)
          for isCompiled in [false, true] {
            let session = try quietSession(model.graph)
            if isCompiled { _ = try program(session) }
            let before = try session.everything()
            do {
              let checkpoint = try Checkpoint(contentsOf: path)
              try checkpoint.resume(in: session)
              #expect(!checkpoint.description.isEmpty)
            } catch is FirnError {
              #expect(try session.everything() == before)
              refused += 1
              continue
            }
            // Memory of a block that the program has not is dropped.
            let again = try program(session)
            try session.run(again, feeding: model.feeds)
            _ = try Checkpoint(of: session, running: again, step: 2)
            resumed += 1
          }
        }
      }
      #expect(resumed > 20 && refused > 100, "\(resumed), \(refused)")
    }
  }
}
