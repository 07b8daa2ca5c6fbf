import FirnCompiler
import FirnFormats
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Averages of weights are of the values after the step.
@Suite struct AveragingTests {
  /// A weight of four, moved by 1 times `gradient` in each step, and a layer that reads it.
  private struct Model {
    let graph = Graph()
    let (w, other, gradient, y): (Tensor, Tensor, Tensor, Tensor)

    init() {
      w = graph.variable("w", shape: [4], dtype: .f64, initializer: .constant(10))
      other = graph.variable("other", shape: [4], dtype: .f64, initializer: .constant(1))
      gradient = graph.placeholder("gradient", shape: [4], dtype: .f64)
      y = w * other
    }

    var loss: Tensor { (w * gradient).sum() + other.sum() }

    func feeds(_ step: Int) -> Feeds { ["gradient": NDArray([1, 2, 3, 4].map { $0 * Double(step + 1) })] }
  }

  private static let rules: [Averaging] = [0.5, .mean(), .decay(0.9, of: "w", named: "slow")]

  @Test(arguments: rules.indices) func averagesAreOfValuesAfterTheStep(_ number: Int) throws {
    let averaging = Self.rules[number]
    let model = Model()
    let session = try quietSession(model.graph)
    let program = try session.compile(
      minimizing: model.loss, with: SGD(learningRate: 1), averaging: averaging)
    let judge = try session.compile(fetching: [model.y, model.w], underAverages: averaging.name)
    var (means, others) = ([10.0, 10, 10, 10], [1.0, 1, 1, 1])
    for step in 0..<5 {
      try session.run(program, feeding: model.feeds(step))
      let (values, rest) = (
        try session.value(of: model.w).doubles, try session.value(of: model.other).doubles
      )
      func next(_ mean: Double, _ value: Double) -> Double {
        switch number {
        case 0: 0.5 * mean + 0.5 * value
        case 1: mean + (value - mean) / Double(step + 1)
        default: 0.9 * mean + 0.1 * value
        }
      }
      means = zip(means, values).map(next)
      others = number == 2 ? rest : zip(others, rest).map(next)
      let found = try session.run(judge)
      #expect(zip(try found[model.w].doubles, means).allSatisfy { abs($0 - $1) < 1e-12 })
      #expect(
        zip(try found[model.y].doubles, zip(means, others).map { $0 * $1 }).allSatisfy {
          abs($0 - $1) < 1e-12
        })
      let snapshot = try session.snapshot(underAverages: averaging.name)
      #expect(snapshot.values.map(\.name) == ["w", "other"])
      #expect(try snapshot.values[0].array == found[model.w])
      #expect(
        try session.weights(underAverages: averaging.name).entries.map { try $0.array() }
          == snapshot.values.map(\.array))
      // Restored, they are what a session goes on with.
      let other = try quietSession(model.graph)
      try other.restore(snapshot)
      #expect(try other.run(other.compile(fetching: [model.y]))[model.y] == found[model.y])
    }
    // The weights themselves are what they are without.
    let plain = Model()
    let alone = try quietSession(plain.graph)
    let step = try alone.compile(minimizing: plain.loss, with: SGD(learningRate: 1))
    for number in 0..<5 { try alone.run(step, feeding: plain.feeds(number)) }
    #expect(try alone.value(of: plain.w) == session.value(of: model.w))
  }

  /// An average begins as its variable is when the first step is made, also where it was looked at before and weights were
  /// loaded then; what was given it stays.
  @Test func averagesBeginAsWhatWasLoaded() throws {
    let model = Model()
    let session = try quietSession(model.graph)
    let program = try session.compile(minimizing: model.loss, with: SGD(learningRate: 1), averaging: 0.5)
    func average() throws -> [Double] {
      try session.snapshot(underAverages: "average").values[0].array.doubles
    }
    #expect(try average() == [10, 10, 10, 10])
    try session.setValue(NDArray([1.0, 2, 3, 4]), of: "w")
    #expect(try average() == [1, 2, 3, 4])
    try session.run(program, feeding: model.feeds(0))
    #expect(try average() == [0.5, 1, 1.5, 2])
    try session.setValue(NDArray([8.0, 8, 8, 8]), of: "w")
    #expect(try average() == [0.5, 1, 1.5, 2])
    // Started over it is a copy again.
    try session.startOver(program)
    #expect(try average() == [8, 8, 8, 8])
  }

  /// To look at an average before its first step changes nothing of it.
  @Test(arguments: [false, true]) func lookingBeginsNoAverage(_ looks: Bool) throws {
    let model = Model()
    let session = try quietSession(model.graph)
    let averaged = try session.compile(minimizing: model.loss, with: SGD(learningRate: 1), averaging: 0.5)
    if looks { _ = try session.snapshot(underAverages: "average") }
    let plain = try session.compile(minimizing: model.loss, with: SGD(learningRate: 1))
    try session.run(plain, feeding: model.feeds(0))
    try session.run(averaged, feeding: model.feeds(0))
    #expect(try session.value(of: model.w).doubles == [8, 6, 4, 2])
    #expect(try session.snapshot(underAverages: "average").values[0].array.doubles == [8.5, 7, 5.5, 4])
  }

  /// What is frozen, in whole or in part, has no average and is read as it is; a run without a step moves none.
  @Test func onlyStepsMoveAverages() throws {
    let model = Model()
    let flag = model.graph.placeholder("flag", shape: [], dtype: .bool)
    let session = try quietSession(model.graph)
    let program = try session.compile(
      updates: [.minimize(model.loss, with: SGD(learningRate: 1), when: .holds(flag))],
      freezing: "other | w[1..<3]", averaging: 0.5)
    #expect(
      session.variables.filter { $0.kind == .slot }.map(\.name) == [
        "w/average/rows_0_1/value", "w/average/rows_3_4/value",
      ])
    let judge = try session.compile(fetching: [model.y], underAverages: "average")
    for (isStep, wanted) in [
      (true, [9.5, 10, 10, 8]), (false, [9.5, 10, 10, 8]), (true, [8.75, 10, 10, 5]),
    ] {
      try session.run(
        program, feeding: ["gradient": NDArray([1.0, 2, 3, 4]), "flag": NDArray(scalar: isStep)])
      #expect(try session.run(judge)[model.y].doubles == wanted)
      let snapshot = try session.snapshot(underAverages: "average")
      #expect(snapshot.values.map(\.array.doubles) == [wanted, [1, 1, 1, 1]])
    }
  }

  @Test func faultyAveragesAreRefused() throws {
    let model = Model()
    let session = try quietSession(model.graph)
    let table: [(Averaging, FirnError.Code, String)] = [
      (1.0, .invalidArgument, "decay of 1.0"), (.mean(named: "sgd"), .invalidArgument, "called `sgd`"),
      (.mean(named: "a/b"), .invalidArgument, "called `a/b`"), (.mean(of: "x"), .invalidSelection, "x"),
      (.mean(of: "w[0..<2]"), .invalidSelection, "names a part of `w`"),
    ]
    for (averaging, code, words) in table {
      let refused = try error {
        _ = try session.compile(minimizing: model.loss, with: SGD(learningRate: 1), averaging: averaging)
      }
      #expect(refused.code == code && refused.description.contains(words), "\(refused)")
    }
    let unknown = try error { _ = try session.compile(fetching: [model.y], underAverages: "average") }
    #expect(unknown.code == .unknownName)
    #expect(try error { _ = try session.weights(underAverages: "average") }.code == .unknownName)
    // An optimiser keeps none.
    _ = try session.compile(minimizing: model.loss, with: Adam())
    for name in ["adam", "average"] {
      #expect(try error { _ = try session.weights(underAverages: name) }.code == .unknownName)
      #expect(
        try error { _ = try session.compile(fetching: [model.y], underAverages: name) }.code == .unknownName)
    }
  }
}
