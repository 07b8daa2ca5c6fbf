import FirnGraph
import FirnOps
import Foundation
import Testing

/// One expression as PyTorch or TensorFlow computes it, with its gradients; `Fixtures/convolution.py` made them.
struct ConvolutionFixture: Decodable, CustomTestStringConvertible {
  struct Numbers: Decodable {
    let shape: [Int]
    let data: Data

    var values: [Double] {
      data.withUnsafeBytes { bytes in
        (0..<bytes.count / 8).map { at in
          Double(
            bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at * 8, as: UInt64.self)))
        }
      }
    }
  }

  let name: String
  let op: String
  let inputs: [[Int]]
  let levels: Int?
  let nans: Bool?
  let strides: [Int]?
  let padding: [Int]?
  let dilation: [Int]?
  let groups: Int?
  let output_padding: [Int]?
  let window: [Int]?
  let rounds_up: Bool?
  let counts_padding: Bool?
  let size: [Int]?
  let aligns_corners: Bool?
  /// The result, then the gradient of each input.
  let results: [Numbers]

  var testDescription: String { "\(op): \(name)" }

  /// What the script calls `numbers`.
  static func numbers(_ shape: [Int], seed: Int, levels: Int? = nil, nans: Bool = false) -> [Double] {
    (0..<shape.reduce(1, *)).map { i in
      let value = Double((i * 7919 + seed * 104_729) % 2039 - 1019) / 512
      if nans, i % 17 == 3 { return .nan }
      return levels.map { (value * Double($0)).rounded(.down) / Double($0) } ?? value
    }
  }

  static let all: [ConvolutionFixture] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
      path: "Fixtures/convolution.json")
    do {
      return try JSONDecoder().decode([ConvolutionFixture].self, from: Data(contentsOf: file))
    } catch {
      Issue.record("\(error)")
      return []
    }
  }()

  private func pair(_ list: [Int]?) -> (height: Int, width: Int) {
    (list ?? [1, 1]).withUnsafeBufferPointer { ($0[0], $0[1]) }
  }

  /// The expression in Firn.
  func build(_ x: [Tensor]) -> Tensor {
    let padding: Padding2D =
      self.padding.map { .explicit(top: $0[0], bottom: $0[1], left: $0[2], right: $0[3]) } ?? .same
    let (strides, dilation) = (pair(strides), pair(dilation))
    switch op {
    case "conv2d":
      return conv2d(x[0], x[1], strides: strides, padding: padding, dilation: dilation, groups: groups ?? 1)
    case "conv2d_transpose":
      return conv2dTranspose(
        x[0], x[1], strides: strides, padding: padding, outputPadding: pair(output_padding),
        dilation: dilation,
        groups: groups ?? 1)
    case "conv1d":
      return conv1d(x[0], x[1], stride: strides.width, padding: padding, dilation: dilation.width)
    case "max_pool2d":
      return maxPool2d(
        x[0], window: pair(window), strides: strides, padding: padding, dilation: dilation,
        roundsUp: rounds_up ?? false)
    case "average_pool2d":
      return averagePool2d(
        x[0], window: pair(window), strides: strides, padding: padding, countsPadding: counts_padding ?? true)
    case "adaptive_average_pool2d": return adaptiveAveragePool2d(x[0], to: pair(size))
    case "nearest": return resize(x[0], to: pair(size), .nearest)
    case "bilinear": return resize(x[0], to: pair(size), .bilinear(alignsCorners: aligns_corners ?? false))
    case "bicubic": return resize(x[0], to: pair(size), .bicubic(alignsCorners: aligns_corners ?? false))
    default:
      Issue.record("no op \(op)")
      return x[0]
    }
  }

  /// The result and the gradients as Firn computes them in `dtype`.
  func run(_ dtype: DType) throws -> [NDArray] {
    let graph = Graph()
    let x = inputs.enumerated().map { graph.placeholder("x\($0)", shape: Shape($1), dtype: dtype) }
    let y = build(x)
    try graph.validate()
    let seed = try NDArray(Self.numbers(results[0].shape, seed: 9), shape: results[0].shape)
    let adjoints = ReverseWalk().adjoints(
      of: [y.value], seeds: [graph.constant(seed.converted(to: dtype))], withRespectTo: x.map(\.value),
      stopping: [], in: graph)
    try graph.validate()
    let outputs = try [y] + adjoints.map { try #require($0) }
    let feeds = try inputs.enumerated().map { index, shape in
      let isHoled = (nans ?? false) && index == 0
      return try NDArray(Self.numbers(shape, seed: index + 1, levels: levels, nans: isHoled), shape: shape)
        .converted(to: dtype)
    }
    return try Evaluator(graph: graph.definition).run(outputs.map(\.value), feeding: feeds)
  }
}

extension OpTests {
  /// Results and gradients against PyTorch's and TensorFlow's.
  @Suite struct ConvolutionParityTests {
    @Test func thereAreCases() { #expect(ConvolutionFixture.all.count >= 60) }

    @Test(arguments: ConvolutionFixture.all) func agrees(_ fixture: ConvolutionFixture) throws {
      for (dtype, tolerance) in [(DType.f64, 1e-12), (.f32, 1e-5)] {
        for (index, pair) in zip(try fixture.run(dtype), fixture.results).enumerated() {
          let (got, expected) = (pair.0, pair.1)
          #expect(got.shape == expected.shape)
          let scale = expected.values.filter(\.isFinite).map(abs).max() ?? 0
          let errors = zip(got.doubles, expected.values).map { a, b in
            a.isNaN && b.isNaN || a == b ? 0 : (a - b).magnitude / (scale == 0 ? 1 : scale)
          }
          #expect(errors.allSatisfy { $0 <= tolerance }, "\(dtype), result \(index)")
        }
      }
    }
  }
}
