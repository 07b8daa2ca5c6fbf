import FirnGraph
import FirnOps
import Testing

/// A scalar function of a graph's placeholders, differentiated by rules and by differences.
struct GradientCheck {
  let graph: Graph
  let arrays: [NDArray]
  /// The placeholders that hold floating point numbers.
  let targets: [Int]

  init(_ graph: Graph, _ arrays: [NDArray]) {
    self.graph = graph
    self.arrays = arrays
    targets = arrays.indices.filter { arrays[$0].dtype.isFloatingPoint }
  }

  /// The sum of all elements of `tensors`, weighted at random.
  func projection(of tensors: [Tensor], seed: UInt64) -> Tensor {
    var sum = graph.constant(0, dtype: .f64)
    for (index, tensor) in tensors.enumerated() {
      let generator = Philox(seed: seed, name: "weights \(index)")
      let extents = tensor.shape.extents ?? []
      let weights = (0..<extents.reduce(1, *)).map { 0.5 + generator.uniform($0) }
      sum += (tensor * graph.constant(filled(weights, extents))).sum()
    }
    return sum
  }

  /// By the rules of the ops; zeros where no path leads.
  func gradients(of scalar: Tensor) -> [Tensor] {
    let values = targets.map { Value($0) }
    let adjoints = ReverseWalk().adjoints(
      of: [scalar.value], seeds: [graph.constant(1, dtype: .f64)], withRespectTo: values, stopping: [],
      in: graph)
    #expect(throws: Never.self) { try graph.validate() }
    return zip(values, adjoints).map { value, adjoint in
      adjoint
        ?? graph.constant(
          NDArray(cleared: ArrayType(.f64, graph.definition.type(of: value).shape.extents ?? [])))
    }
  }

  /// Compares `gradients` of `scalar` with central differences of it.
  func expect(_ gradients: [Tensor], of scalar: Tensor, tolerance: Double, _ note: String) throws {
    let evaluator = Evaluator(graph: graph.definition)
    let exact = try evaluator.run(gradients.map(\.value), feeding: arrays)
    let step = 1e-5
    for (target, gradient) in zip(targets, exact) {
      let x = arrays[target].doubles
      var worst = (error: 0.0, element: 0, difference: 0.0)
      for element in x.indices {
        func value(_ shift: Double) throws -> Double {
          var moved = x
          moved[element] += shift
          var feeds = arrays
          feeds[target] = try NDArray(moved, shape: arrays[target].shape)
          return try #require(try evaluator.run([scalar.value], feeding: feeds)[0].scalar)
        }
        let difference = (try value(step) - value(-step)) / (2 * step)
        let error = (gradient.doubles[element] - difference).magnitude / (1 + difference.magnitude)
        if !(error <= worst.error) { worst = (error, element, difference) }
      }
      let rule = gradient.doubles.isEmpty ? 0 : gradient.doubles[worst.element]
      #expect(
        worst.error <= tolerance,
        "\(note): d/dx\(target)[\(worst.element)] is \(rule) by rule, \(worst.difference) by differences")
    }
  }
}

extension OpTests {
  @Suite struct GradientTests {
    /// Differences take two runs for each element, so that samples of kernels' block sizes are left to those that ask
    /// the rules alone.
    private static let differentiable = opSamples.filter { sample in
      let arrays = sample.arrays()
      return arrays.allSatisfy { $0.type.elementCount <= 1000 }
        && arrays.indices.contains {
          arrays[$0].dtype == .f32 && sample.op.gradientFlow(from: $0, to: 0) != .notDifferentiable
        }
    }

    private func check(_ sample: OpSample) -> (GradientCheck, Tensor) {
      let (graph, node, arrays) = sample.graph(.f64)
      let results = graph.nodes[node].types.indices.map { Tensor(graph, Value(node, $0)) }
      let check = GradientCheck(graph, arrays)
      return (check, check.projection(of: results.filter(\.dtype.isFloatingPoint), seed: 2))
    }

    @Test(arguments: differentiable) func rulesAgreeWithDifferences(_ sample: OpSample) throws {
      let (check, loss) = check(sample)
      try check.expect(
        check.gradients(of: loss), of: loss, tolerance: 2e-7, sample.testDescription)
    }

    @Test(arguments: differentiable) func rulesOfRulesAgreeWithDifferences(_ sample: OpSample) throws {
      let (check, loss) = check(sample)
      let slope = check.projection(of: check.gradients(of: loss), seed: 3)
      try check.expect(
        check.gradients(of: slope), of: slope, tolerance: 2e-6, sample.testDescription)
    }

    @Test(arguments: opSamples) func flowPassesExactlyWhereTheRuleAnswers(_ sample: OpSample) throws {
      guard sample.arrays().contains(where: { $0.dtype == .f32 }) else { return }
      let (graph, node, _) = sample.graph(.f64)
      let (op, inputs, types) = (graph.nodes[node].op, graph.nodes[node].inputs, graph.nodes[node].types)
      for (result, type) in types.enumerated() where !type.dtype.isFloatingPoint {
        for operand in inputs.indices {
          let flow = op.gradientFlow(from: operand, to: result)
          #expect(flow == .notDifferentiable)
        }
      }
      guard types.contains(where: \.dtype.isFloatingPoint) else { return }
      let results = types.indices.map { Tensor(graph, Value(node, $0)) }
      let operands = inputs.map { Tensor(graph, $0) }
      let context = GradientContext(
        operands: operands, results: results,
        cotangents: results.map {
          $0.dtype.isFloatingPoint ? graph.constant(1, dtype: .f64).broadcast(to: $0.shape) : nil
        },
        wants: operands.map(\.dtype.isFloatingPoint), node: node, differentiator: ReverseWalk())
      let answers = op.gradient(context)
      #expect(answers.count == inputs.count)
      for (operand, answer) in answers.enumerated() where operands[operand].dtype.isFloatingPoint {
        let passes = types.indices.contains { op.gradientFlow(from: operand, to: $0) == .passes }
        #expect((answer != nil) == passes, "operand \(operand)")
        if let answer { #expect(answer.type == operands[operand].type) }
      }
      #expect(throws: Never.self) { try graph.validate() }
    }
  }
}
