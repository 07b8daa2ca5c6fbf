import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import Testing

/// Reverse mode through loops of every form, against differences and closed forms.
@Suite struct ScanGradientTests {
  private func weight(_ graph: Graph, _ name: String, _ shape: [Int]) throws -> Tensor {
    graph.variable(name, shape: Shape(shape), dtype: .f64, initializer: .array(try noise(shape, name)))
  }

  /// Builds a loss from `w` [3, 3], `x` [steps, 2, 3] and `h` [2, 3], all variables, and checks its gradients.
  private func check(
    steps: Int = 4, sourceLocation: Testing.SourceLocation = #_sourceLocation,
    _ loss: (_ w: Tensor, _ x: Tensor, _ h: Tensor) -> Tensor
  ) throws {
    let graph = Graph()
    let variables = [
      try weight(graph, "w", [3, 3]), try weight(graph, "x", [steps, 2, 3]), try weight(graph, "h", [2, 3]),
    ]
    let loss = loss(variables[0], variables[1], variables[2])
    let session = try Session(graph)
    let read = try variables.filter { variable in
      let gradients = graph.gradients(of: [loss], withRespectTo: [variable], unconnected: .none)
      return try session.run(session.compile(fetching: gradients)).optional(gradients[0]) != nil
    }
    #expect(!read.isEmpty, sourceLocation: sourceLocation)
    try checkGradients(
      of: loss, by: read.filter { $0.shape.elementCount != 0 }, in: session, sourceLocation: sourceLocation)
  }

