import FirnFiles
import FirnFormats
import FirnGraph
import Testing

@testable import FirnONNX

/// The wire form of ONNX's messages: what is damaged is said, and few bytes never become many.
@Suite struct MessageTests {
  /// A model whose graph has these fields.
  private static func model(_ graph: (inout MessageWriter) -> Void) -> [UInt8] {
    var inner = MessageWriter()
    graph(&inner)
    var writer = MessageWriter()
    writer.integer(1, 8)
    writer.bytes(7, inner.bytes)
    return writer.bytes
  }

  private static func message(_ fields: (inout MessageWriter) -> Void) -> [UInt8] {
    var writer = MessageWriter()
    fields(&writer)
    return writer.bytes
  }

  private static func error(_ bytes: [UInt8]) -> FirnError? {
    do {
      _ = try ModelMessage(Bytes(copying: bytes), source: "model.onnx")
      return nil
    } catch { return error }
  }

  private static func read(_ bytes: [UInt8]) throws -> ModelMessage {
    try ModelMessage(Bytes(copying: bytes), source: "model.onnx")
  }

  // MARK: Kinds and numbers

  @Test func fieldsOfAnotherKindAreFaults() {
    func node(_ fields: (inout MessageWriter) -> Void) -> [UInt8] {
      Self.model { $0.bytes(1, Self.message(fields)) }
    }
    func attribute(_ fields: (inout MessageWriter) -> Void) -> [UInt8] {
      node { $0.bytes(5, Self.message(fields)) }
    }
    func tensor(_ fields: (inout MessageWriter) -> Void) -> [UInt8] {
      Self.model { $0.bytes(5, Self.message(fields)) }
    }
    let rows: [(String, [UInt8])] = [
      ("version as text", Self.message { $0.bytes(1, [8]) }),
      ("graph as a number", Self.message { $0.integer(7, 1) }),
      ("name as a number", Self.model { $0.integer(2, 1) }),
      ("name as a float", Self.model { $0.float(2, 1) }),
      ("node as a number", Self.model { $0.integer(1, 1) }),
      ("input as a number", node { $0.integer(1, 1) }),
      ("float as an integer", attribute { $0.integer(2, 1) }),
      ("integer as a float", attribute { $0.float(3, 1) }),
      ("integer as bytes", attribute { $0.bytes(3, [1]) }),
      ("floats as an integer", attribute { $0.integer(7, 1) }),
      ("integers as a float", attribute { $0.float(8, 1) }),
      ("extent as a float", tensor { $0.float(1, 1) }),
      ("elements' type as bytes", tensor { $0.bytes(2, [1]) }),
      ("elements as a number", tensor { $0.integer(9, 1) }),
    ]
    for (name, bytes) in rows {
      let error = Self.error(bytes)
      #expect(error?.code == .parse && error?.message.contains("of a wrong kind") == true, "\(name)")
    }
  }

  @Test func whatIsNotKnownIsPassedOver() throws {
    // A number, eight bytes, a run, four bytes, under field 900.
    let unknown: [UInt8] =
      [0xA0, 0x38, 0x05] + [0xA1, 0x38, 1, 2, 3, 4, 5, 6, 7, 8] + [0xA2, 0x38, 2, 9, 9] + [
        0xA5, 0x38, 1, 2, 3, 4,
      ]
    let message = try Self.read(unknown + Self.model { $0.text(2, "main") } + unknown)
    #expect(message.graph?.name == "main" && message.irVersion == 8)
  }

  @Test func damagedTagsAndNumbersAreFaults() throws {
    let good = Self.model { $0.text(2, "main") }
    let rows: [(String, [UInt8], String)] = [
      ("a group", [0x0B], "damaged"), ("the end of a group", [0x0C], "damaged"),
      ("kind 6", [0x0E], "damaged"),
      ("kind 7", [0x0F], "damaged"), ("field 0", [0x00, 1], "damaged"),
      ("field 0, a run", [0x02, 0], "damaged"),
      ("field 2^29", [0x80, 0x80, 0x80, 0x80, 0x10, 1], "damaged"),
      ("eleven bytes", [0x08] + [UInt8](repeating: 0x80, count: 10) + [0], "too long"),
      ("more than 64 bits", [0x08] + [UInt8](repeating: 0xFF, count: 9) + [2], "too long"),
      ("a run beyond the end", [0x12, 200], "ends early"),
      ("a run of 2^62", [0x12] + [UInt8](repeating: 0x80, count: 8) + [0x40], "ends early"),
      ("a run of 2^63", [0x12] + [UInt8](repeating: 0x80, count: 9) + [1], "damaged"),
      ("half a number", [0x08, 0x80], "ends early"), ("half a float", [0x15, 1, 2], "ends early"),
    ]
    for (name, tail, words) in rows {
      let error = Self.error(good + tail)
      #expect(error?.message.contains(words) == true, "\(name): \(String(describing: error))")
    }
    // The largest that 64 bits hold.
    let minus = try Self.read(
      [0x08] + [UInt8](repeating: 0xFF, count: 9) + [1] + Self.message { $0.bytes(7, []) })
    #expect(minus.irVersion == -1)
  }

