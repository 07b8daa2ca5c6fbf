import FirnGraph
import FirnOps

extension Operator {
  static let sequences: [Operator] = [
    Operator("LSTM", means: "a `scan`, with the gates in Firn's order, i f g o") { c throws(FirnError) in
      try RecurrentNode(c, .lstm).results()
    },
    Operator("GRU", means: "a `scan`, with the gates in Firn's order, r z n") { c throws(FirnError) in
      try RecurrentNode(c, .gru).results()
    },
    Operator("RNN", means: "a `scan`") { c throws(FirnError) in try RecurrentNode(c, .plain).results() },
  ]
}

/// One of ONNX's recurrent nodes: of one or two directions, with all its attributes.
private struct RecurrentNode {
  /// A kind of cell: its gates in Firn's order, and where ONNX has each.
  enum Cell {
    case lstm, gru, plain

    var gates: [String] {
      switch self {
      case .lstm: ["input", "forget", "cell", "output"]
      case .gru: ["reset", "update", "new"]
      case .plain: []
      }
    }

    /// For each gate of Firn's, its place among ONNX's: i o f c, and z r h.
    var places: [Int] {
      switch self {
      case .lstm: [0, 2, 3, 1]
      case .gru: [1, 0, 2]
      case .plain: [0]
      }
    }

    /// For gates, candidates and outputs, in this order.
    var activations: [String] {
      switch self {
      case .lstm: ["Sigmoid", "Tanh", "Tanh"]
      case .gru: ["Sigmoid", "Tanh"]
      case .plain: ["Tanh"]
      }
    }
  }

  /// What one direction computes with.
  private struct Weights {
    var kernel: Tensor
    var recurrent: Tensor
    var bias: Tensor?
    var recurrentBias: Tensor?
    var peephole: Tensor?
  }

  private let c: OperatorCall
  private let cell: Cell
  private let units: Int
  private let directions: [Bool]
  private let isBatchMajor: Bool

  init(_ call: OperatorCall, _ cell: Cell) throws(FirnError) {
    c = call
    self.cell = cell
    let recurrent = try call.shape(2)
    guard recurrent.rank == 3, let units = recurrent[2].value, (1...1 << 28).contains(units)
    else {
      throw FirnError(
        .shapeMismatch, "recurrent weights of \(recurrent)", remedy: "check the file with onnx.checker")
    }
    self.units = units
    switch call.string("direction", "forward") {
    case "reverse": directions = [true]
    case "bidirectional": directions = [false, true]
    default: directions = [false]
    }
    guard recurrent[0] == Dim(directions.count), recurrent[1] == Dim(cell.places.count * units),
      call.int("hidden_size", units) == units
    else {
      throw FirnError(
        .shapeMismatch,
        "recurrent weights of \(recurrent) for \(directions.count) directions of \(units) units",
        remedy: "check the file with onnx.checker")
    }
    isBatchMajor = call.int("layout", 0) == 1
  }

  func results() throws(FirnError) -> [ImportedValue] {
    let input = try c.tensor(0)
    guard input.rank == 3 else { throw c.unsupported("an input \(input.type)") }
    // [time, batch, in]
    let x = isBatchMajor ? input.transposed([1, 0, 2]) : input
    let batch = x.extent(1)
    let lengths = try c.tensorIfAny(4)
    var sequences: [Tensor] = []
    var lasts: [[Tensor]] = []
    let scopes = c.importer.recurrentScopes(directions: directions.count)
    for (number, isReversed) in directions.enumerated() {
      let weights = try weights(number, scope: scopes[number])
      let activations = try activations(number)
      var initial: [Tensor] = []
      for state in 0..<(cell == .lstm ? 2 : 1) { initial.append(try start(5 + state, number, batch, x)) }
      let mask = lengths.map { lengths in
        less(x.graph.iota(x.extent(0)).reshaped(to: [x.extent(0), 1]), lengths.reshaped(to: [1, batch]))
      }
      let loop = scan(
        over: [x] + [mask].compactMap(\.self), initial: initial, reversed: isReversed
      ) { step in
        let next = self.next(step.slices[0], step.carries, weights, activations)
        guard let within = step.slices.dropFirst().first?.reshaped(to: [batch, 1]) else {
          return ScanResult(carries: next, outputs: [next[0]])
        }
        let kept = zip(next, step.carries).map { select(where: within, $0, otherwise: $1) }
        let zero = next[0].graph.constant(0, dtype: x.dtype)
        return ScanResult(carries: kept, outputs: [select(where: within, next[0], otherwise: zero)])
      }
      sequences.append(loop.outputs[0])
      lasts.append(loop.carries)
    }
    // [time, directions, batch, units]; with layout 1 [batch, time, directions, units].
    // What nobody reads would be an output of the graph.
    let nothing = ImportedValue.of(.poisoned(in: x.graph))
    var results = [nothing]
    if c.wants(0) {
      let all = stack(sequences, axis: isBatchMajor ? 2 : 1)
      results = [.of(isBatchMajor ? all.transposed([1, 0, 2, 3]) : all)]
    }
    for state in 0..<(cell == .lstm ? 2 : 1) {
      results.append(
        c.wants(1 + state) ? .of(stack(lasts.map { $0[state] }, axis: isBatchMajor ? 1 : 0)) : nothing)
    }
    return results
  }

