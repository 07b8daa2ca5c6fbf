import FirnFormats
import FirnGraph
import FirnNN
import FirnRuntime
import Foundation
import Testing

/// A file with two biases, a layer with one: said in words, for outputs do not show it and training does.
@Suite struct JoinedBiasTests {
  private func loaded(
    _ file: String, _ layer: RNN, _ network: RecurrentNetwork
  ) throws -> (report: LoadReport, warnings: [String]) {
    let graph = Graph()
    _ = layer(graph.placeholder("sequence", shape: ["batch", 3, 3]))
    let session = try CheckpointParityTests.quiet(graph)
    var warnings: [String] = []
    session.onWarning = { warnings.append($0) }
    let report = try session.load(
      CheckpointParityTests.weights(file), mapping: .pyTorchRNN(network, from: "rnn.", into: "net"),
      strict: true)
    return (report, warnings)
  }

  @Test func oneBiasForTwoIsAWarning() throws {
    let network = RecurrentNetwork(.lstm, layers: 2, isBidirectional: true)
    let (report, warnings) = try loaded(
      "lstm.pth", LSTM(4, layers: 2, isBidirectional: true, name: "net"), network)
    let warning = try #require(warnings.first)
    #expect(
      warnings.count == 1 && warning.contains("`net/layer_0/forward/bias`, `net/layer_0/backward/bias`"))
    #expect(
      warning.contains("outputs are equal, training differs") && warning.contains("`biases: .separate`"))
    let joined = report.rows(.converted).filter { $0.note.contains("the sum of two biases") }
    #expect(joined.count == 4 && joined.allSatisfy { $0.variable?.hasSuffix("/bias") == true }, "\(report)")
    #expect(joined.allSatisfy { $0.sources.count == 2 })
  }

  /// Nothing is lost where both are kept, nor of a GRU, which has two.
  @Test func twoForTwoIsNone() throws {
    let separate = RecurrentNetwork(.lstm, layers: 2, isBidirectional: true, biases: .separate)
    let both = try loaded(
      "lstm.pth", LSTM(4, biases: .separate, layers: 2, isBidirectional: true, name: "net"), separate)
    #expect(both.warnings.isEmpty && !both.report.rows.contains { $0.note.contains("sum") })
    let gru = try loaded(
      "gru.pth", GRU(4, layers: 2, name: "net"), RecurrentNetwork(.gru(resetAfter: true), layers: 2))
    #expect(gru.warnings.isEmpty && !gru.report.rows.contains { $0.note.contains("sum") })
  }

  /// Also where another map follows, or one before gave the names.
  @Test func mapsHandItOn() throws {
    let graph = Graph()
    _ = LSTM(4, layers: 2, isBidirectional: true, name: "net")(
      graph.placeholder("sequence", shape: ["batch", 3, 3]))
    let session = try CheckpointParityTests.quiet(graph)
    var warnings: [String] = []
    session.onWarning = { warnings.append($0) }
    let network = RecurrentNetwork(.lstm, layers: 2, isBidirectional: true)
    try session.load(
      CheckpointParityTests.weights("lstm.pth"),
      mapping: .pyTorchRNN(network, from: "rnn.", into: "other").then(.prefix("other/", "net/")))
    #expect(warnings.count == 1 && warnings.first?.contains("`net/layer_1/backward/bias`") == true)
  }

  /// What was written from a layer of one bias has a second one of zeros, and nothing is lost.
  @Test func aBiasOfZerosIsNone() throws {
    let graph = Graph()
    _ = LSTM(4, name: "net")(graph.placeholder("sequence", shape: ["batch", 3, 3]))
    let session = try CheckpointParityTests.quiet(graph)
    var warnings: [String] = []
    session.onWarning = { warnings.append($0) }
    try session.setValue(NDArray((0..<16).map { Float($0) }), of: "net/bias")
    let map = NameMap.pyTorchRNN(RecurrentNetwork(.lstm), from: "rnn.", into: "net")
    let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).pth").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try session.save(to: path, mapping: map)
    try session.load(Weights(contentsOf: path), mapping: map)
    #expect(warnings.isEmpty)
    #expect(try session.value(of: "net/bias").floats == (0..<16).map { Float($0) })
  }
}
