import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
@testable import FirnRuntime
import FirnTraining
import Testing

/// Convolutions in a program: what freezing leaves of their gradients, and the same bits on any number of threads.
@Suite struct ConvolutionProgramTests {
  /// Three convolutions, the second depthwise and strided, with pools and upsampling between; images have a named batch.
  private func model() -> (graph: Graph, x: Tensor, loss: Tensor) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 12, 10, 3])
    func kernel(_ scope: String, _ shape: Shape) -> Tensor {
      graph.scope(scope) { graph.variable("kernel", shape: shape, role: "kernel") }
    }
    var y = relu(conv2d(x, kernel("low", [3, 3, 3, 8]), padding: .same))
    y = maxPool2d(y, window: (3, 3), strides: (2, 2), padding: .symmetric(1, 1))
    y = relu(conv2d(y, kernel("middle", [3, 3, 1, 8]), strides: (2, 2), padding: .same, groups: 8))
    y = averagePool2d(upsample(y, by: (2, 2), .bilinear()), window: (2, 2), strides: (1, 1))
    y = conv2d(y, kernel("high", [1, 1, 8, 5]))
    return (graph, x, square(globalAveragePool2d(y)).mean())
  }

  private func backward(_ frozen: Selection?) throws -> [String] {
    let (graph, _, loss) = model()
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1), freezing: frozen)
    return program.graph.nodes.filter { $0.phase == .backward }.map(\.mnemonic)
  }

  @Test func eachGradientIsBuiltOnlyWhereItIsNeeded() throws {
    func count(_ frozen: Selection?) throws -> [Int] {
      let nodes = try backward(frozen)
      return ["conv2d_kernel_gradient", "conv2d_input_gradient", "max_pool2d_gradient"].map { mnemonic in
        nodes.count { $0 == mnemonic }
      }
    }
    #expect(try count(nil) == [3, 2, 1])
    #expect(try count("low") == [2, 1, 0])
    #expect(try count("middle | high") == [1, 2, 1])
    #expect(try count("low | middle") == [1, 0, 0])
    #expect(try !backward("low | middle").contains { $0.hasPrefix("average") || $0.hasPrefix("upsample") })
  }

  @Test func threadsChangeNoBit() throws {
    func trained(_ threads: Int) throws -> [NDArray] {
      let (graph, x, loss) = model()
      let session = try Session(graph, seed: 5, threads: threads)
      let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1))
      for batch in [7, 1, 4] {
        try session.run(program, feeding: [x: noise([batch, 12, 10, 3]).converted(to: .f32)])
      }
      return try graph.variables.map { try session.value(of: try #require(graph.tensor(named: $0.name))) }
    }
    let one = try trained(1)
    for threads in [2, 3] {
      #expect(zip(one, try trained(threads)).allSatisfy { $0.isBitwiseEqual(to: $1) }, "\(threads) threads")
    }
  }

  @Test func textRoundTrips() throws {
    let (graph, _, loss) = model()
    let program = try Session(graph).compile(minimizing: loss, with: SGD(learningRate: 0.1))
    let copy = try GraphDef(parsing: program.graph.text, catalogue: .standard)
    #expect(copy == program.graph && copy.text == program.graph.text)
  }
}
