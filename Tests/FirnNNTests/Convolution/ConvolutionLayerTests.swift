import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import Testing

/// Convolutional layers hand the right variables and options to their ops.
@Suite struct ConvolutionLayerTests {
  private let graph = Graph()

  private func value(_ tensor: Tensor) throws -> NDArray {
    let session = try quietSession(graph)
    return try session.run(session.compile(fetching: [tensor]))[tensor]
  }

  private func expectSame(_ a: Tensor, _ b: Tensor, _ shape: Shape) throws {
    let joined = stack([a, b])
    #expect(a.shape == shape)
    let halves = try value(joined).doubles
    #expect(halves.prefix(halves.count / 2).elementsEqual(halves.suffix(halves.count / 2)))
    #expect(Set(halves).count > 3)
  }

  private func tensor(_ name: String) throws -> Tensor { try #require(graph.tensor(named: name)) }

  @Test func conv2D() throws {
    let x = graph.constant(try noise([2, 7, 5, 4], .f32))
    let layer = Conv2D(
      6, kernel: (3, 2), strides: (2, 1), padding: .explicit(top: 1, bottom: 0, left: 0, right: 1),
      dilation: (1, 2), groups: 2, activation: .tanh, initializers: WeightInitializers(bias: .constant(0.5)))
    let y = layer(x)
    let kernel = try tensor("conv/kernel")
    #expect(kernel.shape == [3, 2, 2, 6])
    let plain = conv2d(
      x, kernel, strides: (2, 1), padding: .explicit(top: 1, bottom: 0, left: 0, right: 1), dilation: (1, 2),
      groups: 2)
    try expectSame(y, tanh(plain + 0.5), [2, 3, 4, 6])
    #expect(graph.variables.map(\.name) == ["conv/kernel", "conv/bias"])
    #expect(layer(x).shape == y.shape && graph.variables.count == 2, "calls share")
  }

  @Test func conv1D() throws {
    let x = graph.constant(try noise([2, 9, 4], .f32))
    let y = Conv1D(3, kernel: 2, stride: 2, padding: .same, activation: .relu, usesBias: false)(x)
    try expectSame(y, relu(conv1d(x, tensor("conv/kernel"), stride: 2, padding: .same)), [2, 5, 3])
  }

  @Test func conv2DTransposeLayer() throws {
    let x = graph.constant(try noise([2, 3, 4, 6], .f32))
    let y = Conv2DTranspose(
      4, kernel: (3, 3), strides: (2, 2), padding: .symmetric(1, 1), outputPadding: (1, 0), groups: 2)(x)
    let kernel = try tensor("conv_transpose/kernel")
    #expect(kernel.shape == [3, 3, 2, 6])
    let plain = conv2dTranspose(
      x, kernel, strides: (2, 2), padding: .symmetric(1, 1), outputPadding: (1, 0), groups: 2)
    try expectSame(y, plain, [2, 6, 7, 4])
  }

  @Test func dilatedConv2DTranspose() throws {
    let x = graph.constant(try noise([2, 3, 4, 6], .f32))
    let y = Conv2DTranspose(4, kernel: (3, 2), strides: (2, 1), dilation: (2, 3), usesBias: false)(x)
    let kernel = try tensor("conv_transpose/kernel")
    try expectSame(y, conv2dTranspose(x, kernel, strides: (2, 1), dilation: (2, 3)), [2, 9, 7, 4])
  }

  @Test func maxPoolWithGapsAndRoundedUp() throws {
    let x = graph.constant(try noise([2, 7, 6, 3], .f32))
    try expectSame(
      MaxPool2D(2, stride: 2, padding: .symmetric(1, 1), dilation: 2, roundsUp: true)(x),
      maxPool2d(
        x, window: (2, 2), strides: (2, 2), padding: .symmetric(1, 1), dilation: (2, 2), roundsUp: true),
      [2, 4, 4, 3])
    try expectSame(
      MaxPool2D(window: (3, 2), strides: (2, 3), dilation: (2, 1))(x),
      maxPool2d(x, window: (3, 2), strides: (2, 3), dilation: (2, 1)), [2, 2, 2, 3])
  }

  @Test func pools() throws {
    let x = graph.constant(try noise([2, 7, 6, 3], .f32))
    try expectSame(
      MaxPool2D(3, stride: 2, padding: .symmetric(1, 1))(x),
      maxPool2d(x, window: (3, 3), strides: (2, 2), padding: .symmetric(1, 1)), [2, 4, 3, 3])
    try expectSame(
      AveragePool2D(window: (2, 3))(x), averagePool2d(x, window: (2, 3)), [2, 3, 2, 3])
    try expectSame(GlobalAveragePool2D()(x), x.mean(axes: [1, 2]), [2, 3])
    try expectSame(Flatten()(x), x.reshaped(to: [2, 126]), [2, 126])
  }

  @Test func sequentialNamesByPlace() throws {
    let x = graph.constant(try noise([2, 8, 8, 3], .f32))
    let net = Sequential(
      Conv2D(4, kernel: 3), Apply(.relu), Sequential(BatchNorm(), Flatten()), Dense(5),
      name: "features")
    let y = net(x)
    let names = [
      "features/0/kernel", "features/0/bias", "features/2/0/gamma", "features/2/0/beta",
      "features/2/0/moving_mean", "features/2/0/moving_variance", "features/3/kernel", "features/3/bias",
    ]
    #expect(graph.variables.map(\.name) == names)
    #expect(net(x).shape == y.shape && graph.variables.count == names.count)
    try graph.validate()
  }

  /// A name that a place would take is an error; each is named, the nested one's too.
  @Test func sequentialRefusesNames() throws {
    let x = graph.placeholder("x", shape: ["batch", 3])
    let line = #line + 2
    _ = Sequential(
      Dense(4, name: "first"), Apply(.relu), Sequential([Dropout(0.1)], name: "drops"), name: "net")(x)
    let fault = try #require(throws: FirnError.self) { try graph.validate() }
    #expect(fault.causes.map(\.place) == ["net/0", "net/2"])
    #expect(
      fault.causes.allSatisfy {
        $0.code == .invalidArgument && $0.constraint == "C1" && $0.location?.line == line
      }, "\(fault.causes.map { ($0.code, $0.constraint, $0.location?.line) })")
    #expect(fault.causes.map(\.message).first?.contains("`first`") == true)
  }

