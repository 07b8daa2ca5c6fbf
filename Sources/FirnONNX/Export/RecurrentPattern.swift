import FirnGraph
import FirnOps

/// A loop that is one of ONNX's recurrent operators, and what of it is what there.
struct RecurrentPattern {
  /// "LSTM", "GRU" or "RNN".
  let op: String
  let units: Int
  /// Values that the loop captures, by their places among them: kernel, recurrent kernel, and biases where there are.
  let kernel: Int
  let recurrentKernel: Int
  let bias: Int?
  let recurrentBias: Int?
  /// ONNX's gates by their places among Firn's.
  let gates: [Int]
  /// Of an RNN and a GRU.
  let attributes: [String: GraphExporter.Attribute]

  /// Nil where the loop is something else.
  ///
  /// - Parameter captures: what the loop captures, in its order.
  init?(_ loop: Scan, captures: [LoopTerm]) {
    let body = loop.body
    guard (1...2).contains(loop.slices), (1...2).contains(loop.carries),
      let units = body.type(of: body.outputs[0]).shape.last?.value,
      body.type(of: body.outputs[0]).shape.rank == 2
    else { return nil }
    let terms = LoopTerm.all(in: body, captures: captures)
    let all = body.outputs.compactMap { terms[$0] }
    guard all.count == body.outputs.count,
      let results = Self.steps(all, of: loop)
    else { return nil }
    // Which capture is multiplied with what, and which are added.
    var kernels: [LoopTerm: Int] = [:]
    for case .function("matmul", let operands) in terms.values.map(\.whole) {
      guard case .capture(let weight) = operands[1], kernels[operands[0]] ?? weight == weight else {
        return nil
      }
      kernels[operands[0]] = weight
    }
    guard let kernel = kernels[.slice(0)], let recurrent = kernels[.carry(0)] else { return nil }
    var others: [Int] = []
    for case .capture(let place) in captures.map(\.whole)
    where place != kernel && place != recurrent && !others.contains(place) {
      others.append(place)
    }
    guard others.count <= 2 else { return nil }
    (self.units, self.kernel, recurrentKernel) = (units, kernel, recurrent)
    // Either bias may be that of the state.
    let orders: [[Int?]] =
      switch others.count {
      case 0: [[nil, nil]]
      case 1: [[others[0], nil], [nil, others[0]]]
      default: [[others[0], others[1]], [others[1], others[0]]]
      }
    for order in orders {
      let formulas = RecurrentFormulas(
        units: units, kernel: kernel, recurrentKernel: recurrent, bias: order[0], recurrentBias: order[1])
      for candidate in formulas.candidates where candidate.results == results {
        (op, gates, attributes) = (candidate.op, candidate.gates, candidate.attributes)
        (bias, recurrentBias) = (order[0], order[1])
        return
      }
    }
    return nil
  }
}

extension RecurrentPattern {
  /// Which sequences a step is within, a row for each: units have them all alike.
  private static var within: LoopTerm { .function("column", [.slice(1)]) }

  /// What a step makes of each state, of what the body returns: that itself, or, where a second slice says which
  /// sequences a step is within, that there, and beyond the state as it was and outputs of zero.
  ///
  /// - Returns: nil where outputs are something else than the first state.
  private static func steps(_ all: [LoopTerm], of loop: Scan) -> [LoopTerm]? {
    let (states, outputs) = (all.prefix(loop.carries), all.dropFirst(loop.carries))
    guard loop.slices == 2 else {
      return outputs.allSatisfy { $0 == all[0] } ? Array(states) : nil
    }
    var steps: [LoopTerm] = []
    for (number, state) in states.enumerated() {
      guard case .function("select", let operands) = state, operands.count == 3,
        operands[0] == Self.within, operands[2] == .carry(number)
      else { return nil }
      steps.append(operands[1])
    }
    let output = LoopTerm.function("select", [Self.within, steps[0], .number(0)])
    return outputs.allSatisfy { $0 == output } ? steps : nil
  }
}

/// The formulas of recurrent operators, of given weights.
private struct RecurrentFormulas {
  let units: Int
  let kernel: Int
  let recurrentKernel: Int
  let bias: Int?
  let recurrentBias: Int?

  typealias Candidate = (
    op: String, gates: [Int], attributes: [String: GraphExporter.Attribute], results: [LoopTerm]
  )

  private var x: [LoopTerm] {
    [.function("matmul", [.slice(0), .capture(kernel)])] + [bias].compactMap { $0.map { .capture($0) } }
  }

  private var h: [LoopTerm] { recurrentProduct(.carry(0)) }

  /// The product of a state, with its bias.
  private func recurrentProduct(_ state: LoopTerm) -> [LoopTerm] {
    [.function("matmul", [state, .capture(recurrentKernel)])]
      + [recurrentBias].compactMap { $0.map { .capture($0) } }
  }

  private func gate(_ terms: [LoopTerm], _ number: Int) -> LoopTerm {
    LoopTerm.adding(terms).part(number * units, (number + 1) * units)
  }

