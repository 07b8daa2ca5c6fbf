import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

#if DEBUG
  private let isOptimized = false
#else
  private let isOptimized = true
#endif

/// ResNet-18 on images of 64 by 64 against PyTorch; `Fixtures/make_resnet_fixtures.py` made the numbers.
@Suite(.serialized, .enabled(if: isOptimized, "eleven million weights take too long unoptimised"))
struct ResNetParityTests {
  private struct Sample: Decodable {
    let norm: Double
    let largest: Double
    let values: [Double]

    /// The largest difference, relative to the largest element.
    func difference(_ array: NDArray, _ name: String) -> Double {
      let all = array.doubles
      let norm = all.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let picked = HashedNumbers.places(name, values.count, of: all.count).map { all[$0] }
      let worst = zip(picked, values).map { abs($0 - $1) }.max() ?? .infinity
      let result = max(worst / largest, abs(norm - self.norm) / self.norm)
      return result.isNaN ? .infinity : result
    }
  }

  private struct Expected: Decodable {
    struct Run: Decodable {
      let freezing: String
      let keepsTrainingMode: Bool
      let losses: [Double]
      let variables: [String: Sample]
    }

    let logits: [Double]
    let inference: [Double]
    let loss: Double
    let gradients: [String: Sample]
    /// By how much PyTorch's own gradients in `f32` are off, relative to the largest element of each.
    let f32: Double
    let runs: [Run]

    static func load() throws -> Expected {
      let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      return try JSONDecoder().decode(
        Expected.self, from: Data(contentsOf: folder.appending(path: "Fixtures/resnet18.json")))
    }
  }

  private struct Model {
    let graph = Graph()
    let logits: Tensor
    let loss: Tensor

    init(_ dtype: DType) throws {
      let images = graph.constant(
        try NDArray(HashedNumbers.units("images", 2 * 64 * 64 * 3, scale: 4), shape: [2, 64, 64, 3])
          .converted(to: dtype))
      logits = ResNet(.resNet18, classes: 10)(images)
      loss = sparseSoftmaxCrossEntropy(logits: logits, labels: graph.constant(NDArray([3, 7] as [Int32])))
        .mean()
    }

    func session(_ first: Snapshot) throws -> Session {
      let session = try quietSession(graph)
      try session.restore(first)
      return session
    }

    func firstValues(_ dtype: DType) throws -> Snapshot {
      Snapshot(
        values: try graph.variables.map { variable in
          let shape = variable.type.shape.map { $0.value ?? 0 }
          let array = try NDArray(HashedNumbers.value(of: variable), shape: shape)
          return .init(name: variable.name, array: array.converted(to: dtype))
        })
    }
  }

  private func largest(_ a: [Double], _ b: [Double]) -> Double {
    let scale = b.map(abs).max() ?? 1
    return zip(a, b).map { abs($0 - $1) / scale }.max() ?? .infinity
  }

  @Test(arguments: [DType.f64, .f32]) func forwardAndAllGradients(_ dtype: DType) throws {
    let expected = try Expected.load()
    let tolerance = dtype == .f64 ? 1e-12 : 1e-5
    let model = try Model(dtype)
    let names = model.graph.variables.filter { $0.kind == .parameter }.map(\.name)
    #expect(names.sorted() == expected.gradients.keys.sorted())
    let gradients = model.graph.gradients(
      of: [model.loss], withRespectTo: try names.map { try #require(model.graph.tensor(named: $0)) })
    let session = try model.session(try model.firstValues(dtype))
    let inference = try session.run(session.compile(fetching: [model.logits]))
    #expect(largest(try inference[model.logits].doubles, expected.inference) <= tolerance)
    let program = try session.compile(
      fetching: [model.logits, model.loss] + gradients, inTrainingMode: true)
    let results = try session.run(program)
    #expect(largest(try results[model.logits].doubles, expected.logits) <= tolerance)
    #expect(abs(try results.scalar(model.loss) - expected.loss) <= tolerance * expected.loss)
    var worst = (name: "", difference: 0.0)
    for (name, gradient) in zip(names, gradients) {
      let difference = try #require(expected.gradients[name]).difference(try results[gradient], name)
      if difference > worst.difference { worst = (name, difference) }
    }
    // Seventeen layers from the loss, rounding alone is more than the tolerance of the values.
    #expect(worst.difference <= (dtype == .f64 ? tolerance : expected.f32), "\(worst)")
  }

  @Test func threeStepsWithEachFreeze() throws {
    let expected = try Expected.load()
    #expect(expected.runs.count == 6)
    let model = try Model(.f32)
    let first = try model.firstValues(.f32)
    let initial = Dictionary(first.values.map { ($0.name, $0.array) }) { $1 }
    for run in expected.runs {
      let session = try model.session(first)
      let program = try session.compile(
        minimizing: model.loss, with: SGD(learningRate: 0.001), freezing: Selection(run.freezing),
        keepingTrainingMode: run.keepsTrainingMode ? "**" : nil)
      let what = "\(run.freezing), \(run.keepsTrainingMode ? "training" : "default") mode"
      let losses = try (0..<3).map { _ in try session.run(program).scalar(model.loss) }
      #expect(
        zip(losses, run.losses).allSatisfy { abs($0 - $1) <= 1e-4 * run.losses[0] }, "\(what): \(losses)")
      let written = Set(program.graph.writtenVariables)
      var worst = (name: "", difference: 0.0)
      var frozen = 0
      for status in program.status.variables {
        let name = status.name
        let value = try session.value(of: name)
        if status.status == .frozen || (status.status == .state && !written.contains(name)) {
          frozen += 1
          #expect(value.isBitwiseEqual(to: try #require(initial[name])), "\(what): \(name) moved")
          continue
        }
        let difference = try #require(run.variables[name]).difference(value, name)
        if difference > worst.difference { worst = (name, difference) }
      }
      #expect(worst.difference <= 1e-4, "\(what): \(worst)")
      let isStateHeld = program.status.variables.contains {
        $0.status == .state && !written.contains($0.name)
      }
      #expect(frozen > 0 && isStateHeld != run.keepsTrainingMode)
    }
  }
}
