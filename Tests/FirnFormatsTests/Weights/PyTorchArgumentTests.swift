import FirnFiles
import FirnFormats
import FirnGraph
import Foundation
import Testing

/// Every argument of the calls that describe a tensor is honoured or refused.
@Suite struct PyTorchArgumentTests {
  private func text(_ text: String) -> [UInt8] { Array(text.utf8) }
  private func word(_ word: String) -> [UInt8] { [0x8C, UInt8(word.utf8.count)] + text(word) }

  private func read(_ pickle: [UInt8]) throws -> Weights {
    try Weights(
      Bytes(copying: FileParts.zip([("x/data.pkl", [0x80, 4] + pickle), ("x/data/0", data)])),
      source: "file.pt")
  }

  /// Four floats: 1, 2, 3 and 4.
  private let data = [1, 2, 3, 4].flatMap { FileParts.little(Float($0).bitPattern) }

  /// A call of a function that makes a tensor of two of them.
  private func tensor(
    _ function: String = "_rebuild_tensor_v2", storage: String = "FloatStorage", count: UInt8 = 4,
    view: [UInt8] = [], hooks: [UInt8] = [0x7D], more: [UInt8] = []
  ) -> [UInt8] {
    text("ctorch._utils\n\(function)\n((") + word("storage") + text("ctorch\n\(storage)\n") + word("0")
      + word("cpu") + [0x4B, count] + view + text("tQ") + [0x4B, 1, 0x4B, 2, 0x85, 0x4B, 1, 0x85, 0x89]
      + hooks
      + more + text("tR.")
  }

  private func metadata(_ key: String, _ value: [UInt8] = [0x88]) -> [UInt8] {
    [0x7D] + word(key) + value + text("s")
  }

  /// PyTorch's own files, and what PyTorch reads of them.
  @Test func negativeAndConjugateBitsAreHonoured() throws {
    let expected = try JSONDecoder().decode(
      [String: String].self,
      from: Data(contentsOf: WeightFixtures.folder.appendingPathComponent("signs.json")))
    let weights = try Weights(contentsOf: WeightFixtures.foreign("signs.pth").path)
    #expect(weights.entries.count == expected.count && expected.count == 12)
    for entry in weights.entries {
      let bytes = try entry.storedBytes().withUnsafeBytes { Array($0) }
      #expect(bytes == expected[entry.name].map(WeightFixtures.bytes), "\(entry.name)")
    }
    #expect(try weights["imaginary"]?.array().floats == [-2, 4, 0, -0.5])
    #expect(try weights["i64"]?.array() == NDArray([-7, 8, 0] as [Int32]))
    #expect(try weights["column"]?.array().floats == [-1, -4])
  }

  @Test func whatIsKnownOfATensorIsRead() throws {
    for (pickle, values) in [
      (tensor(), [2, 3]), (tensor(more: [0x4E]), [2, 3]), (tensor(more: [0x7D]), [2, 3]),
      (tensor(more: metadata("neg")), [-2, -3]), (tensor(more: metadata("neg", [0x89])), [2, 3]),
      (tensor(more: metadata("conj")), [2, 3]),
      (tensor("_rebuild_tensor_v3", more: text("ctorch\nfloat32\n") + metadata("neg")), [-2, -3]),
      (tensor(hooks: [0x4E]), [2, 3]),
    ] as [([UInt8], [Float])] {
      #expect(try read(pickle).entries[0].array().floats == values)
    }
  }

  @Test func whatIsNotKnownOfATensorIsRefused() {
    for (pickle, says) in [
      (tensor(more: metadata("inverse")), "says `inverse` of a tensor"),
      (tensor(more: [0x4B, 1]), "damaged"), (tensor(more: metadata("neg", [0x4B, 1])), "damaged"),
      (tensor(more: [0x4E, 0x4E]), "damaged"), (tensor(hooks: [0x4B, 1]), "damaged"),
      (tensor("_rebuild_tensor_v3", more: text("ctorch\nfloat32\n") + [0x4E, 0x4E]), "damaged"),
      (tensor("_rebuild_tensor_v3", more: [0x4E]), "damaged"),
      (tensor("_rebuild_tensor", more: []), "damaged"),
      (tensor(storage: "BoolStorage", more: metadata("neg")), "negates a tensor of bool"),
      // More bytes lie there, but they are not the storage's.
      (tensor(count: 2), "outside its storage"), (tensor(count: 5), "wrongly"),
      (tensor(view: [0x4E]), nil),
      (tensor(view: text("(") + word("0") + [0x4B, 0, 0x4B, 3] + text("t")), nil),
      (tensor(view: text("(") + word("0") + [0x4B, 0, 0x4B, 2] + text("t")), "outside its storage"),
      (tensor(view: text("(") + word("0") + [0x4B, 2, 0x4B, 3] + text("t")), "wrongly"),
    ] as [([UInt8], String?)] {
      guard let says else {
        #expect(throws: Never.self) { try read(pickle) }
        continue
      }
      let error = #expect(throws: FirnError.self) { try read(pickle) }
      #expect(
        error?.code == .parse && error?.message.contains(says) == true, "\(says): \(error?.message ?? "")")
    }
  }

  /// A class of one's own that keeps tensors beside its elements may mean other numbers by them.
  @Test func subclassesWithTensorsAsideAreRefused() throws {
    func subclass(_ name: String, _ state: [UInt8]) -> [UInt8] {
      let inner = tensor().dropLast(3)
      let arguments = Array(inner.dropFirst(text("ctorch._utils\n_rebuild_tensor_v2\n").count)) + text("t")
      return text("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\n\(name)")
        + arguments
        + state + text("tR.")
    }
    let scale = [0x7D] + word("scale") + tensor().dropLast() + text("s")
    #expect(try read(subclass("ctorch\nTensor\n", scale)).entries.count == 1)
    #expect(try read(subclass("cmy\nTagged\n", metadata("tag"))).entries.count == 1)
    let error = #expect(throws: FirnError.self) { try read(subclass("cmy\nQuantised\n", scale)) }
    #expect(error?.place == "my.Quantised")
  }
}