  @Test func lstm() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3], dtype: .f64)
    let out = LSTM(4).run(x)
    let loss = (out.sequence * out.sequence).sum() + tanh(out.cell).sum()
    let session = try Session(graph, seed: 3)
    let variables = graph.variables.compactMap { graph.tensor(named: $0.name) }
    #expect(variables.count == 3)
    try checkGradients(of: loss, by: variables, in: session, feeding: [x: noise([2, 5, 3])])
  }

  @Test(arguments: [0, 1, 4], [false, true]) func plainRecurrence(_ steps: Int, _ reversed: Bool) throws {
    try check(steps: steps) { w, x, h in
      let (carries, outputs) = scan(over: [x], initial: [h], reversed: reversed) { step in
        let next = tanh(matmul(step.carries[0], w) + step.slices[0])
        return ScanResult(carries: [next], outputs: [next * step.slices[0]])
      }
      return square(carries[0]).sum() + sin(outputs[0]).sum()
    }
  }

  @Test(arguments: [false, true]) func nested(_ reversed: Bool) throws {
    try check { w, x, h in
      let (carries, outputs) = scan(over: [x], initial: [h], reversed: reversed) { outer in
        let (inner, rows) = scan(
          over: [outer.slices[0]], initial: [outer.carries[0]], reversed: !reversed
        ) { step in
          let row = step.slices[0].reshaped(to: [1, 3])
          let next = tanh(matmul(step.carries[0], w) * row + outer.carries[0])
          return ScanResult(carries: [next], outputs: [next.sum(axes: [0]) * step.slices[0]])
        }
        return ScanResult(carries: [sin(inner[0]) + outer.slices[0]], outputs: [rows[0]])
      }
      return square(carries[0]).sum() + sin(outputs[0]).sum()
    }
  }

  @Test func threeDeep() throws {
    try check(steps: 2) { w, x, h in
      scan(over: [x], initial: [h]) { a in
        let b = scan(over: [a.slices[0]], initial: [a.carries[0]]) { b in
          let c = scan(initial: [b.carries[0]], length: 2) { c in
            ScanResult(carries: [tanh(matmul(c.carries[0], w) + b.slices[0].reshaped(to: [1, 3]))])
          }
          return ScanResult(carries: [c.carries[0] * a.carries[0]])
        }
        return ScanResult(carries: [b.carries[0] + a.slices[0]])
      }.carries[0].sum()
    }
  }

  /// Some carries lead to the loss, some do not, one is an integer.
  @Test func severalCarries() throws {
    try check { w, x, h in
      let graph = x.graph
      let initial = [h, graph.constant(NDArray(scalar: Int32(1))), tanh(h), h.filledWithTwos]
      let (carries, outputs) = scan(over: [x], initial: initial) { step in
        let scale = step.carries[1].cast(to: .f64) * 0.1 + step.index.cast(to: .f64)
        let next = tanh(matmul(step.carries[0], w)) + sin(step.carries[2]) * scale * step.slices[0]
        return ScanResult(
          carries: [
            next, step.carries[1] + step.index, step.carries[2] * step.slices[0], step.carries[3] + next,
          ], outputs: [step.carries[1], step.carries[0]])
      }
      return carries[0].sum() + (outputs[0].cast(to: .f64).reshaped(to: [-1, 1, 1]) * outputs[1]).sum()
    }
  }

  @Test func carriesThatSwap() throws {
    try check { w, x, h in
      let (carries, _) = scan(over: [x], initial: [h, tanh(h)]) { step in
        ScanResult(carries: [step.carries[1], matmul(step.carries[0], w) * step.slices[0]])
      }
      return (carries[0] * 2 + sin(carries[1])).sum()
    }
  }

  @Test func carryPassedThrough() throws {
    try check { w, x, h in
      let (carries, outputs) = scan(over: [x], initial: [h]) { step in
        ScanResult(carries: step.carries, outputs: [matmul(step.carries[0], w) * step.slices[0]])
      }
      return square(carries[0]).sum() + sin(outputs[0]).sum()
    }
  }

  @Test func capturesAndConstantsReturned() throws {
    try check { w, x, h in
      let constant = x.graph.constant([1.5, -2, 0.5], [3])
      let (carries, outputs) = scan(over: [x], initial: [tanh(h)]) { step in
        ScanResult(carries: [h], outputs: [w, constant, step.carries[0], step.slices[0]])
      }
      let sums = outputs.enumerated().map { square($1).sum() * Double($0 + 1) }
      return sums.dropFirst().reduce(sums[0] + sin(carries[0]).sum()) { $0 + $1 }
    }
  }

  @Test func oneValueAsCarryAndOutput() throws {
    try check { w, x, h in
      let (carries, outputs) = scan(over: [x], initial: [h]) { step in
        let next = sigmoid(matmul(step.carries[0], w) + step.slices[0])
        return ScanResult(carries: [next], outputs: [next, next, step.carries[0]])
      }
      return carries[0].sum() + square(outputs[0]).sum() + sin(outputs[1] * outputs[2]).sum()
    }
  }

  @Test func unusedResults() throws {
    try check { w, x, h in
      scan(over: [x], initial: [h, h]) { step in
        let next = tanh(matmul(step.carries[0], w) + step.slices[0])
        return ScanResult(
          carries: [next, exp(step.carries[1])], outputs: [exp(next), square(next), next * 3])
      }.outputs[1].sum()
    }
  }

  @Test func withoutSequences() throws {
    try check(steps: 1) { w, x, h in
      scan(initial: [h], length: 5) { step in
        ScanResult(carries: [
          tanh(matmul(step.carries[0], w) + x.reshaped(to: [2, 3]) * step.index.cast(to: .f64))
        ])
      }.carries[0].sum()
    }
  }

  /// What does not vary from step to step is computed in the body but needs nothing stacked.
  @Test func invariantsInsideTheBody() throws {
    try check { w, x, h in
      scan(over: [x], initial: [h]) { step in
        let kernel = tanh(w * 0.5) + square(w)
        return ScanResult(carries: [tanh(matmul(step.carries[0], kernel) * step.slices[0])])
      }.carries[0].sum()
    }
  }

  // MARK: Closed forms

  /// h' = w·stop(h): only the last factor is differentiated.
  @Test func stopInsideTheBody() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [], dtype: .f64, initializer: .constant(3))
    let one = graph.constant(1, dtype: .f64)
    let loss = scan(initial: [one], length: 3) { step in
      ScanResult(carries: [w * stopGradient(step.carries[0])])
    }.carries[0]
    let gradient = graph.gradients(of: [loss], withRespectTo: [w])
    let session = try Session(graph)
    let results = try session.run(session.compile(fetching: gradient + [loss]))
    #expect(try results.scalar(loss) == 27)
    #expect(try results.scalar(gradient[0]) == 9)
  }

  @Test func stoppedCarriesCutTheLoop() throws {
    let graph = Graph()
    let h = graph.variable("h", shape: [2], dtype: .f64, initializer: .ones)
    func gradient(_ length: Int) throws -> [Double] {
      let loss = scan(initial: [h], length: Dim(length)) { step in
        ScanResult(carries: [stopGradient(step.carries[0] * 2)])
      }.carries[0].sum()
      let gradient = graph.gradients(of: [loss], withRespectTo: [h], unconnected: .zero)
      let session = try Session(graph)
      return try session.run(session.compile(fetching: gradient))[gradient[0]].doubles
    }
    // No iteration, no stop.
    #expect(try gradient(0) == [1, 1])
    #expect(try gradient(1) == [0, 0])
    #expect(try gradient(3) == [0, 0])
  }

  @Test func lengthBoundByTheFeed() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [], dtype: .f64, initializer: .constant(2))
    let x = graph.placeholder("x", shape: ["time"], dtype: .f64)
    // Nothing reads the slices: the feed says how often, no more.
    let power = scan(over: [x], initial: [graph.constant(1, dtype: .f64)]) { step in
      ScanResult(carries: [step.carries[0] * w])
    }.carries[0]
    let gradient = graph.gradients(of: [power], withRespectTo: [w])[0]
    let session = try Session(graph)
    let program = try session.compile(fetching: [power, gradient])
    for length in [0, 1, 3, 5] {
      let results = try session.run(program, feeding: [x: NDArray([Double](repeating: 9, count: length))])
      #expect(try results.scalar(power) == Double(1 << length))
      #expect(try results.scalar(gradient) == Double(length * (1 << length)) / 2)
    }
    let error = #expect(throws: FirnError.self) { try session.run(program) }
    #expect(error?.code == .missingFeed)
  }

  /// The masks of a loop differ from step to step, and on the way back are those of the way there.
  @Test(arguments: [false, true]) func dropoutMasks(_ reversed: Bool) throws {
    let graph = Graph()
    let x = graph.variable("x", shape: [6, 40], dtype: .f64, initializer: .ones)
    let dropped = scan(over: [x], reversed: reversed) { step in
      ScanResult(carries: [], outputs: [dropout(step.slices[0], rate: 0.5)])
    }.outputs[0]
    let weights = graph.constant(try noise([6, 40]))
    let gradient = graph.gradients(of: [(dropped * weights).sum()], withRespectTo: [x])[0]
    let session = try Session(graph, seed: 5)
    let results = try session.run(
      session.compile(fetching: [dropped, gradient], inTrainingMode: true))
    let mask = try results[dropped].doubles
    let expected = zip(mask, try noise([6, 40]).doubles).map { $0 * $1 }
    #expect(try results[gradient].doubles == expected)
    let rows = (0..<6).map { Array(mask[($0 * 40)..<($0 + 1) * 40]) }
    #expect(Set(rows).count == 6)
    #expect(Set(mask) == [0, 2])
  }

  // MARK: Second order

  /// The Hessian times a vector, by the gradient of a gradient, against differences of the gradient.
  @Test(arguments: [false, true]) func hessianVectorProducts(_ isNested: Bool) throws {
    let graph = Graph()
    let variables = [
      try weight(graph, "w", [3, 3]), try weight(graph, "x", [3, 2, 3]), try weight(graph, "h", [2, 3]),
    ]
    let (w, x, h) = (variables[0], variables[1], variables[2])
    let (carries, outputs) = scan(over: [x], initial: [h]) { step in
      var next = tanh(matmul(step.carries[0], w) + step.slices[0])
      if isNested {
        let outer = next
        next =
          scan(initial: [next], length: 2) { inner in
            ScanResult(carries: [sin(matmul(inner.carries[0], w) + outer)])
          }.carries[0]
      }
      return ScanResult(carries: [next], outputs: [square(next)])
    }
    let loss = square(carries[0]).sum() + sin(outputs[0]).sum()
    let gradients = graph.gradients(of: [loss], withRespectTo: variables)
    let directions = try variables.map {
      graph.constant(try noise(#require($0.shape.extents), "v" + $0.name))
    }
    let along = zip(gradients, directions).map { ($0 * $1).sum() }
    let products = graph.gradients(of: along, withRespectTo: variables)
    let session = try Session(graph)
    let first = try session.compile(fetching: gradients)
    let second = try session.compile(fetching: products)
    let results = try session.run(second)
    let before = try session.snapshot()
    func gradient(_ step: Double) throws -> [[Double]] {
      try session.restore(before)
      for variable in variables {
        let value = try session.value(of: variable)
        let direction = try noise(value.shape, "v" + variable.name).doubles
        try session.setValue(
          NDArray(zip(value.doubles, direction).map { $0 + step * $1 }, shape: value.shape), of: variable)
      }
      let results = try session.run(first)
      return try gradients.map { try results[$0].doubles }
    }
    let (above, below) = (try gradient(1e-5), try gradient(-1e-5))
    for (number, product) in products.enumerated() {
      let analytic = try results[product].doubles
      let scale = analytic.map(abs).max() ?? 0
      for (element, value) in analytic.enumerated() {
        let numeric = (above[number][element] - below[number][element]) / 2e-5
        #expect(abs(numeric - value) <= 1e-7 * max(1, scale), "\(variables[number].name)[\(element)]")
      }
    }
  }

  @Test func thirdOrder() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [], dtype: .f64, initializer: .constant(2))
    let power = scan(initial: [graph.constant(1, dtype: .f64)], length: 5) { step in
      ScanResult(carries: [step.carries[0] * w])
    }.carries[0]
    var derivatives = [power]
    for _ in 0..<4 {
      derivatives += graph.gradients(of: [derivatives[derivatives.count - 1]], withRespectTo: [w])
    }
    let session = try Session(graph)
    let results = try session.run(session.compile(fetching: derivatives))
    // w⁵, 5w⁴, 20w³, 60w², 120w at 2.
    #expect(try derivatives.map { try results.scalar($0) } == [32, 80, 160, 240, 240])
  }
}

extension Tensor {
  fileprivate var filledWithTwos: Tensor { self * 0 + 2 }
}

extension Graph {
  fileprivate func constant(_ values: [Double], _ shape: [Int]) -> Tensor {
    (try? NDArray(values, shape: shape)).map { constant($0) } ?? .poisoned(in: self)
  }
}
