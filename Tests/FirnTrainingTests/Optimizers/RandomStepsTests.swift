import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// Random settings of training against PyTorch: optimisers × groups × frozen parts × masks × clipping × windows ×
/// objectives.
///
/// `Fixtures/make_random_steps.py` makes the numbers; `FIRN_RANDOM_STEPS` names a file of others that it made.
@Suite struct RandomStepsTests {
  private struct Case: Decodable {
    struct Settings: Decodable {
      let name: String
      let rate, decay, exponential: Double
      let momentum, dampening, beta1, beta2, eps, smoothing, rateDecay, initialSum: Double?
      let nesterov: Bool?
    }

    struct Group: Decodable {
      let of: [String]
      let times, fixed, decay: Double?
    }

    /// `["norm", 0.3]`.
    struct Bound: Decodable {
      let clipping: Clipping

      init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        let (form, bound) = (try values.decode(String.self), try values.decode(Double.self))
        clipping = form == "value" ? .value(bound) : form == "norm" ? .norm(bound) : .globalNorm(bound)
      }
    }

    struct Goal: Decodable {
      let loss: String
      let of: [String]
      let optimizer: Settings
      let groups: [Group]
      let clipping: Bound?
      let accumulating, every: Int
      let weighted, closed: Bool
    }

    struct Run: Decodable {
      let rows: Int
      let closes: Bool
    }

