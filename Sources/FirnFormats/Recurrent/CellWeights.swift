import FirnGraph

/// The weights of one cell as Firn lays them out, as far as there are any: the form every conversion passes through.
struct CellWeights {
  /// Of shape `[in, gates·units]`.
  var kernel: WeightMatrix?
  /// Of shape `[hidden, gates·units]`.
  var recurrentKernel: WeightMatrix?
  /// Vectors are matrices of one row.
  var bias: WeightMatrix?
  var recurrentBias: WeightMatrix?
  var peephole: WeightMatrix?
  var projection: WeightMatrix?

  /// Blocks of Keras's GRU, z r h, as positions in r z n; the same both ways.
  private static let kerasGRU = [1, 0, 2]
  /// Blocks of TensorFlow 1's LSTM, i j f o, as positions in i f g o; the same both ways.
  private static let tensorFlowLSTM = [0, 2, 1, 3]

  // MARK: Reading

  /// - Parameter features: the width of the input; nil where nothing tells it.
  init(
    reading reader: inout WeightReader, layout: RecurrentLayout, network: RecurrentNetwork, features: Int?
  ) throws(FirnError) {
    switch layout {
    case .firn: try self.init(firn: &reader, network, features)
    case .pyTorch: try self.init(pyTorch: &reader, network, features)
    case .keras: try self.init(keras: &reader, network, features)
    case .kerasCuDNN: try self.init(cuDNN: &reader, network, features)
    case .tensorFlow1(let forgetBias): try self.init(tensorFlow: &reader, network, features, forgetBias)
    }
  }

  private init(
    firn reader: inout WeightReader, _ network: RecurrentNetwork, _ features: Int?
  ) throws(FirnError) {
    let gates = network.gateCount
    kernel = try reader.matrix("kernel", features, nil, multipleOf: gates)
    var width = kernel?.columns
    if network.hasProjection { projection = try reader.matrix("projection", width.map { $0 / gates }, nil) }
    recurrentKernel = try reader.matrix(
      "recurrent_kernel", network.hidden(width, projection?.columns), width, multipleOf: gates)
    width = width ?? recurrentKernel?.columns
    if network.biases != .none { bias = try reader.vector("bias", width) }
    if network.hasRecurrentBias { recurrentBias = try reader.vector("recurrent_bias", width) }
    if network.hasPeepholes { peephole = try reader.vector("peephole", width.map { 3 * $0 / gates }) }
  }

  private init(
    pyTorch reader: inout WeightReader, _ network: RecurrentNetwork, _ features: Int?
  ) throws(FirnError) {
    let gates = network.gateCount
    kernel = try reader.matrix("weight_ih", nil, features, multipleOf: gates, .rows)?.transposed
    var width = kernel?.columns
    if network.hasProjection {
      projection = try reader.matrix("weight_hr", nil, width.map { $0 / gates })?.transposed
    }
    recurrentKernel = try reader.matrix(
      "weight_hh", width, network.hidden(width, projection?.columns), multipleOf: gates, .rows)?.transposed
    width = width ?? recurrentKernel?.columns
    guard network.biases != .none else { return }
    bias = try reader.vector("bias_ih", width)
    let second = try reader.vector("bias_hh", width ?? bias?.columns)
    if network.hasRecurrentBias {
      recurrentBias = second
    } else {
      // Half of a sum is no bias.
      bias = second.flatMap { bias?.adding($0) }
    }
  }

  private init(
    keras reader: inout WeightReader, _ network: RecurrentNetwork, _ features: Int?
  ) throws(FirnError) {
    let gates = network.gateCount
    if let columns = reader.shape("recurrent_kernel")?.last, reader.shape("bias") == [2 * columns] {
      for name in ["kernel", "recurrent_kernel", "bias"] where reader.shape(name) != nil {
        try reader.refuse(
          name,
          FirnError(
            .shapeMismatch,
            "the bias of \(2 * columns) is that of a CuDNN layer, whose kernels lie otherwise: `.kerasCuDNN` reads them",
            remedy: "convert from `.kerasCuDNN`, or load by `.kerasCuDNNRNN`"))
      }
      return
    }
    kernel = try reader.matrix("kernel", features, nil, multipleOf: gates)
    var width = kernel?.columns
    recurrentKernel = try reader.matrix(
      "recurrent_kernel", network.hidden(width, nil), width, multipleOf: gates)
    width = width ?? recurrentKernel?.columns
    if network.biases != .none {
      if network.cell == .gru(resetAfter: true) {
        let both = try reader.matrix("bias", 2, width)
        (bias, recurrentBias) = (both?.rows(0..<1).asVector, both?.rows(1..<2).asVector)
      } else {
        bias = try reader.vector("bias", width)
      }
    }
    if case .gru = network.cell { self = mapped { $0.blocks(Self.kerasGRU) } }
  }

