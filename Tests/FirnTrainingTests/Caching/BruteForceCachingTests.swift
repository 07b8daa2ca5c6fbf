import FirnCompiler
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
@testable import FirnTraining
import FirnTestSupport
import Foundation
import Testing

/// Random graphs: change anything that the boundary claims not to depend on, and its bits stay.
@Suite struct BruteForceCachingTests {
  private static let count = ProcessInfo.processInfo.environment["FIRN_CACHED_GRAPHS"].flatMap(Int.init) ?? 60

  @Test(arguments: 0..<count) func whatIsStoredIsTheExamplesOwn(_ seed: Int) throws {
    let model = try RandomPrefix(seed: seed)
    let data = try model.data()
    let session = try model.session()
    let program: Program
    do {
      program = try model.program(session)
    } catch let fault as FirnError where fault.code == .noGradient {
      // Nothing that is trained has a way to the loss.
      return
    }
    guard program.frozenBoundary().cut != nil else { return }
    let place = FeaturePlace.memory(limit: 1 << 24)
    let first = try session.frozenFeatures(of: program, over: data, batchSize: 5, in: place)
    // Everything else: the other examples and their number, their order, what is trained, what is written, the run.
    let written = Set(program.writtenVariables)
    for variable in session.variables where written.contains(variable.name) && variable.type.dtype == .f32 {
      try session.setValue(
        noise(variable.type.shape.extents ?? [], "other \(variable.name)"), of: variable.name)
    }
    for _ in 0..<3 { try session.run(program, feeding: data.feeds([1, 0, 2])) }
    for kept in [[4], [6, 2], [8, 1, 3, 9, 0, 7, 5, 2]] {
      let part = try model.data(kept)
      for size in [1, 3, 7] {
        let again = try session.frozenFeatures(of: program, over: part, batchSize: size)
        #expect(again.values.map(\.name) == first.values.map(\.name))
        for (a, b) in zip(first.values, again.values) {
          #expect(
            try a.array.rows(kept).isBitwiseEqual(to: b.array),
            "\(a.name) of \(kept) by \(size)\n\(model.text)")
        }
      }
    }
  }

  /// The step fed by what is stored is the step.
  @Test(arguments: 0..<count) func cachedStepsAreTheSteps(_ seed: Int) throws {
    let model = try RandomPrefix(seed: seed)
    func run(_ isCached: Bool) throws -> [String: NDArray]? {
      let session = try model.session()
      let program: Program
      do { program = try model.program(session) } catch let fault as FirnError where fault.code == .noGradient
      {
        return nil
      }
      guard program.frozenBoundary().cut != nil else { return nil }
      try Trainer(program, in: session).fit(
        model.data(), epochs: 2, batchSize: 4, seed: 9,
        caching: isCached ? .frozenFeatures(in: .memory(limit: 1 << 24)) : nil)
      return try session.everything()
    }
    guard let plain = try run(false), let cached = try run(true) else { return }
    for (name, value) in plain {
      #expect(cached[name].map { isSame($0, value) } == true, "\(name)\n\(model.text)")
    }
  }

  /// Most of them have something to store, or the tests above would show little.
  @Test func mostRandomGraphsHaveABoundary() throws {
    var found = 0
    for seed in 0..<60 {
      let model = try RandomPrefix(seed: seed)
      if let program = try? model.program(model.session()), program.frozenBoundary().cut != nil { found += 1 }
    }
    #expect(found >= 30, "\(found) of 60")
  }

  /// Same bits, or both NaN.
  private func isSame(_ a: NDArray, _ b: NDArray) -> Bool {
    a.isBitwiseEqual(to: b)
      || a.type == b.type && zip(a.doubles, b.doubles).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
  }
}

/// A classifier of random layers, some frozen, some random, some that mix examples or keep state: a function of the
/// seed.
private struct RandomPrefix {
  let graph = Graph()
  private(set) var loss: Tensor
  private var columns: [(name: String, array: NDArray)] = []
  private var source: RandomSource
  private static let count = 10

  var text: String { graph.definition.text }

  init(seed: Int) throws {
    source = RandomSource(seed: seed)
    loss = graph.constant(0)
    let x = graph.placeholder("x", shape: ["batch", 6])
    let s = graph.placeholder("s", shape: ["batch", 4, 3])
    let words = graph.placeholder("words", shape: ["batch"], dtype: .i32)
    columns = [
      ("x", try noise([Self.count, 6], "x\(seed)")), ("s", try noise([Self.count, 4, 3], "s\(seed)")),
      ("words", NDArray((0..<Self.count).map { Int32($0 * 5 % 7) })),
    ]
    var pool = [x]
    pool.append(s.mean(axes: [1]))
    for number in 0..<5 + source.below(8) { pool.append(step(number, pool, s, words)) }
    let tail = Dense(3, name: "tail")(concatenate(Array(pool.suffix(3)), axis: 1))
    loss = square(tail).mean() + 0.1 * (pool.last ?? x).mean()
  }

  private mutating func step(_ number: Int, _ pool: [Tensor], _ s: Tensor, _ words: Tensor) -> Tensor {
    let a = source.pick(Array(pool.suffix(4)))
    let width = a.shape[1]
    // Early layers are frozen more often, as models have it.
    let isTrained = source.below(12) < number
    let name = "layer\(number)"
    switch source.below(16) {
    case 0, 1, 2, 3:
      return tanh(Dense(3 + source.below(6), trainable: !isTrained ? false : nil, name: name)(a))
    case 4: return concatenate([a, source.pick(pool)], axis: 1)
    case 5: return dropout(a, rate: 0.3, name: name)
    case 6: return a - a.mean(axes: [0], keepingAxes: true).broadcast(to: a.shape)
    case 7: return softmax(a)
    case 8: return stopGradient(a)
    case 9: return LSTM(4, trainable: isTrained ? nil : false, name: name)(s)
    case 10:
      return Embedding(count: 7, width: 5, trainable: isTrained ? nil : false, name: name)(words)
    case 11:
      let seen = graph.variable(name, shape: [width], initializer: .zeros, kind: .state)
      graph.assign(seen * 0.5 + a.sum(axes: [0]), to: seen, whenTraining: a)
      return source.chance(50) ? a : a + 0.1 * seen.broadcast(to: a.shape)
    case 12: return BatchNorm(trainable: isTrained ? nil : false, name: name)(a)
    case 13: return a / (1 + graph.extent("batch")).broadcast(to: a.shape)
    case 14:
      let w = graph.variable(name, shape: [width, width], trainable: isTrained ? nil : false)
      return tanh(matmul(tanh(matmul(a, w)), w, transposeB: true))
    default:
      let gain = graph.variable(name, shape: [width], trainable: isTrained ? nil : false)
      return relu(a) * exp(tanh(gain)).broadcast(to: a.shape)
    }
  }

  func session() throws -> Session { try quietSession(graph, seed: 11) }

  func program(_ session: Session) throws -> Program {
    try session.compile(minimizing: loss, with: SGD(learningRate: 0.05, momentum: 0.9))
  }

  func data(_ kept: [Int]? = nil) throws -> DataSet {
    guard let kept else { return try DataSet(columns) }
    return try DataSet(columns.map { ($0.name, try $0.array.rows(kept)) })
  }
}