  @Test func textIsUTF8() {
    for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0x61, 0xC3]] {
      #expect(Self.error(Self.model { $0.bytes(2, bytes) })?.message.contains("not UTF-8") == true)
    }
  }

  @Test func aModelHasAGraphAndAVersion() throws {
    #expect(Self.error(Self.message { $0.integer(1, 8) })?.message.contains("no graph") == true)
    #expect(Self.error(Self.message { $0.bytes(7, []) })?.message.contains("is no ONNX model") == true)
  }

  // MARK: Much of little

  /// A graph in a node of a graph, and so on.
  private static func nested(_ levels: Int) -> [UInt8] {
    var graph: [UInt8] = []
    for _ in 0..<levels {
      let attribute = message { $0.bytes(6, graph) }
      let node = message { $0.bytes(5, attribute) }
      graph = message { $0.bytes(1, node) }
    }
    return message {
      $0.integer(1, 8)
      $0.bytes(7, graph)
    }
  }

  @Test func messagesLieOnlySoDeep() throws {
    #expect(try Self.read(Self.nested(Nesting.limit / 3 - 1)).graph?.nodes.count == 1)
    for levels in [Nesting.limit / 3 + 1, 2000] {
      #expect(Self.error(Self.nested(levels))?.message.contains("deep in one another") == true)
    }
  }

  /// Each needs a few bytes in the file, and many in memory.
  @Test(arguments: ["nodes", "inputs", "integers", "elements"]) func fewBytesNeverBecomeMany(_ what: String) {
    let count = what == "nodes" ? 400_000 : what == "integers" ? 5_000_000 : 1_500_000
    func run(_ field: UInt8, _ value: [UInt8]) -> [UInt8] {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(count * (1 + value.count))
      for _ in 0..<count {
        bytes.append(field)
        bytes += value
      }
      return bytes
    }
    let graph: [UInt8] =
      switch what {
      case "nodes": run(1 << 3 | 2, [0])
      case "inputs": Self.message { $0.bytes(1, run(1 << 3 | 2, [0])) }
      case "integers":
        Self.message { writer in
          let attribute = Self.message { $0.bytes(8, [UInt8](repeating: 1, count: count)) }
          writer.bytes(1, Self.message { $0.bytes(5, attribute) })
        }
      default: Self.message { $0.bytes(5, run(5 << 3, [1])) }
      }
    let error = Self.error(
      Self.message {
        $0.integer(1, 8)
        $0.bytes(7, graph)
      })
    #expect(
      error?.message.contains("more than a file of its size can hold") == true, "\(String(describing: error))"
    )
  }

  // MARK: Elements

  private static func elements(_ fields: (inout MessageWriter) -> Void) throws -> NDArray {
    let bytes = model { $0.bytes(5, message(fields)) }
    let tensor = try #require(try read(bytes).graph?.initializers.first)
    let fault = FileFault("model.onnx")
    return try tensor.array(from: ExternalFiles(besides: nil, fault: fault), fault: fault)
  }

  private static func tensorFault(_ fields: (inout MessageWriter) -> Void) throws -> String {
    do {
      _ = try elements(fields)
      return "none"
    } catch let error as FirnError { return error.message }
  }

  @Test func elementsAreGivenInOneWayAndFitTheirShape() throws {
    func packed(_ values: [Int]) -> [UInt8] {
      var writer = MessageWriter()
      writer.integers(1, values)
      return Array(writer.bytes.dropFirst(2))
    }
    let rows: [(String, String, (inout MessageWriter) -> Void)] = [
      (
        "two fields", "in two ways",
        {
          $0.integer(2, 6)
          $0.integers(1, [2])
          $0.bytes(5, packed([1]))
          $0.bytes(7, packed([2]))
        }
      ),
      (
        "segments", "in segments",
        {
          $0.integer(2, 6)
          $0.bytes(3, [])
          $0.bytes(5, packed([1]))
        }
      ),
      (
        "no number of bytes", "impossible shape",
        {
          $0.integer(2, 11)
          $0.integers(1, [1 << 61])
          $0.bytes(9, [])
        }
      ),
      (
        "no number of elements", "impossible shape",
        {
          $0.integer(2, 6)
          $0.integers(1, [1 << 40, 1 << 40])
          $0.bytes(9, [])
        }
      ),
      (
        "a negative extent", "impossible shape",
        {
          $0.integer(2, 6)
          $0.integers(1, [-2])
          $0.bytes(9, [])
        }
      ),
      (
        "more than the shape", "more than 2 elements",
        {
          $0.integer(2, 6)
          $0.integers(1, [2])
          $0.bytes(5, packed([1, 2, 3]))
        }
      ),
      (
        "more than the shape, one by one", "more than 1 elements",
        {
          $0.integer(2, 6)
          $0.integers(1, [1])
          for _ in 0..<3 { $0.integer(5, 7) }
        }
      ),
      (
        "fewer than the shape", "takes 8",
        {
          $0.integer(2, 6)
          $0.integers(1, [2])
          $0.bytes(5, packed([1]))
        }
      ),
      (
        "more bytes than the shape", "takes 8",
        {
          $0.integer(2, 6)
          $0.integers(1, [2])
          $0.bytes(9, [UInt8](repeating: 0, count: 12))
        }
      ),
      (
        "text", "string, which Firn has not",
        {
          $0.integer(2, 8)
          $0.integers(1, [1])
          $0.bytes(6, Array("a".utf8))
        }
      ),
    ]
    for (name, words, fields) in rows {
      let message = try Self.tensorFault(fields)
      #expect(message.contains(words), "\(name): \(message)")
    }
  }

  @Test func elementsOneByOneArePackedOnes() throws {
    let singles = try Self.elements {
      $0.integer(2, 7)
      $0.integers(1, [3])
      for number in [1, -2, 3] { $0.integer(7, number) }
    }
    #expect(singles.doubles == [1, -2, 3])
    let floats = try Self.elements {
      $0.integer(2, 1)
      $0.integers(1, [2])
      for number: Float in [0.5, -1] { $0.float(4, number) }
    }
    #expect(floats.doubles == [0.5, -1])
  }
}