  private func start(_ index: Int, _ direction: Int, _ batch: Dim, _ x: Tensor) throws(FirnError) -> Tensor {
    guard c.has(index) else {
      return .filled(0, type: TensorType(x.dtype, [batch, Dim(units)]), in: x.graph)
    }
    let all = try c.tensor(index)
    let axis = isBatchMajor ? 1 : 0
    return all.sliced(axis: axis, from: Dim(direction), to: Dim(direction + 1)).squeezed(axes: [axis])
  }

  // MARK: A step

  private func next(
    _ x: Tensor, _ states: [Tensor], _ w: Weights, _ f: [(Tensor) -> Tensor]
  ) -> [Tensor] {
    let h = states[0]
    func plus(_ tensor: Tensor, _ bias: Tensor?) -> Tensor { bias.map { tensor + $0 } ?? tensor }
    func part(_ tensor: Tensor, _ gate: Int) -> Tensor {
      tensor.sliced(axis: tensor.rank - 1, from: Dim(gate * units), to: Dim((gate + 1) * units))
    }
    let given = plus(matmul(x, w.kernel), w.bias)
    switch cell {
    case .plain:
      return [f[0](clipped(given + plus(matmul(h, w.recurrent), w.recurrentBias)))]
    case .lstm:
      let all = given + plus(matmul(h, w.recurrent), w.recurrentBias)
      let c = states[1]
      func seen(_ gate: Int, _ peephole: Int, _ state: Tensor) -> Tensor {
        clipped(w.peephole.map { part(all, gate) + part($0, peephole) * state } ?? part(all, gate))
      }
      let i = f[0](seen(0, 0, c))
      // Coupled gates: what is forgotten is what comes in.
      let forget = self.c.flag("input_forget") ? 1 - i : f[0](seen(1, 2, c))
      let next = forget * c + i * f[1](clipped(part(all, 2)))
      return [f[0](seen(3, 1, next)) * f[2](next), next]
    case .gru:
      let isAfter = c.flag("linear_before_reset")
      let own = matmul(h, isAfter ? w.recurrent : w.recurrent.sliced(axis: 1, from: 0, to: Dim(2 * units)))
      func gate(_ number: Int) -> Tensor {
        let recurrent = plus(part(own, number), w.recurrentBias.map { part($0, number) })
        return f[0](clipped(part(given, number) + recurrent))
      }
      let (r, z) = (gate(0), gate(1))
      let bias = w.recurrentBias.map { part($0, 2) }
      let memory: Tensor
      if isAfter {
        memory = r * plus(part(own, 2), bias)
      } else {
        memory = plus(matmul(r * h, part(w.recurrent, 2)), bias)
      }
      let n = f[1](clipped(part(given, 2) + memory))
      return [(1 - z) * n + z * h]
    }
  }

  private func clipped(_ x: Tensor) -> Tensor {
    c.float("clip").map { minimum(maximum(x, -$0), $0) } ?? x
  }

