import FirnFiles
import FirnFormats
import FirnGraph
import FirnRuntime
import Foundation
import Testing

@testable import FirnONNX

/// Where elements beside a model may lie, and what says so.
@Suite struct ExternalDataTests {
  /// A tensor of two numbers that lies in another file, as these entries say.
  private static func model(_ entries: [(String, String)], flag: Int? = 1) throws -> [UInt8] {
    var tensor = MessageWriter()
    tensor.integers(1, [2])
    tensor.integer(2, 1)
    tensor.text(8, "w")
    for (key, value) in entries { tensor.message(13, EntryMessage(key, value)) }
    tensor.integer(14, flag)
    var message = TensorMessage()
    var reader = try MessageReader(
      Bytes(copying: tensor.bytes), MessageContext(1 << 20, fault: FileFault("model.onnx")))
    while let field = try reader.next() { try message.read(field) }
    return HandModel.model(
      [HandModel.node("Add", ["x", "w"], ["y"])], inputs: [HandModel.value("x", ["2"])], outputs: ["y"],
      initializers: [message])
  }

  private static func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    for name in ["inner", "inner2"] {
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    defer { try? FileManager.default.removeItem(at: folder) }
    let data = [Float(1), 2, 3].withUnsafeBytes { Data($0) }
    for name in ["inner/weights.bin", "inner2/weights.bin"] {
      try data.write(to: folder.appendingPathComponent(name))
    }
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/inner/sibling.bin", withDestinationPath: "../inner2/weights.bin")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/inner/own.bin", withDestinationPath: "weights.bin")
    try body(folder.path + "/inner")
  }

  private static func error(_ entries: [(String, String)], in folder: String?, flag: Int? = 1) throws
    -> String
  {
    let path = folder.map { $0 + "/model.onnx" }
    do {
      let model = try ONNXModel(
        Bytes(copying: Self.model(entries, flag: flag)), source: path ?? "stream", path: path)
      return "\(try Session(model.graph).value(of: "w").floats)"
    } catch let error as FirnError { return error.description }
  }

  @Test func placesOutsideOfTheFolder() throws {
    try Self.withFolder { folder in
      for good in ["weights.bin", "own.bin", "./weights.bin"] {
        #expect(try Self.error([("location", good)], in: folder) == "[1.0, 2.0]")
      }
      for outside in [
        "/weights.bin", "../inner/weights.bin", "none/../weights.bin", "we\\ights.bin", "weights.bin\0x",
        "sibling.bin", "..", "\(folder)/weights.bin",
      ] {
        let error = try Self.error([("location", outside)], in: folder)
        #expect(error.contains("outside of its folder") && error.contains("`w`"), "\(outside): \(error)")
      }
      for missing in [[], [("location", "")], [("offset", "0")]] {
        #expect(try Self.error(missing, in: folder).contains("does not say in which file `w` lies"))
      }
      for folderLike in [".", "./"] {
        #expect(try Self.error([("location", folderLike)], in: folder).contains("error["), "\(folderLike)")
      }
    }
  }

  @Test func numbersThatAreNoPlaces() throws {
    try Self.withFolder { folder in
      func error(_ key: String, _ text: String) throws -> String {
        try Self.error([("location", "weights.bin"), ("length", "8"), (key, text)].reversed(), in: folder)
      }
      for text in ["-1", "-9223372036854775808", "1e3", "", " 1", "0x4", "9223372036854775808", "NaN"] {
        for key in ["offset", "length"] {
          let said = try error(key, text)
          #expect(said.contains("gives `w` the \(key) \"\(text)\""), "\(said)")
        }
      }
      for offset in ["5", "12", "13", "9223372036854775807"] {
        let said = try error("offset", offset)
        #expect(said.contains("wants 8 bytes of 'weights.bin' from \(offset) on"), "\(said)")
      }
      let second = try error("offset", "4")
      #expect(second == "[2.0, 3.0]")
    }
  }

  @Test func streamsHaveNothingBesideThem() throws {
    #expect(try Self.error([("location", "weights.bin")], in: nil).contains("is read from a stream"))
  }

  /// What lies elsewhere says so; else an entry is nothing.
  @Test func whereElementsLieIsSaid() throws {
    try Self.withFolder { folder in
      for flag in [nil, 0, 2] {
        let said = try Self.error([("location", "weights.bin")], in: folder, flag: flag)
        #expect(said.contains("takes 8"), "\(said)")
      }
    }
  }
}
