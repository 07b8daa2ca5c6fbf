import FirnGraph
import FirnNN
import FirnNotation
import FirnRuntime
import Foundation
import Testing

@testable import FirnFormats

/// The layout of Keras's CuDNN layers against Keras's own conversion; `Fixtures/cudnn.py` made the file.
@Suite struct CuDNNLayoutTests {
  private static let networks: [(name: String, network: RecurrentNetwork)] = [
    ("lstm", RecurrentNetwork(.lstm)), ("gru", RecurrentNetwork(.gru(resetAfter: true))),
  ]

  private func arrays(_ prefix: String) throws -> [String: NDArray] {
    let below = try CheckpointParityTests.weights("cudnn.npz").below(prefix)
    return Dictionary(
      try below.entries.map { ($0.name.replacing(":0", with: ""), try $0.array()) }, uniquingKeysWith: { $1 })
  }

  @Test(arguments: [0, 1]) func asKerasConverts(_ which: Int) throws {
    let (name, network) = Self.networks[which]
    let (plain, stored) = (try arrays(name), try arrays("cu_dnn" + name))
    #expect(try network.converting(stored, from: .kerasCuDNN, to: .keras) == plain)
    // The other way round a bias becomes two halves, and the sum is what it was.
    let back = try network.converting(plain, from: .keras, to: .kerasCuDNN)
    #expect(back["kernel"] == stored["kernel"] && back["recurrent_kernel"] == stored["recurrent_kernel"])
    #expect(try network.converting(back, from: .kerasCuDNN, to: .keras) == plain)
    if name == "gru" { #expect(back == stored) }
    let separate = RecurrentNetwork(network.cell, biases: .separate)
    let own = try separate.converting(stored, from: .kerasCuDNN, to: .firn())
    #expect(own["recurrent_bias"] != nil)
    #expect(try separate.converting(own, from: .firn(), to: .kerasCuDNN) == stored)
  }

  @Test(arguments: [0, 1]) func theMapLoadsAndSaves(_ which: Int) throws {
    let (name, network) = Self.networks[which]
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 5, 3])
    let layer: RNN = name == "lstm" ? LSTM(4, name: "net") : GRU(4, name: "net")
    let y = layer.run(x).sequence
    let (session, plain) = (try CheckpointParityTests.quiet(graph), try CheckpointParityTests.quiet(graph))
    var warnings: [String] = []
    session.onWarning = { warnings.append($0) }
    let file = try CheckpointParityTests.weights("cudnn.npz")
    let map = NameMap.kerasCuDNNRNN(network, from: ["cu_dnn\(name)/"], into: "net")
    try session.load(file, only: "net", mapping: map)
    #expect(warnings.count == (name == "lstm" ? 1 : 0), "\(warnings)")
    try plain.load(file, only: "net", mapping: .kerasRNN(network, from: "\(name)/", into: "net"))
    #expect(try session.snapshot() == plain.snapshot())
    let feed = try Initializer.uniform(-1, 1).values(shape: [2, 5, 3], name: "x")
    let values = try session.run(session.compile(fetching: [y]), feeding: [x: feed])
    #expect(try values[y].doubles.allSatisfy { $0.isFinite && $0 != 0 })
    try WeightFixtures.inFolder { folder in
      let kept = ProcessInfo.processInfo.environment["FIRN_WRITTEN"].map { URL(fileURLWithPath: $0) }
      let path = (kept ?? folder).appendingPathComponent("cudnn-\(name).npz").path
      try session.save(to: path, mapping: map)
      let again = try CheckpointParityTests.quiet(graph)
      try again.load(Weights(contentsOf: path), mapping: map)
      #expect(try again.snapshot() == session.snapshot())
    }
  }

  /// Stacks and directions, whose names are Keras's own.
  @Test func stacksAndDirections() throws {
    let network = RecurrentNetwork(.lstm, layers: 2, isBidirectional: true, biases: .separate)
    var own: [String: NDArray] = [:]
    for (layer, features) in [3, 8].enumerated() {
      for direction in ["forward", "backward"] {
        for (leaf, shape) in [
          ("kernel", [features, 16]), ("recurrent_kernel", [4, 16]), ("bias", [16]), ("recurrent_bias", [16]),
        ] {
          let name = "layer_\(layer)/\(direction)/\(leaf)"
          own[name] = try Initializer.uniform(-1, 1).values(shape: shape, name: name)
        }
      }
    }
    let there = try network.converting(own, from: .firn(), to: .kerasCuDNN)
    #expect(
      there["layer_1/backward/bias"]?.shape == [32] && there["layer_0/forward/kernel"]?.shape == [3, 16])
    #expect(try network.converting(there, from: .kerasCuDNN, to: .firn()) == own)
  }

  /// Taken for a plain layer's, it is refused whole, with what reads it: kernels alone would load and be wrong.
  @Test(arguments: [0, 1]) func takenForAnotherLayout(_ which: Int) throws {
    let (name, network) = Self.networks[which]
    let stored = try arrays("cu_dnn" + name)
    let error = try #require(throws: FirnError.self) {
      try network.converting(stored, from: .keras, to: .firn())
    }
    #expect(error.message.contains("CuDNN") && error.remedy?.contains(".kerasCuDNN") == true, "\(error)")
    let graph = Graph()
    let layer: RNN = name == "lstm" ? LSTM(4, name: "net") : GRU(4, name: "net")
    _ = layer(graph.placeholder("x", shape: ["batch", 5, 3]))
    let session = try CheckpointParityTests.quiet(graph)
    let before = try session.snapshot()
    let refused = try #require(throws: FirnError.self) {
      _ = try session.load(
        CheckpointParityTests.weights("cudnn.npz").below("cu_dnn" + name),
        mapping: .kerasRNN(network, from: "", into: "net"), strict: false)
    }
    #expect(refused.description.contains("CuDNN") && session.snapshotEquals(before), "\(refused)")
  }

  @Test func whatItCannotHold() throws {
    for network in [
      RecurrentNetwork(.simple), RecurrentNetwork(.gru(resetAfter: false)),
      RecurrentNetwork(.lstm, hasPeepholes: true), RecurrentNetwork(.lstm, hasProjection: true),
      RecurrentNetwork(.lstm, biases: .none),
    ] {
      let error = try #require(throws: FirnError.self) {
        try network.converting([:], from: .firn(), to: .kerasCuDNN)
      }
      #expect(error.code == .invalidArgument && error.message.contains("CuDNN"), "\(error)")
    }
    let lstm = RecurrentNetwork(.lstm)
    var stored = try arrays("cu_dnnlstm")
    for (name, shape) in [("bias", [31]), ("recurrent_kernel", [5, 16]), ("kernel", [3, 15])] {
      stored[name] = try NDArray(zeros: shape)
      let error = try #require(throws: FirnError.self) {
        try lstm.converting(stored, from: .kerasCuDNN, to: .firn())
      }
      #expect(error.code == .shapeMismatch && error.message.contains("`\(name)`"), "\(error)")
      stored = try arrays("cu_dnnlstm")
    }
  }

  /// Where no kernel says how wide a cell is, its recurrent one still has to be square in each gate.
  @Test func recurrentKernelAloneIsSquare() throws {
    let lstm = RecurrentNetwork(.lstm)
    func made(_ shape: [Int]) throws -> RecurrentNetwork.Converted {
      try lstm.convertingWhatIsThere(
        ["recurrent_kernel": NDArray(zeros: shape)], from: .kerasCuDNN, to: .firn())
    }
    #expect(try made([4, 16]).arrays.map(\.name) == ["recurrent_kernel"])
    let askew = try made([5, 16])
    #expect(askew.arrays.isEmpty && askew.faults.map(\.name) == ["recurrent_kernel"])
    #expect(askew.faults.first?.error.code == .shapeMismatch)
    #expect(askew.faults.first?.error.message.hasSuffix("is [5,16], wanted is [units, 4·units]") == true)
  }
}

extension Session {
  fileprivate func snapshotEquals(_ other: Snapshot) -> Bool { (try? snapshot()) == other }
}