  private init(
    cuDNN reader: inout WeightReader, _ network: RecurrentNetwork, _ features: Int?
  ) throws(FirnError) {
    let gates = network.gateCount
    // A gate's block has the numbers of `[units, in]`, under the shape `[in, units]`.
    kernel = try reader.matrix("kernel", features, nil, multipleOf: gates)?
      .eachBlock(of: gates) { $0.reshaped($0.columns, $0.rows).transposed }
    var width = kernel?.columns
    recurrentKernel = try reader.matrix(
      "recurrent_kernel", network.hidden(width, nil), width, multipleOf: gates)
    if let whole = recurrentKernel, gates * whole.rows != whole.columns {
      let shape = [whole.rows, whole.columns]
      recurrentKernel = try reader.refuse(
        "recurrent_kernel", reader.mismatch("recurrent_kernel", shape, "[units, \(gates)·units]"))
    }
    recurrentKernel = recurrentKernel?.eachBlock(of: gates, \.transposed)
    width = width ?? recurrentKernel?.columns
    if let both = try reader.vector("bias", width.map { 2 * $0 }) {
      guard both.columns % (2 * gates) == 0 else {
        try reader.refuse("bias", reader.mismatch("bias", [both.columns], "[\(2 * gates)·units]"))
        return
      }
      let half = both.columns / 2
      let (first, second) = (both.columns(0..<half), both.columns(half..<2 * half))
      (bias, recurrentBias) = network.hasRecurrentBias ? (first, second) : (first.adding(second), nil)
    }
    if case .gru = network.cell { self = mapped { $0.blocks(Self.kerasGRU) } }
  }

  private init(
    tensorFlow reader: inout WeightReader, _ network: RecurrentNetwork, _ features: Int?, _ forgetBias: Double
  ) throws(FirnError) {
    let isGRU = network.cell == .gru(resetAfter: false)
    let gates = isGRU ? 2 : network.gateCount
    let prefix = isGRU ? "gates/" : ""
    var joint = try reader.matrix(prefix + "kernel", nil, nil, multipleOf: gates)
    let units = joint.map { $0.columns / gates }
    if network.hasProjection { projection = try reader.matrix("projection/kernel", units, nil) }
    let hidden = network.hasProjection ? projection?.columns : units
    if let whole = joint, let hidden,
      whole.rows < hidden || !(features.map { $0 + hidden == whole.rows } ?? true)
    {
      try reader.refuse(
        prefix + "kernel",
        reader.mismatch(
          prefix + "kernel", [whole.rows, whole.columns],
          "[\(features.map { "\($0)" } ?? "in") + \(hidden), \(whole.columns)]"))
      joint = nil
    }
    if network.biases != .none { bias = try reader.vector(prefix + "bias", units.map { gates * $0 }) }
    if isGRU {
      let candidate = try reader.matrix("candidate/kernel", joint?.rows, units)
      joint = candidate.flatMap { joint?.appending(columns: $0) }
      if network.biases != .none {
        let second = try reader.vector("candidate/bias", units)
        bias = second.flatMap { bias?.appending(columns: $0) }
      }
    }
    if let joint, let hidden {
      kernel = joint.rows(0..<joint.rows - hidden)
      recurrentKernel = joint.rows(joint.rows - hidden..<joint.rows)
    }
    if network.hasPeepholes {
      let parts = [
        try reader.vector("w_i_diag", units), try reader.vector("w_f_diag", units),
        try reader.vector("w_o_diag", units),
      ].compactMap { $0 }
      if parts.count == 3 {
        peephole = parts[0].appending(columns: parts[1]).appending(columns: parts[2])
      }
    }
    if network.cell == .lstm {
      self = mapped { $0.blocks(Self.tensorFlowLSTM) }
      bias = bias.map { $0.adding(Self.forget(forgetBias, $0.columns / 4)) }
    }
  }

  // MARK: Writing

