import FirnFormats
import FirnGraph
import FirnNN
import FirnRuntime
import Foundation
import Testing

#if DEBUG
  private let isOptimized = false
#else
  private let isOptimized = true
#endif

/// ResNet-18 of full size goes to PyTorch and comes back with the same bits.
///
/// With `FIRN_WRITTEN=folder` it starts from what `Fixtures/check_resnet_round_trip.py` left there, torchvision's own
/// weights, and leaves what it saved for the same script.
@Suite(.serialized, .enabled(if: isOptimized, "eleven million weights take too long unoptimised"))
struct ResNetRoundTripTests {
  private func model() throws -> (session: Session, images: Tensor, logits: Tensor) {
    let graph = Graph()
    let images = graph.placeholder("images", shape: ["batch", 64, 64, 3])
    let logits = ResNet(.resNet18)(images)
    let session = try Session(graph, seed: 3)
    session.onWarning = { _ in }
    return (session, images, logits)
  }

  private func logits(
    _ model: (session: Session, images: Tensor, logits: Tensor), _ images: NDArray
  ) throws -> NDArray {
    let program = try model.session.compile(fetching: [model.logits])
    return try model.session.run(program, feeding: [model.images: images])[model.logits]
  }

  @Test func outAndIn() throws {
    let folder = ProcessInfo.processInfo.environment["FIRN_WRITTEN"].map { URL(filePath: $0) }
    let own = FileManager.default.temporaryDirectory.appending(path: "firn-resnet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: own) }
    let model = try model()
    let theirs = folder?.appending(path: "resnet18-torch.pth").path
    var images = try NDArray(HashedNumbers.units("images", 2 * 64 * 64 * 3, scale: 4), shape: [2, 64, 64, 3])
      .converted(to: .f32)
    if let theirs, FileManager.default.fileExists(atPath: theirs) {
      try model.session.load(Weights(contentsOf: theirs), mapping: .torchvisionResNet)
      let folder = try #require(folder)
      let entry = try #require(Weights(contentsOf: folder.appending(path: "images.npy").path).entries.first)
      images = try entry.array()
    } else {
      for variable in model.session.variables {
        let array = try NDArray(
          HashedNumbers.value(of: variable), shape: variable.type.shape.map { $0.value ?? 0 })
        try model.session.setValue(array.converted(to: .f32), of: variable.name)
      }
    }
    let path = (folder ?? own).appending(path: "resnet18.pth").path
    try model.session.save(to: path, mapping: .torchvisionResNet)
    let copy = try Weights(contentsOf: path)
    #expect(copy.entries.reduce(0) { $0 + $1.shape.reduce(1, *) } == 11_699_112)
    if let theirs, FileManager.default.fileExists(atPath: theirs) {
      for entry in try Weights(contentsOf: theirs).entries where !entry.name.hasSuffix("num_batches_tracked")
      {
        #expect(try copy[entry.name]?.array().isBitwiseEqual(to: entry.array()) == true, "\(entry.name)")
      }
    }

    let again = try self.model()
    try again.session.load(copy, mapping: .torchvisionResNet)
    let (before, after) = (try model.session.snapshot(), try again.session.snapshot())
    #expect(before.values.count == after.values.count && before.values.count == 102)
    for (a, b) in zip(before.values, after.values) {
      #expect(a.name == b.name && a.array.isBitwiseEqual(to: b.array), "\(a.name)")
    }
    let (mine, other) = (try logits(model, images), try logits(again, images))
    #expect(mine.isBitwiseEqual(to: other) && mine.doubles.allSatisfy { $0.isFinite })
    if let folder {
      try Weights(source: "logits", entries: [WeightEntry(name: "logits", array: mine)])
        .write(to: folder.appending(path: "logits.npy").path)
    }
  }
}