  /// As in PyTorch: shared weights are listed once, under the first name they had.
  @Test func sequentialKeepsTheNameOfAFirstCall() throws {
    let x = graph.constant(try noise([2, 3], .f32))
    let (shared, used) = (Dense(3, usesBias: false), Dense(3, usesBias: false, name: "head"))
    let seen = used(x)
    let net = Sequential(shared, Apply(.relu), shared, used, name: "net")
    // Where it is called first counts, not what it was first put into.
    let other = Sequential(Apply(.relu), Apply(.relu), Apply(.relu), Apply(.tanh), shared, name: "other")
    let y = net(x)
    _ = other(x)
    #expect(graph.variables.map(\.name) == ["head/kernel", "net/0/kernel"])
    let kernel = try tensor("net/0/kernel")
    try expectSame(
      y, matmul(matmul(relu(matmul(x, kernel)), kernel), tensor("head/kernel")), [2, 3])
    #expect(used(x).type == seen.type && graph.variables.count == 2)
    try graph.validate()
  }

  @Test func residualBlocksAddTheirShortcut() throws {
    let x = graph.constant(try noise([2, 5, 5, 3], .f32))
    let inner = Conv2D(3, kernel: 3, padding: .same, name: "a")
    let y = ResidualBlock([inner], activation: .linear)(x)
    try expectSame(y, inner(x) + x, [2, 5, 5, 3])
    let other = Graph()
    _ = ResidualBlock([Conv2D(4, kernel: 3, name: "a")], name: "wide")(
      other.placeholder("x", shape: ["batch", 5, 5, 3]))
    let fault = try #require(throws: FirnError.self) { try other.validate() }
    #expect(fault.place == "wide" && fault.message.contains("[batch,3,3,4]"), "\(fault)")
  }
}