  /// Arrays by name, in the layout's own order; what lacks a part is left out.
  func arrays(in layout: RecurrentLayout, network: RecurrentNetwork) -> [(String, WeightMatrix)] {
    var result: [(String, WeightMatrix?)]
    switch layout {
    case .firn:
      result = [
        ("kernel", kernel), ("recurrent_kernel", recurrentKernel), ("bias", bias),
        ("recurrent_bias", recurrentBias), ("peephole", peephole), ("projection", projection),
      ]
    case .pyTorch:
      let second = network.hasRecurrentBias ? recurrentBias : bias?.filled(0)
      result = [
        ("weight_ih", kernel?.transposed), ("weight_hh", recurrentKernel?.transposed), ("bias_ih", bias),
        ("bias_hh", second), ("weight_hr", projection?.transposed),
      ]
    case .keras:
      let isGRU = if case .gru = network.cell { true } else { false }
      let own = isGRU ? mapped { $0.blocks(Self.kerasGRU) } : self
      var bias = own.bias
      if network.hasRecurrentBias {
        let isStacked = network.cell == .gru(resetAfter: true)
        bias = own.recurrentBias.flatMap { isStacked ? bias?.appending(rows: $0) : bias?.adding($0) }
      }
      result = [("kernel", own.kernel), ("recurrent_kernel", own.recurrentKernel), ("bias", bias)]
    case .kerasCuDNN:
      let isGRU = if case .gru = network.cell { true } else { false }
      let own = isGRU ? mapped { $0.blocks(Self.kerasGRU) } : self
      let gates = network.gateCount
      // Keras itself halves a bias for the two.
      let bias =
        network.hasRecurrentBias
        ? own.recurrentBias.flatMap { own.bias?.appending(columns: $0) }
        : own.bias.map { $0.halved().appending(columns: $0.halved()) }
      result = [
        ("kernel", own.kernel?.eachBlock(of: gates) { $0.transposed.reshaped($0.rows, $0.columns) }),
        ("recurrent_kernel", own.recurrentKernel?.eachBlock(of: gates, \.transposed)), ("bias", bias),
      ]
    case .tensorFlow1(let forgetBias):
      result = tensorFlowArrays(network, forgetBias)
    }
    return result.compactMap { name, matrix in matrix.map { (name, $0) } }
  }

  private func tensorFlowArrays(
    _ network: RecurrentNetwork, _ forgetBias: Double
  ) -> [(String, WeightMatrix?)] {
    var own = self
    if network.hasRecurrentBias { own.bias = recurrentBias.flatMap { bias?.adding($0) } }
    if case .gru = network.cell {
      let joint = recurrentKernel.flatMap { kernel?.appending(rows: $0) }
      func part(_ matrix: WeightMatrix?, _ gates: Range<Int>) -> WeightMatrix? {
        matrix.map { matrix in
          let units = matrix.columns / network.gateCount
          return matrix.columns(gates.lowerBound * units..<gates.upperBound * units)
        }
      }
      return [
        ("gates/kernel", part(joint, 0..<2)), ("gates/bias", part(own.bias, 0..<2)),
        ("candidate/kernel", part(joint, 2..<3)), ("candidate/bias", part(own.bias, 2..<3)),
      ]
    }
    if network.cell == .lstm {
      own.bias = own.bias.map { $0.adding(Self.forget(-forgetBias, $0.columns / 4)) }
      own = own.mapped { $0.blocks(Self.tensorFlowLSTM) }
    }
    func diagonal(_ block: Int) -> WeightMatrix? {
      peephole.map { $0.columns(block * $0.columns / 3..<(block + 1) * $0.columns / 3) }
    }
    return [
      ("kernel", own.recurrentKernel.flatMap { own.kernel?.appending(rows: $0) }), ("bias", own.bias),
      ("w_i_diag", diagonal(0)), ("w_f_diag", diagonal(1)), ("w_o_diag", diagonal(2)),
      ("projection/kernel", projection),
    ]
  }

  /// With `change` made to everything that has a block for each gate.
  private func mapped(_ change: (WeightMatrix) -> WeightMatrix) -> CellWeights {
    var result = self
    result.kernel = kernel.map(change)
    result.recurrentKernel = recurrentKernel.map(change)
    result.bias = bias.map(change)
    result.recurrentBias = recurrentBias.map(change)
    return result
  }

  private static func forget(_ value: Double, _ units: Int) -> [Double] {
    [0, value, 0, 0].flatMap { Array(repeating: $0, count: units) }
  }
}

extension RecurrentNetwork {
  /// Rows of the recurrent kernel, where `width` columns of a kernel and a projection tell them.
  fileprivate func hidden(_ width: Int?, _ projection: Int?) -> Int? {
    hasProjection ? projection : width.map { $0 / gateCount }
  }
}