  var candidates: [Candidate] {
    var all: [Candidate] = ["tanh", "relu"].map { name in
      let activation = name == "tanh" ? "Tanh" : "Relu"
      return (
        "RNN", [0], ["activations": .texts([activation])], [.function(name, [.adding(x + h)])]
      )
    }
    func sigmoid(_ number: Int) -> LoopTerm { .function("sigmoid", [gate(x + h, number)]) }
    let next = LoopTerm.adding([
      .multiplying([sigmoid(1), .carry(1)]), .multiplying([sigmoid(0), .function("tanh", [gate(x + h, 2)])]),
    ])
    all.append(
      ("LSTM", [0, 3, 1, 2], [:], [.multiplying([sigmoid(3), .function("tanh", [next])]), next]))
    let (reset, update) = (sigmoid(0), sigmoid(1))
    // The reset scales the product with the state, or the state before the product.
    let products = [
      LoopTerm.multiplying([reset, gate(h, 2)]),
      gate(recurrentProduct(.multiplying([reset, .carry(0)])), 2),
    ]
    let minus = LoopTerm.number(-1)
    for (product, isLinear) in zip(products, [1, 0]) {
      let new = LoopTerm.function("tanh", [.adding([gate(x, 2), product])])
      let forms: [LoopTerm] = [
        .adding([
          .multiplying([.adding([.number(1), .multiplying([minus, update])]), new]),
          .multiplying([update, .carry(0)]),
        ]),
        .adding([new, .multiplying([update, .adding([.carry(0), .multiplying([minus, new])])])]),
      ]
      all += forms.map { ("GRU", [1, 0, 2], ["linear_before_reset": .int(isLinear)], [$0]) }
    }
    return all
  }
}

extension GraphExporter {
  /// A loop as LSTM, GRU or RNN; nil where it is none, or a weight has not the form that these want.
  mutating func recurrent(_ loop: Scan, _ operands: [String]) throws(FirnError) -> [String]? {
    let (wholes, asGiven) = captured
    if let results = try recurrent(loop, operands, asGiven) { return results }
    return try recurrent(loop, operands, wholes)
  }

  private mutating func recurrent(
    _ loop: Scan, _ operands: [String], _ operandParts: [LoopCapture?]
  ) throws(FirnError) -> [String]? {
    let parts = operandParts.dropFirst(loop.carries + loop.slices).compactMap(\.self)
    guard parts.count == loop.captures else { return nil }
    // Parts of one value are one weight.
    var weights: [LoopCapture] = []
    let terms = parts.map { part in
      let place = weights.firstIndex { $0.value == part.value } ?? weights.count
      if place == weights.count { weights.append(part) }
      let whole = LoopTerm.capture(place)
      return part.columns.map { whole.part($0.lowerBound, $0.upperBound) } ?? whole
    }
    guard let pattern = RecurrentPattern(loop, captures: terms) else { return nil }
    var lengths = ""
    if loop.slices == 2 {
      guard let known = self.lengths[loop.carries + 1] else { return nil }
      lengths = known
    }
    let order = pattern.gates.flatMap { gate in (0..<pattern.units).map { gate * pattern.units + $0 } }
    guard weights[pattern.kernel].shape.rank == 2, weights[pattern.recurrentKernel].shape.rank == 2,
      [pattern.bias, pattern.recurrentBias].allSatisfy({ $0.map { weights[$0].shape.rank == 1 } ?? true })
    else { return nil }
    let (bias, recurrentBias) = (
      pattern.bias.map { weights[$0].name }, pattern.recurrentBias.map { weights[$0].name }
    )
    let columns = integers(order)
    func matrix(_ e: inout GraphExporter, _ position: Int) -> String {
      let ordered = e.add("Gather", [weights[position].name, columns], ["axis": .int(1)])
      return e.add("Unsqueeze", [e.add("Transpose", [ordered], ["perm": .ints([1, 0])]), e.integers([0])])
    }
    var inputs = [
      operands[loop.carries], matrix(&self, pattern.kernel), matrix(&self, pattern.recurrentKernel),
    ]
    if bias != nil || recurrentBias != nil {
      let dtype = self.operands[0].dtype
      let zeros = constant(NDArray([Double](repeating: 0, count: order.count)).converted(to: dtype))
      func part(_ e: inout GraphExporter, _ name: String?) -> String {
        name.map { e.add("Gather", [$0, columns], ["axis": .int(0)]) } ?? zeros
      }
      let both = add("Concat", [part(&self, bias), part(&self, recurrentBias)], ["axis": .int(0)])
      inputs.append(add("Unsqueeze", [both, integers([0])]))
    } else {
      inputs.append("")
    }
    inputs.append(lengths)
    for state in 0..<loop.carries { inputs.append(add("Unsqueeze", [operands[state], integers([0])])) }
    var attributes = pattern.attributes
    attributes["hidden_size"] = .int(pattern.units)
    attributes["direction"] = .text(loop.isReversed ? "reverse" : "forward")
    let results = add(pattern.op, inputs, attributes, results: 1 + loop.carries)
    var named: [String] = []
    for state in 0..<loop.carries { named.append(add("Squeeze", [results[1 + state], integers([0])])) }
    let sequence = add("Squeeze", [results[0], integers([1])])
    return named + loop.body.outputs.dropFirst(loop.carries).map { _ in sequence }
  }
}
