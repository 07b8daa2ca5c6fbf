import FirnCompiler
import FirnGraph
import FirnNotation
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
    // Of a frozen kernel's the packed one is the same.
    return program.graph.unfused.nodes.filter { $0.phase == .backward }.map {
      $0.mnemonic.hasSuffix("_packed") ? String($0.mnemonic.dropLast(7)) : $0.mnemonic
    }
  }

  @Test func eachGradientIsBuiltOnlyWhereItIsNeeded() throws {
    func count(_ frozen: Selection?) throws -> [Int] {
      let nodes = try backward(frozen)
      // The places of the greatest elements are kept in the place of the image.
      return ["conv2d_kernel_gradient", "conv2d_input_gradient", "max_pool2d_scatter"].map { mnemonic in
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

  /// Before any table or buffer of that size is made.
  @Test func whatDoesNotFitMemoryIsRefused() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [1, 1, 1, 2])
    let wide = graph.placeholder("wide", shape: Shape([1, 1 << 27, 1 << 27, 1]))
    let session = try Session(graph, threads: 1)
    let half = 1 << 26
    for y in [
      resize(x, to: (1 << 30, 1 << 14), .nearest), resize(x, to: (1 << 30, 1 << 14), .bilinear()),
      resize(x, to: (1 << 30, 1 << 14), .bicubic()),
      averagePool2d(wide, window: (half, half), strides: (1, 1)),
      maxPool2d(wide, window: (half, half), strides: (1, 1)),
    ] {
      let program = try session.compile(fetching: [y])
      let fault = try #require(throws: FirnError.self) { try session.arenaBytes(of: program) }
      #expect(fault.message.contains("bytes of memory"), "\(fault)")
    }
  }

  /// Weights take memory for elements and windows, not for each pair of them.
  @Test func wideWindowsHaveSmallTables() throws {
    let graph = Graph()
    let x = graph.variable("x", shape: [1, 1, 20_000, 1], initializer: .ones)
    let y = averagePool2d(x, window: (1, 4000), strides: (1, 1))
    let slope = graph.gradients(of: [y.sum()], withRespectTo: [x])[0]
    let session = try Session(graph, threads: 1)
    #expect(try session.arenaBytes(of: session.compile(fetching: [y])) < 2 << 20)
    #expect(try session.arenaBytes(of: session.compile(fetching: [slope])) < 2 << 20)
  }

  /// Any block of a kernel freezes: its bits stay, the others move as those of the whole do (rule 13).
  @Test(arguments: ["low/kernel", "middle/kernel", "high/kernel"], 0..<4)
  func partsOfKernelsFreeze(_ name: String, _ axis: Int) throws {
    let (graph, x, loss) = model()
    let variable = try #require(graph.variables.first { $0.name == name })
    let extent = try #require(variable.type.shape[axis].value)
    guard extent > 1 else { return }
    let frozen = 0..<extent / 2
    func trained(_ freezing: [SelectedVariable]) throws -> Session {
      let session = try Session(graph, seed: 5, threads: 1)
      var request = CompilationRequest(
        graph: graph.definition, fetches: [],
        training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.5)))
      request.trainability = try Trainability(graph.variables, freezing: freezing, thawing: [])
      try session.run(
        session.compile(request), feeding: [x: noise([3, 12, 10, 3]).converted(to: .f32)])
      return session
    }
    let region = try #require(Region.along(axis, [frozen], extent: extent))
    let part = try trained([SelectedVariable(variable: variable, region: region, matchedBy: [])])
    let whole = try trained([])
    for other in graph.variables where other.name != name {
      #expect(try part.value(of: other.name).isBitwiseEqual(to: whole.value(of: other.name)))
    }
    let (got, moved) = (try part.value(of: name), try whole.value(of: name).doubles)
    let before = try Session(graph, seed: 5, threads: 1).value(of: name).doubles
    let inner = got.shape[(axis + 1)...].reduce(1, *)
    for (element, value) in got.doubles.enumerated() {
      let isFrozen = frozen.contains(element / inner % extent)
      #expect(value == (isFrozen ? before : moved)[element], "\(name)[\(element)]")
    }
    #expect(moved != before)
  }

  @Test func textRoundTrips() throws {
    let (graph, _, loss) = model()
    let program = try Session(graph).compile(minimizing: loss, with: SGD(learningRate: 0.1))
    let copy = try GraphDef(parsing: program.graph.text, catalogue: .standard)
    #expect(copy == program.graph && copy.text == program.graph.text)
  }
}
