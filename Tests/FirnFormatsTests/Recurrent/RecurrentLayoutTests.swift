import FirnFormats
import FirnGraph
import FirnNN
import Testing

@Suite struct RecurrentLayoutTests {
  /// Out of Firn's layout and back, the same bits where nothing is summed.
  @Test(arguments: [DType.f64, .f32]) func roundTrips(_ dtype: DType) throws {
    for cell in [RecurrentNetwork.Cell.simple, .lstm, .gru(resetAfter: true), .gru(resetAfter: false)] {
      for (layers, both) in [(1, false), (1, true), (3, false), (3, true)] {
        let network = RecurrentNetwork(cell, layers: layers, isBidirectional: both)
        let own = try weights(network, dtype)
        for layout in [RecurrentLayout.firn(scope: "a/b"), .pyTorch, .keras, .tensorFlow1(forgetBias: 0)] {
          guard let there = try? network.converting(own, from: .firn(), to: layout) else {
            #expect(cell == .gru(resetAfter: layout != .pyTorch))
            continue
          }
          #expect(try network.converting(there, from: layout, to: .firn()) == own, "\(network) \(layout)")
        }
      }
    }
  }

  @Test func peepholesAndProjectionGoToTensorFlow() throws {
    let network = RecurrentNetwork(.lstm, layers: 2, hasPeepholes: true, hasProjection: true)
    let own = try weights(network, .f64)
    let there = try network.converting(own, from: .firn(), to: .tensorFlow1())
    #expect(there["cell_1/kernel"]?.shape == [2 + 2, 16])
    #expect(there["cell_0/w_f_diag"]?.shape == [4])
    let back = try network.converting(there, from: .tensorFlow1(), to: .firn())
    #expect(back.keys.sorted() == own.keys.sorted())
    for (name, array) in own {
      let worst = zip(array.doubles, back[name]?.doubles ?? []).map { abs($0 - $1) }.max() ?? 1
      #expect(worst <= 1e-15, "\(name)")
    }
  }

  /// TensorFlow's forget bias becomes part of the bias, in the block that is Firn's second and TensorFlow's third.
  @Test func forgetBias() throws {
    let network = RecurrentNetwork(.lstm)
    let given = try [
      "kernel": NDArray(zeros: [3, 8]), "bias": NDArray([0, 1, 2, 3, 4, 5, 6, 7] as [Float]),
    ]
    let own = try network.converting(given, from: .tensorFlow1(forgetBias: 1), to: .firn())
    #expect(own["bias"]?.doubles == [0, 1, 5, 6, 2, 3, 6, 7])
    #expect(own["kernel"]?.shape == [1, 8])
    #expect(try network.converting(own, from: .firn(), to: .tensorFlow1(forgetBias: 1)) == given)
  }

  @Test func whatALayoutCannotHold() throws {
    for (network, layout, words) in [
      (RecurrentNetwork(.gru(resetAfter: false)), RecurrentLayout.pyTorch, "reset after"),
      (RecurrentNetwork(.gru(resetAfter: true)), .tensorFlow1(), "GRUCell"),
      (RecurrentNetwork(.lstm, hasPeepholes: true), .pyTorch, "peepholes"),
      (RecurrentNetwork(.lstm, hasPeepholes: true), .keras, "peepholes"),
      (RecurrentNetwork(.lstm, hasProjection: true), .keras, "projection"),
    ] {
      let error = try #require(
        throws: FirnError.self
      ) { try network.converting(weights(network, .f32), from: .firn(), to: layout) }
      #expect(error.code == .invalidArgument && error.message.contains(words), "\(error)")
    }
  }

  @Test func faultyWeights() throws {
    let network = RecurrentNetwork(.lstm, isBidirectional: true)
    let good = try network.converting(weights(network, .f32), from: .firn(), to: .pyTorch)
    let faults: [(String, NDArray?, FirnError.Code, String)] = [
      ("weight_hh_l0_reverse", nil, .unknownName, "weight_hh_l0_reverse"),
      ("weight_ih_l1", try NDArray(zeros: [16, 3]), .unknownName, "weight_ih_l1"),
      ("weight_ih_l0", try NDArray(zeros: [15, 3]), .shapeMismatch, "4·units"),
      ("weight_hh_l0", try NDArray(zeros: [16, 3]), .shapeMismatch, "[16, 4]"),
      ("bias_hh_l0", try NDArray(zeros: [16, 1]), .shapeMismatch, "[16]"),
      ("bias_ih_l0", try NDArray(zeros: [16], dtype: .f64), .typeMismatch, "f64"),
      ("weight_ih_l0", try NDArray(zeros: [16, 3], dtype: .i32), .typeMismatch, "i32"),
    ]
    for (name, array, code, words) in faults {
      var weights = good
      weights[name] = array
      let error = try #require(throws: FirnError.self) {
        try network.converting(weights, from: .pyTorch, to: .firn())
      }
      #expect(error.code == code && error.message.contains(words), "\(error)")
    }
  }

  /// TensorFlow's kernel has the rows of the input and those of the state; what is of others has no place between them.
  @Test(arguments: [
    ("cell_1/kernel", [7, 16], "[4 + 4, 16]"), ("cell_1/kernel", [9, 16], "[4 + 4, 16]"),
    ("cell_0/kernel", [3, 16], "[in + 4, 16]"),
  ]) func jointKernelOfOtherFeatures(name: String, shape: [Int], wanted: String) throws {
    let network = RecurrentNetwork(.lstm, layers: 2)
    var weights = try network.converting(weights(network, .f32), from: .firn(), to: .tensorFlow1())
    weights[name] = try NDArray(zeros: shape)
    let error = try #require(throws: FirnError.self) {
      try network.converting(weights, from: .tensorFlow1(), to: .firn())
    }
    #expect(error.code == .shapeMismatch && error.place == name, "\(error)")
    #expect(error.message.hasSuffix("wanted is " + wanted), "\(error)")
  }

  /// Weights in Firn's layout, no two elements equal, whose biases are exact sums.
  private func weights(_ network: RecurrentNetwork, _ dtype: DType) throws -> [String: NDArray] {
    let gates = network.cell == .simple ? 1 : network.cell == .lstm ? 4 : 3
    var (result, next): ([String: NDArray], Double) = ([:], 0)
    func array(_ shape: [Int]) throws -> NDArray {
      let count = shape.reduce(1, *)
      defer { next += Double(count) }
      return try NDArray((0..<count).map { (next + Double($0)) / 64 }, shape: shape).converted(to: dtype)
    }
    let hidden = network.hasProjection ? 2 : 4
    for layer in 0..<network.layers {
      for direction in network.isBidirectional ? ["forward", "backward"] : ["forward"] {
        let place =
          network.layers == 1 && !network.isBidirectional ? "" : "layer_\(layer)/\(direction)/"
        let features = layer == 0 ? 3 : hidden * (network.isBidirectional ? 2 : 1)
        result[place + "kernel"] = try array([features, gates * 4])
        result[place + "recurrent_kernel"] = try array([hidden, gates * 4])
        result[place + "bias"] = try array([gates * 4])
        if network.cell == .gru(resetAfter: true) {
          result[place + "recurrent_bias"] = try array([gates * 4])
        }
        if network.hasPeepholes { result[place + "peephole"] = try array([12]) }
        if network.hasProjection { result[place + "projection"] = try array([4, 2]) }
      }
    }
    return result
  }
}