  private func activations(_ direction: Int) throws(FirnError) -> [(Tensor) -> Tensor] {
    let count = cell.activations.count
    let names = c.strings("activations") ?? directions.flatMap { _ in cell.activations }
    guard names.count == count * directions.count else {
      throw FirnError(
        .invalidArgument, "\(names.count) activations where \(count * directions.count) are wanted",
        remedy: "check the file with onnx.checker")
    }
    var result: [(Tensor) -> Tensor] = []
    // Parameters stand in one list, for those that have them.
    let (alphas, betas) = (c.floats("activation_alpha") ?? [], c.floats("activation_beta") ?? [])
    for index in direction * count..<(direction + 1) * count {
      let alpha = alphas.indices.contains(index) ? alphas[index] : nil
      let beta = betas.indices.contains(index) ? betas[index] : nil
      switch names[index].lowercased() {
      case "sigmoid": result.append { sigmoid($0) }
      case "tanh": result.append { tanh($0) }
      case "relu": result.append { relu($0) }
      case "softsign": result.append { $0 / (abs($0) + 1) }
      case "softplus": result.append { softplus($0) }
      case "affine": result.append { $0 * (alpha ?? 1) + (beta ?? 0) }
      case "leakyrelu": result.append { leakyReLU($0, alpha: alpha ?? 0.01) }
      case "elu": result.append { elu($0, alpha: alpha ?? 1) }
      case "scaledtanh": result.append { tanh($0 * (beta ?? 1)) * (alpha ?? 1) }
      case "hardsigmoid": result.append { minimum(maximum($0 * (alpha ?? 0.2) + (beta ?? 0.5), 0), 1) }
      case "thresholdedrelu":
        result.append { select(where: greater($0, alpha ?? 1), $0, otherwise: $0 * 0) }
      default: throw c.unsupported("the activation `\(names[index])`")
      }
    }
    return result
  }

  // MARK: Weights

  private func weights(_ direction: Int, scope: String) throws(FirnError) -> Weights {
    var result = Weights(
      kernel: try weight(1, direction, scope, "kernel", isMatrix: true),
      recurrent: try weight(2, direction, scope, "recurrent_kernel", isMatrix: true))
    let width = cell.places.count * units
    if c.has(3) {
      result.bias = try weight(3, direction, scope, "bias", part: 0..<width)
      result.recurrentBias = try weight(3, direction, scope, "recurrent_bias", part: width..<2 * width)
    }
    if cell == .lstm, c.has(7) {
      result.peephole = try weight(7, direction, scope, "peephole", isGates: false)
    }
    return result
  }

  /// What a direction has of an input: gates in Firn's order, matrices as [in, gates].
  private func weight(
    _ index: Int, _ direction: Int, _ scope: String, _ name: String, isMatrix: Bool = false,
    part: Range<Int>? = nil, isGates: Bool = true
  ) throws(FirnError) -> Tensor {
    if case .stored(let stored) = try c.value(index), stored.isParameter, stored.made == nil {
      var array = try stored.array().element(axis: 0, at: direction)
      if let part { array = try array.sliced(axis: 0, from: part.lowerBound, to: part.upperBound) }
      if isGates {
        var blocks: [NDArray] = []
        for place in cell.places {
          blocks.append(try array.sliced(axis: 0, from: place * units, to: (place + 1) * units))
        }
        array = try concatenate(blocks)
      }
      if isMatrix { array = try array.transposed() }
      let blocks = isGates && !cell.gates.isEmpty ? BlockNames(cell.gates) : nil
      return c.importer.recurrentVariable(
        Path.joined(scope, name), array, role: name == "recurrent_bias" ? "bias" : name,
        trainable: stored.trainable, blocks: blocks)
    }
    var tensor = try c.tensor(index).sliced(axis: 0, from: Dim(direction), to: Dim(direction + 1)).squeezed(
      axes: [0])
    if let part { tensor = tensor.sliced(axis: 0, from: Dim(part.lowerBound), to: Dim(part.upperBound)) }
    if isGates, cell.places.count > 1 {
      tensor = FirnOps.concatenate(
        cell.places.map { tensor.sliced(axis: 0, from: Dim($0 * units), to: Dim(($0 + 1) * units)) }, axis: 0)
    }
    return isMatrix ? tensor.transposed([1, 0]) : tensor
  }
}
