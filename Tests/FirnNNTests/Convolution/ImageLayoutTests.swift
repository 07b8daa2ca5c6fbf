import FirnCompiler
import FirnFormats
import FirnGraph
import FirnOps
import FirnRuntime
import Testing

@testable import FirnNN

/// Images whose channels come first, as PyTorch has them, are named as the likely cause of what goes wrong.
@Suite struct ImageLayoutTests {
  private let graph = Graph()
  private let remedy = "channels come last here"

  private func fault() throws -> FirnError { try #require(throws: FirnError.self) { try graph.validate() } }

  /// Sizes allow all of these: before, they passed in silence.
  @Test(arguments: [
    [2, 3, 64, 64], [2, 3, 224, 320], [2, 1, 64, 64],
  ])
  func modelsRefuseThem(_ shape: [Int]) throws {
    let images = graph.placeholder("images", shape: Shape(shape))
    let scores = ResNet(.resNet18, classes: 10)(images)
    let fault = try fault()
    #expect(scores.isPoisoned && graph.variables.isEmpty)
    #expect(
      fault.code == .shapeMismatch && fault.constraint == "C1" && fault.remedy?.contains(remedy) == true)
    #expect(fault.operands.map(\.name) == ["images"])
  }

  @Test func modelsTakeThemTransposed() throws {
    let images = graph.placeholder("images", shape: ["batch", 3, 64, 64]).transposed([0, 2, 3, 1])
    #expect(DigitsCNN()(images).shape == ["batch", 10])
    #expect(graph.tensor(named: "trunk/conv1/kernel")?.shape == [3, 3, 3, 16])
    try graph.validate()
  }

  /// An image of three rows is too small for the window, and a kernel of three channels does not fit: why is told.
  @Test func convolutionsNameTheCause() throws {
    let images = graph.placeholder("images", shape: ["batch", 3, 32, 32])
    _ = Conv2D(8, kernel: 7)(images)
    let kernel = graph.variable("kernel", shape: [3, 3, 3, 8])
    _ = conv2d(images, kernel)
    let causes = try fault().causes
    #expect(causes.map(\.constraint) == ["C8", "C6"])
    #expect(causes.allSatisfy { $0.remedy?.contains(remedy) == true }, "\(causes)")
  }

  /// Images too small for other reasons are not blamed on their layout.
  @Test func otherFaultsKeepTheirRemedy() throws {
    _ = Conv2D(8, kernel: 7)(graph.placeholder("images", shape: ["batch", 5, 32, 3]))
    let fault = try fault()
    #expect(fault.constraint == "C8" && fault.remedy?.contains("feed larger images") == true)
  }

  @Test func lintNamesConvolutionsOfSuchFeeds() throws {
    let images = graph.placeholder("images", shape: ["batch", 3, 32, 32])
    let loss = Conv2D(8, kernel: 3, padding: .same)(images / 255 - 0.5).mean()
    let finding = try #require(
      try Explanation(graph: graph.definition, loss: loss.value).lint().first { $0.code == .channelsFirst })
    #expect(finding.places.map(\.name) == ["conv/conv2d", "images"] && finding.remedy.contains(remedy))
    let other = Graph()
    let last = Conv2D(8, kernel: 3)(other.placeholder("images", shape: ["batch", 32, 32, 3])).mean()
    #expect(try Explanation(graph: other.definition, loss: last.value).lint().isEmpty)
  }

  /// The load that follows a convolution of 32 "channels" says what made it so.
  @Test func loadErrorsNameTheCause() throws {
    _ = Conv2D(8, kernel: 3, padding: .same, name: "conv1")(
      graph.placeholder("x", shape: ["batch", 3, 32, 32]))
    let weights = try Weights(
      source: "resnet",
      entries: [
        WeightEntry(name: "conv1/kernel", array: try NDArray(zeros: [3, 3, 3, 8])),
        WeightEntry(name: "conv1/bias", array: try NDArray(zeros: [8])),
      ])
    let session = try quietSession(graph)
    let fault = try #require(throws: FirnError.self) { try session.load(weights) }
    #expect(fault.description.contains("called with 32 channels, the file's reads 3"), "\(fault)")
    #expect(fault.description.contains("Channels come last here"))
  }
}