    let objectives: [Goal]
    /// Axis, first and end of what is frozen of a variable; null for all.
    let frozen: [String: [Int]?]
    let holding: [String: [Bool]]
    let runs: [Run]
    let start, result: [String: [Double]]
    let x, t: [Double]
  }

  private static let shapes: [(name: String, shape: [Int])] = [
    ("layer/w1", [3, 4]), ("layer/b1", [4]), ("head/w2", [4, 2]), ("head/b2", [2]),
  ]

  private func cases() throws -> [Case] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file =
      ProcessInfo.processInfo.environment["FIRN_RANDOM_STEPS"].map { URL(filePath: $0) }
      ?? folder.appending(path: "Fixtures/random_steps.json")
    return try JSONDecoder().decode([Case].self, from: Data(contentsOf: file))
  }

  private func optimizer(_ s: Case.Settings, _ groups: [ParameterGroup], _ name: String) -> any Optimizer {
    let rate: Schedule =
      s.exponential == 1 ? .constant(s.rate) : .exponential(initial: s.rate, factor: s.exponential)
    let (beta1, beta2, eps) = (s.beta1 ?? 0, s.beta2 ?? 0, s.eps ?? 0)
    return switch s.name {
    case "sgd":
      SGD(
        learningRate: rate, momentum: s.momentum ?? 0, weightDecay: s.decay,
        usesNesterov: s.nesterov ?? false, dampening: s.dampening ?? 0, groups: groups, name: name)
    case "nadam", "nadamw":
      NAdam(
        learningRate: rate, beta1: beta1, beta2: beta2, epsilon: eps, weightDecay: s.decay,
        decouplesDecay: s.name == "nadamw", groups: groups, name: name)
    case "rmsprop", "centred":
      RMSprop(
        learningRate: rate, smoothing: s.smoothing ?? 0, epsilon: eps, momentum: s.momentum ?? 0,
        weightDecay: s.decay, isCentred: s.name == "centred", groups: groups, name: name)
    case "adagrad":
      Adagrad(
        learningRate: rate, rateDecay: s.rateDecay ?? 0, initialSum: s.initialSum ?? 0, epsilon: eps,
        weightDecay: s.decay, groups: groups, name: name)
    case "adadelta":
      Adadelta(
        learningRate: rate, smoothing: s.smoothing ?? 0, epsilon: eps, weightDecay: s.decay, groups: groups,
        name: name)
    case "lion":
      Lion(
        learningRate: rate, beta1: beta1, beta2: beta2, weightDecay: s.decay, groups: groups, name: name)
    case "lamb":
      LAMB(
        learningRate: rate, beta1: beta1, beta2: beta2, epsilon: eps, weightDecay: s.decay, groups: groups,
        name: name)
    default:
      Adam(
        learningRate: rate, beta1: beta1, beta2: beta2, epsilon: eps, weightDecay: s.decay,
        couplesDecay: s.name != "adamw", keepsMaximum: s.name == "amsgrad", groups: groups, name: name)
    }
  }

  private func selection(_ names: [String]) throws -> Selection {
    try Selection(names.joined(separator: " | "))
  }

  /// The weights after all runs, by name.
  private func trained(_ item: Case) throws -> [String: [Double]] {
    let graph = Graph()
    var variables: [String: Tensor] = [:]
    for (name, shape) in Self.shapes {
      let values = try NDArray(#require(item.start[name]), shape: shape)
      variables[name] = graph.scope(Path.parent(of: name)) {
        graph.variable(
          Path.last(of: name), shape: Shape(shape.map { Dim($0) }), dtype: .f64, initializer: .array(values))
      }
    }
    let (w1, b1) = (try #require(variables["layer/w1"]), try #require(variables["layer/b1"]))
    let (w2, b2) = (try #require(variables["head/w2"]), try #require(variables["head/b2"]))
    let x = graph.placeholder("x", shape: ["rows", 3], dtype: .f64)
    let t = graph.placeholder("t", shape: ["rows", 2], dtype: .f64)
    let count = graph.placeholder("count", shape: [], dtype: .i32)
    let closes = graph.placeholder("closes", shape: [], dtype: .bool)
    let out = matmul(tanh(matmul(x, w1) + b1), w2) + b2
    let losses = ["first": square(out - t).mean(), "second": square(tanh(out) - 0.3 * t).mean()]

    let objectives = try item.objectives.enumerated().map { number, goal in
      let groups = try goal.groups.map { group in
        ParameterGroup(
          try selection(group.of), rate: group.times.map { .times($0) } ?? group.fixed.map { .fixed($0) },
          weightDecay: group.decay)
      }
      return Objective.minimize(
        try #require(losses[goal.loss]), training: item.objectives.count == 1 ? nil : try selection(goal.of),
        with: optimizer(goal.optimizer, groups, "optimizer\(number)"), clipping: goal.clipping?.clipping,
        accumulating: goal.accumulating == 1
          ? nil
          : Accumulation(
            goal.accumulating, weightedBy: goal.weighted ? count : nil,
            closedBy: goal.closed ? closes : nil),
        when: goal.every == 1 ? nil : .every(goal.every), named: "goal\(number)")
    }
    let frozen = item.frozen.keys.sorted().map { name in
      guard let block = item.frozen[name] ?? nil else { return name }
      return "\(name)[axis \(block[0]): \(block[1])..<\(block[2])]"
    }
    let masks = try item.holding.keys.sorted().map { name in
      let shape = try #require(Self.shapes.first { $0.name == name }).shape
      return (name, graph.constant(try NDArray(#require(item.holding[name]), shape: shape)))
    }
    let session = try quietSession(graph)
    let freezing = frozen.isEmpty ? nil : try selection(frozen)
    let program =
      switch masks.count {
      case 0: try session.compile(updates: objectives, freezing: freezing)
      case 1:
        try session.compile(updates: objectives, freezing: freezing, holding: [masks[0].0: masks[0].1])
      default:
        try session.compile(
          updates: objectives, freezing: freezing,
          holding: [masks[0].0: masks[0].1, masks[1].0: masks[1].1])
      }
    var start = 0
    for run in item.runs {
      func rows(_ values: [Double], _ width: Int) throws -> NDArray {
        try NDArray(Array(values[start * width..<(start + run.rows) * width]), shape: [run.rows, width])
      }
      try session.run(
        program,
        feeding: [
          "x": rows(item.x, 3), "t": rows(item.t, 2), "count": NDArray(scalar: Int32(run.rows)),
          "closes": NDArray(scalar: run.closes),
        ])
      start += run.rows
    }
    return try Dictionary(
      uniqueKeysWithValues: Self.shapes.map { ($0.name, try session.value(of: $0.name).doubles) })
  }

  @Test func randomSettingsAreTheirs() throws {
    let cases = try cases()
    #expect(cases.count >= 40)
    // What the sample must have for this to say anything.
    #expect(Set(cases.flatMap { $0.objectives.map(\.optimizer.name) }).count == 12)
    #expect(cases.contains { $0.objectives.count == 2 } && cases.contains { !$0.holding.isEmpty })
    for (number, item) in cases.enumerated() {
      let found = try trained(item)
      for (name, shape) in Self.shapes {
        let (wanted, own) = (try #require(item.result[name]), try #require(found[name]))
        let scale = max(1, wanted.map(\.magnitude).max() ?? 0)
        let off = zip(own, wanted).map { abs($0 - $1) }.max() ?? .infinity
        #expect(off <= 1e-9 * scale, "case \(number), \(name): off by \(off)")
        // What may not move has moved by nothing at all.
        let start = try #require(item.start[name])
        for element in start.indices where isFixed(element, of: name, shape, item) {
          #expect(own[element] == start[element], "case \(number), \(name), element \(element)")
        }
      }
    }
  }

  private func isFixed(_ element: Int, of name: String, _ shape: [Int], _ item: Case) -> Bool {
    if item.holding[name]?[element] == true { return true }
    guard let frozen = item.frozen[name] else { return false }
    guard let block = frozen else { return true }
    let width = shape.dropFirst().reduce(1, *)
    let place = block[0] == 0 ? element / width : element % width
    return (block[1]..<block[2]).contains(place)
  }
}
