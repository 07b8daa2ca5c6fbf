import FirnFiles
import FirnFormats
import FirnGraph
import Foundation
import Testing

/// Shapes by which pickles are known to slip past those who scan them for forbidden names.
///
/// Nothing of a pickle is executed here, whatever its shape. Each is either refused by what gives it away, or leaves a
/// closed box under the full name of what it would have called.
@Suite struct PickleEvasionTests {
  private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
  private static func word(_ word: String) -> [UInt8] { [0x8C, UInt8(word.utf8.count)] + text(word) }
  /// `os.system("true")` as it is pickled: the name, an argument, the call.
  private static let payload = text("cos\nsystem\n") + word("true") + [0x85] + text("R")
  /// A dictionary of this value under `a`.
  private static func item(_ value: [UInt8]) -> [UInt8] { text("}") + word("a") + value + text("s.") }
  private static let members = [("x/data.pkl", [0x80, 4] + text("}."))]

  enum Outcome {
    case refused(String)
    case boxed(String)
  }

  struct Shape: CustomTestStringConvertible {
    var name: String
    var pickle: [UInt8]
    var outcome: Outcome
    var testDescription: String { name }
  }

  static let shapes = [
    Shape(
      name: "names assembled from the memo",
      // Both words are stored first and fetched in the other order.
      pickle: word("system") + [0x94] + text("0") + word("os") + [0x94] + text("0")
        + item(text("h\u{1}h\0") + [0x93] + word("true") + [0x85] + text("R")),
      outcome: .boxed("os.system")),
    Shape(
      name: "INST instead of REDUCE", pickle: text("(") + word("true") + text("ios\nsystem\n."),
      outcome: .refused("operation 0x69")),
    Shape(
      name: "OBJ instead of REDUCE", pickle: text("(cos\nsystem\n") + word("true") + text("o."),
      outcome: .refused("operation 0x6f")),
    Shape(
      name: "a stream that breaks behind the call", pickle: payload + [0xFF],
      outcome: .refused("operation 0xff")),
    Shape(
      name: "a second pickle behind the first", pickle: text("}.") + payload + text("."),
      outcome: .refused("goes on after its end")),
    Shape(
      name: "a name by number from the extension registry", pickle: [0x82, 1] + text(")R."),
      outcome: .refused("operation 0x82")),
    Shape(
      name: "a dotted name below an allowed module",
      pickle: item(
        word("torch._utils") + word("_rebuild_tensor_v2.__globals__.system") + [0x93] + word("true") + [0x85]
          + text("R")),
      outcome: .boxed("torch._utils._rebuild_tensor_v2.__globals__.system")),
    Shape(
      name: "getattr on an imported module",
      pickle: item(
        text("cbuiltins\ngetattr\ncbuiltins\n__import__\n") + word("os") + [0x85] + text("R") + word("system")
          + [0x86] + text("R") + word("true") + [0x85] + text("R")),
      outcome: .boxed("builtins.getattr")),
    Shape(
      name: "a constructor with arguments by name",
      pickle: item(text("csubprocess\nPopen\n)}") + word("args") + word("true") + text("s") + [0x92]),
      outcome: .boxed("subprocess.Popen")),
    Shape(
      name: "a function that no list of forbidden ones has",
      pickle: item(
        text("cnumpy.f2py.crackfortran\ngetlincoef\n") + word("1") + text("}") + [0x86] + text("R")),
      outcome: .boxed("numpy.f2py.crackfortran.getlincoef")),
    Shape(
      name: "state for a setter of an allowed class",
      pickle: item(text("ccollections\nOrderedDict\n)R") + payload + text("b")), outcome: .boxed("")),
  ]

  @Test(arguments: shapes)
  func picklesThatSlipPastScanners(_ shape: Shape) throws {
    let file = FileParts.zip([("x/data.pkl", [0x80, 4] + shape.pickle)])
    let read = Result { try Weights(Bytes(copying: file), source: "file.pt") }
    switch shape.outcome {
    case .refused(let reason):
      let error = #expect(throws: FirnError.self) { try read.get() }
      #expect(error?.code == .parse && error?.message.contains(reason) == true)
    case .boxed(""):
      // An empty dictionary: what was to be called stands nowhere.
      let weights = try read.get()
      #expect(weights.entries.isEmpty && weights.skipped.isEmpty && weights.metadata.isEmpty)
    case .boxed(let name):
      let weights = try read.get()
      #expect(weights.entries.isEmpty && weights.metadata.isEmpty)
      #expect(
        weights.skipped == [.init(name: "a", reason: "it is `\(name)`, of which Firn makes nothing")])
    }
  }

  @Test func aSecondPickleInTheArchiveIsRefused() {
    let file = FileParts.zip(Self.members + [("y/data.pkl", [0x80, 4] + Self.payload + Self.text("."))])
    let error = #expect(throws: FirnError.self) { try Weights(Bytes(copying: file), source: "file.pt") }
    #expect(error?.message.contains("two pickles") == true)
  }

  /// Old files hold five pickles, of which scanners may look at one.
  @Test func callsInTheOtherPicklesOfOldFilesAreRefused() throws {
    let url = WeightFixtures.url("legacy.pt")
    let original = [UInt8](try Data(contentsOf: url))
    let payload = [0x80, 2] + Self.payload + Self.text(".")
    // Behind magic number and version, in the place of what describes the machine.
    let start = 15 + 6
    #expect(Array(original[start..<start + 3]) == [0x80, 2, 0x7D])
    let end = try #require(original[start...].firstIndex(of: UInt8(ascii: ".")))
    let replaced = original[..<start] + payload + original[(end + 1)...]
    let error = #expect(throws: FirnError.self) {
      try Weights(Bytes(copying: Array(replaced)), source: "file.pt")
    }
    #expect(error?.message.contains("by more than numbers") == true && error?.place == "os.system")
    let appended = #expect(throws: FirnError.self) {
      try Weights(Bytes(copying: original + payload), source: "file.pt")
    }
    #expect(appended?.message.contains("goes on after its last storage") == true)
  }
}
