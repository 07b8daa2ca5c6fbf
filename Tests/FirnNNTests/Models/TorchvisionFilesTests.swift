import FirnFormats
import FirnGraph
import FirnNN
import FirnRuntime
import Foundation
import Testing

private let folderOfFiles = ProcessInfo.processInfo.environment["FIRN_TORCHVISION"]

/// Whole files of torchvision's models load strictly by the ready maps, and the models then say what torchvision's do.
///
/// `Fixtures/make_torchvision_files.py` makes the files; the variable `FIRN_TORCHVISION` names their folder.
@Suite(
  .serialized,
  .enabled(if: folderOfFiles != nil, "FIRN_TORCHVISION names no folder of torchvision's files")
)
struct TorchvisionFilesTests {
  static func map(_ name: String) -> NameMap {
    if name.hasPrefix("resnet") { return .torchvisionResNet }
    return name.hasPrefix("vgg") ? .torchvisionVGG() : .torchvisionMobileNetV2
  }

  private func array(_ name: String, of weights: Weights) throws -> NDArray {
    let entry = try #require(weights[name])
    return try entry.array()
  }

  @Test(
    arguments: ["resnet18", "resnet50", "vgg11_bn", "vgg16", "mobilenet_v2"], ["pt", "safetensors"])
  func logitsAreTorchvisions(_ name: String, _ format: String) throws {
    let folder = try #require(folderOfFiles)
    let expected = try Weights(contentsOf: "\(folder)/\(name).expected.safetensors")
    let image = try array("image", of: expected)
    let logits = try array("logits", of: expected).doubles
    let weights = try Weights(contentsOf: "\(folder)/\(name).\(format)")

    let graph = Graph()
    let images = graph.placeholder("images", shape: [1, 64, 96, 3])
    let model = try ModelTests.model(name)
    let result = model(images)
    let session = try Session(graph)
    // Strictly: no variable is left as it was drawn.
    try session.load(weights, mapping: Self.map(name))
    let program = try session.compile(fetching: [result])
    let results = try session.run(program, feeding: [images: image])
    let mine = try results[result].doubles

    let scale = logits.map(abs).max() ?? 0
    let worst = zip(mine, logits).map { abs($0 - $1) / scale }.max() ?? .infinity
    print("\(name).\(format): largest difference \(worst) of \(scale)")
    #expect(mine.count == 1000 && worst <= 1e-4)
  }
}
