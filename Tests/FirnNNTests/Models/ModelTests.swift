import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTraining
import Foundation
import Testing

/// Reference models hold what torchvision's do, and freezing counts as it does there.
@Suite struct ModelTests {
  /// What torchvision says of one of its models; `Fixtures/make_model_fixtures.py` asked it.
  struct Listing: Decodable {
    struct Entry: Decodable, Equatable {
      let name: String
      let count: Int

      init(name: String, count: Int) {
        self.name = name
        self.count = count
      }

      init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        name = try container.decode(String.self)
        count = try container.decode(Int.self)
      }
    }

    struct StoredTensor: Decodable {
      let name: String
      let shape: [Int]

      init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        name = try container.decode(String.self)
        shape = try container.decode([Int].self)
      }
    }

    let name: String
    let variables: [Entry]
    /// By selection, the tensors and elements left to train.
    let freezes: [String: [Int]]
    /// Under torchvision's names.
    let stateDict: [StoredTensor]

    enum CodingKeys: String, CodingKey {
      case name, variables, freezes
      case stateDict = "state_dict"
    }

    static func load() throws -> [Listing] {
      let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      let data = try Data(contentsOf: folder.appending(path: "Fixtures/models.json"))
      return try JSONDecoder().decode([Listing].self, from: data)
    }
  }

  static func model(_ name: String, classes: Int = 1000) throws -> any ImageClassifier {
    switch name {
    case "resnet18": ResNet(.resNet18, classes: classes)
    case "resnet34": ResNet(.resNet34, classes: classes)
    case "resnet50": ResNet(.resNet50, classes: classes)
    case "vgg11": VGG(.vgg11, classes: classes)
    case "vgg11_bn": VGG(.vgg11, usesBatchNorm: true, classes: classes)
    case "vgg16": VGG(.vgg16, classes: classes)
    case "vgg16_bn": VGG(.vgg16, usesBatchNorm: true, classes: classes)
    case "mobilenet_v2": MobileNetV2(classes: classes)
    default: throw FirnError(.unknownName, name)
    }
  }

  @Test func variablesAreTorchvisions() throws {
    let listings = try Listing.load()
    #expect(listings.count == 8)
    for listing in listings {
      let graph = Graph()
      let model = try Self.model(listing.name)
      let logits = model(graph.placeholder("images", shape: ["batch", 64, 64, 3]))
      try graph.validate()
      #expect(logits.shape == ["batch", 1000])
      let variables = graph.variables.map { Listing.Entry(name: $0.name, count: $0.elementCount) }
      #expect(variables == listing.variables, "\(listing.name)")
    }
  }

  @Test func freezesCountAsInTorchvision() throws {
    let listings = try Listing.load().filter { !$0.freezes.isEmpty }
    #expect(listings.map(\.freezes.count) == [4, 3, 3])
    for listing in listings {
      let graph = Graph()
      let model = try Self.model(listing.name)
      let logits = model(graph.placeholder("images", shape: ["batch", 64, 64, 3]))
      let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
      let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
      for (freezing, counts) in listing.freezes.sorted(by: { $0.key < $1.key }) {
        let status = try Explanation(
          graph: graph.definition, loss: loss.value, freezing: Selection(freezing)
        ).status
        let trained = status.variables.filter { $0.status == .trained }
        #expect(
          [trained.count, trained.reduce(0) { $0 + $1.count }] == counts, "\(listing.name) \(freezing)")
      }
    }
  }

  @Test(arguments: ["resnet18", "vgg11", "mobilenet_v2"]) func headsAreReplaced(_ name: String) throws {
    let graph = Graph()
    let images = graph.placeholder("images", shape: ["batch", 64, 64, 3])
    let model = try Self.model(name, classes: 7)
    #expect(model(images).shape == ["batch", 7])
    let before = graph.variables.count
    #expect(graph.warnings == [])
    model.replaceHead(classes: 5)
    // It would train the old head without a word.
    #expect(
      graph.warnings.count == 1 && graph.warnings[0].contains("`replaceHead` after the model was called"))
    #expect(model(images).shape == ["batch", 5])
    try graph.validate()
    let added = graph.variables[before...].map(\.name)
    #expect(added.count == 2 && added.allSatisfy { $0.contains("_1/") }, "the trunk is shared: \(added)")
    let fresh = try Self.model(name, classes: 7)
    fresh.replaceHead(classes: 5)
    let other = Graph()
    #expect(fresh(other.placeholder("images", shape: [1, 64, 64, 3])).shape == [1, 5])
    #expect(other.variables.map(\.name) == graph.variables[..<before].map(\.name))
    #expect(other.warnings == [])
  }

  @Test func digitsModelIsSmall() throws {
    let graph = Graph()
    let model = DigitsCNN(name: "digits")
    #expect(model(graph.placeholder("images", shape: ["batch", 8, 8, 1])).shape == ["batch", 10])
    #expect(model.features(graph.placeholder("more", shape: [3, 8, 8, 1])).shape == [3, 64])
    try graph.validate()
    let parameters = graph.variables.filter { $0.kind == .parameter }
    #expect(parameters.reduce(0) { $0 + $1.elementCount } == 13_754)
    #expect(graph.variables.allSatisfy { $0.name.hasPrefix("digits/") })
  }

  /// An image that is too small, or of other channels, is told at the layer, with both numbers.
  @Test func wrongImagesAreReportedAtTheLayer() throws {
    func fault(_ size: Int, _ channels: Int, _ build: (Tensor) -> Void) throws -> FirnError {
      let graph = Graph()
      build(
        graph.placeholder("images", shape: ["batch", Dim(size), Dim(size), Dim(channels)]))
      return try #require(throws: FirnError.self) { try graph.validate() }
    }
    let small = try fault(16, 3) { _ = VGG(.vgg11)($0) }
    #expect(small.place?.hasPrefix("features/20") == true && small.message.contains("1"), "\(small)")
    let model = ResNet(.resNet18)
    let channels = try fault(64, 3) { images in
      _ = model(images)
      _ = model(images.graph.placeholder("grey", shape: [1, 64, 64, 1]))
    }
    #expect(channels.place?.hasPrefix("conv1") == true)
    #expect(channels.message.contains("1") && channels.message.contains("3"), "\(channels)")
    let groups = try fault(8, 6) { _ = Conv2D(8, kernel: 3, groups: 4, name: "split")($0) }
    #expect(groups.place == "split" && groups.message.contains("4 groups do not divide 6 channels"))
    let padding = try fault(8, 6) { _ = Conv2D(8, kernel: 3, padding: .symmetric(4, 4), name: "wide")($0) }
    #expect(
      padding.place?.hasPrefix("wide") == true && padding.message.contains("padding 4 and 4")
        && padding.message.contains("3"), "\(padding)")
  }
}
