import FirnGraph

/// The weights of one cell as Firn lays them out: the form every conversion passes through.
struct CellWeights {
  /// Of shape `[in, gates·units]`.
  var kernel: WeightMatrix
  /// Of shape `[hidden, gates·units]`.
  var recurrentKernel: WeightMatrix
  /// Vectors are matrices of one row.
  var bias: WeightMatrix
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
    case .tensorFlow1(let forgetBias): try self.init(tensorFlow: &reader, network, features, forgetBias)
    }
  }

  private init(
    firn reader: inout WeightReader, _ network: RecurrentNetwork, _ features: Int?
  ) throws(FirnError) {
    kernel = try reader.matrix("kernel", features, nil, multipleOf: network.gateCount)
    let (width, units) = (kernel.columns, kernel.columns / network.gateCount)
    if network.hasProjection { projection = try reader.matrix("projection", units, nil) }
    recurrentKernel = try reader.matrix("recurrent_kernel", projection?.columns ?? units, width)
    bias = try reader.vector("bias", width)
    if network.cell == .gru(resetAfter: true) { recurrentBias = try reader.vector("recurrent_bias", width) }
    if network.hasPeepholes { peephole = try reader.vector("peephole", 3 * units) }
  }

  private init(
    pyTorch reader: inout WeightReader, _ network: RecurrentNetwork, _ features: Int?
  ) throws(FirnError) {
    kernel = try reader.matrix("weight_ih", nil, features, multipleOf: network.gateCount, .rows).transposed
    let (width, units) = (kernel.columns, kernel.columns / network.gateCount)
    if network.hasProjection { projection = try reader.matrix("weight_hr", nil, units).transposed }
    recurrentKernel = try reader.matrix("weight_hh", width, projection?.columns ?? units).transposed
    bias = try reader.vector("bias_ih", width)
    let second = try reader.vector("bias_hh", width)
    if case .gru = network.cell { recurrentBias = second } else { bias = bias.adding(second.values) }
  }

  private init(
    keras reader: inout WeightReader, _ network: RecurrentNetwork, _ features: Int?
  ) throws(FirnError) {
    kernel = try reader.matrix("kernel", features, nil, multipleOf: network.gateCount)
    let (width, units) = (kernel.columns, kernel.columns / network.gateCount)
    recurrentKernel = try reader.matrix("recurrent_kernel", units, width)
    if network.cell == .gru(resetAfter: true) {
      let both = try reader.matrix("bias", 2, width)
      (bias, recurrentBias) = (both.rows(0..<1).asVector, both.rows(1..<2).asVector)
    } else {
      bias = try reader.vector("bias", width)
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
    let units = joint.columns / gates
    if network.hasProjection { projection = try reader.matrix("projection/kernel", units, nil) }
    let hidden = projection?.columns ?? units
    guard joint.rows >= hidden, features.map({ $0 + hidden == joint.rows }) ?? true else {
      throw reader.mismatch(
        prefix + "kernel", [joint.rows, joint.columns],
        "[\(features.map { "\($0)" } ?? "in") + \(hidden), \(joint.columns)]")
    }
    bias = try reader.vector(prefix + "bias", gates * units)
    if isGRU {
      joint = joint.appending(columns: try reader.matrix("candidate/kernel", joint.rows, units))
      bias = bias.appending(columns: try reader.vector("candidate/bias", units))
    }
    kernel = joint.rows(0..<joint.rows - hidden)
    recurrentKernel = joint.rows(joint.rows - hidden..<joint.rows)
    if network.hasPeepholes {
      let parts: [WeightMatrix] = [
        try reader.vector("w_i_diag", units), try reader.vector("w_f_diag", units),
        try reader.vector("w_o_diag", units),
      ]
      peephole = parts[0].appending(columns: parts[1]).appending(columns: parts[2])
    }
    if network.cell == .lstm {
      self = mapped { $0.blocks(Self.tensorFlowLSTM) }
      bias = bias.adding(Self.forget(forgetBias, units))
    }
  }

  // MARK: Writing

  /// Arrays by name; the order is the layout's own.
  func arrays(in layout: RecurrentLayout, network: RecurrentNetwork) -> [(String, WeightMatrix)] {
    var result: [(String, WeightMatrix?)]
    switch layout {
    case .firn:
      result = [
        ("kernel", kernel), ("recurrent_kernel", recurrentKernel), ("bias", bias),
        ("recurrent_bias", recurrentBias), ("peephole", peephole), ("projection", projection),
      ]
    case .pyTorch:
      let second = recurrentBias ?? bias.filled(0)
      result = [
        ("weight_ih", kernel.transposed), ("weight_hh", recurrentKernel.transposed), ("bias_ih", bias),
        ("bias_hh", second), ("weight_hr", projection?.transposed),
      ]
    case .keras:
      let isGRU = if case .gru = network.cell { true } else { false }
      let own = isGRU ? mapped { $0.blocks(Self.kerasGRU) } : self
      let bias = own.recurrentBias.map { own.bias.appending(rows: $0) } ?? own.bias
      result = [("kernel", own.kernel), ("recurrent_kernel", own.recurrentKernel), ("bias", bias)]
    case .tensorFlow1(let forgetBias):
      result = tensorFlowArrays(network, forgetBias)
    }
    return result.compactMap { name, matrix in matrix.map { (name, $0) } }
  }

  private func tensorFlowArrays(
    _ network: RecurrentNetwork, _ forgetBias: Double
  ) -> [(String, WeightMatrix?)] {
    let units = kernel.columns / network.gateCount
    if case .gru = network.cell {
      let joint = kernel.appending(rows: recurrentKernel)
      let (gates, candidate) = (0..<2 * units, 2 * units..<3 * units)
      return [
        ("gates/kernel", joint.columns(gates)), ("gates/bias", bias.columns(gates)),
        ("candidate/kernel", joint.columns(candidate)), ("candidate/bias", bias.columns(candidate)),
      ]
    }
    var own = self
    if network.cell == .lstm {
      own.bias = bias.adding(Self.forget(-forgetBias, units))
      own = own.mapped { $0.blocks(Self.tensorFlowLSTM) }
    }
    func diagonal(_ block: Int) -> WeightMatrix? { peephole?.columns(block * units..<(block + 1) * units) }
    return [
      ("kernel", own.kernel.appending(rows: own.recurrentKernel)), ("bias", own.bias),
      ("w_i_diag", diagonal(0)), ("w_f_diag", diagonal(1)), ("w_o_diag", diagonal(2)),
      ("projection/kernel", projection),
    ]
  }

  /// With `change` made to everything that has a block for each gate.
  private func mapped(_ change: (WeightMatrix) -> WeightMatrix) -> CellWeights {
    var result = self
    result.kernel = change(kernel)
    result.recurrentKernel = change(recurrentKernel)
    result.bias = change(bias)
    result.recurrentBias = recurrentBias.map(change)
    return result
  }

  private static func forget(_ value: Double, _ units: Int) -> [Double] {
    [0, value, 0, 0].flatMap { Array(repeating: $0, count: units) }
  }
}
