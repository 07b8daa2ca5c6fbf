import FirnFormats
import FirnGraph
import FirnRuntime
import Foundation
import Testing

@testable import FirnTraining

/// Faulty data, each with its file, row and column; nothing is half done.
@Suite struct FaultyDataTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let text: String
    let code: FirnError.Code
    /// Where the error says it is, and what it says.
    let place: String
    let words: String
    /// Read as numbers of `a` and `b` and labels of `kind`, below 3.
    var testDescription: String { name }

    init(_ name: String, _ text: String, _ code: FirnError.Code, _ place: String, _ words: String) {
      (self.name, self.text, self.code, self.place, self.words) = (name, text, code, place, words)
    }
  }

  static let cases = [
    Case("NaN", "a,b,kind\n1,2,0\n3,nan,1\n", .parse, "f:3:2", "line 3, column 2 ('b'): the number is nan"),
    Case("infinity", "a,b,kind\ninf,2,0\n", .parse, "f:2:1", "the number is inf"),
    Case("too large", "a,b,kind\n1,1e39,0\n", .parse, "f:2:2", "too large"),
    Case("ragged, short", "a,b,kind\n1,2,0\n3,4\n", .parse, "f:3", "line 3: 2 cells, the first row has 3"),
    Case("ragged, long", "a,b,kind\n1,2,0,9\n", .parse, "f:2", "4 cells"),
    Case("missing column", "a,c,kind\n1,2,0\n", .unknownName, "f", "no column 'b'"),
    Case("empty file", "", .parse, "f", "is empty"),
    Case("only a BOM", "\u{FEFF}", .parse, "f", "is empty"),
    Case("only names", "a,b,kind\n", .parse, "f", "no rows"),
    Case("only blank lines", "\n\r\n\n", .parse, "f", "is empty"),
    Case("text for a number", "a,b,kind\n1,two,0\n", .parse, "f:2:2", "'two' is no number"),
    Case("hexadecimal", "a,b,kind\n1,0x10,0\n", .parse, "f:2:2", "'0x10' is no number"),
    Case("a zero byte", "a,b,kind\n1,4\0 no number,0\n", .parse, "f:2:2", "'4? no number' is no number"),
    Case(
      "a cell without end", "a,b,kind\n1,\(String(repeating: "9", count: 5_000_000)),0\n", .parse, "f:2:2",
      "the number is " + String(repeating: "9", count: 60) + "…"),
    Case("decimal comma", "a,b,kind\n\"1,5\",2,0\n", .parse, "f:2:1", "'1,5' is no number"),
    Case("empty cell", "a,b,kind\n1,,0\n", .parse, "f:2:2", "the cell is empty"),
    Case("label out of range", "a,b,kind\n1,2,0\n1,2,3\n", .parse, "f:3:3", "3 is no class from 0 to 2"),
    Case("negative label", "a,b,kind\n1,2,-1\n", .parse, "f:2:3", "-1 is no class"),
    Case("label with a fraction", "a,b,kind\n1,2,0.5\n", .parse, "f:2:3", "0.5 is no class"),
    Case("open quote", "a,b,kind\n1,\"2,0\n1,2,0\n", .parse, "f:2:2", "never closed"),
    Case("text behind a quote", "a,b,kind\n\"1\"x,2,0\n", .parse, "f:2:1", "behind a closing quote"),
    Case("a name twice", "a,a,kind\n1,2,0\n", .parse, "f:1", "column 2 is called 'a'"),
    Case("fault behind CRLF", "a,b,kind\r\n1,2,0\r\n1,x,0\r\n", .parse, "f:3:2", "'x' is no number"),
    Case(
      "fault behind a line within quotes", "a,b,kind,\"no\nte\"\n1,2,0,\"x\ny\"\n1,?,0,z\n", .parse, "f:5:2",
      "'?' is no number"),
  ]

  @Test(arguments: cases) func faultsHaveTheirPlace(_ item: Case) throws {
    let fault = try error {
      let table = try CSVTable(parsing: item.text, source: "f")
      _ = try table.numbers(["a", "b"])
      _ = try table.labels("kind", below: 3)
    }
    #expect(fault.code == item.code && fault.place == item.place, "\(fault)")
    #expect(fault.message.contains(item.words) && fault.remedy != nil, "\(fault)")
  }

  /// Numbers of classes that no label can be of are none to trap by.
  @Test func oddNumbersOfClassesAreNoTrap() throws {
    #expect(Shuffle(seed: 1).order(-1).isEmpty && Shuffle(seed: 1).order(3).sorted() == [0, 1, 2])
    let table = try CSVTable(parsing: "kind\n4000000000\n", source: "f")
    for classes in [3_000_000_000, .max, 5_000_000_000] {
      let fault = try error { _ = try table.labels("kind", below: classes) }
      #expect(fault.code == .parse && fault.message.contains("no class from 0 to 2147483647"), "\(fault)")
    }
    for classes in [0, -1, .min] {
      #expect(try error { _ = try table.labels("kind", below: classes) }.code == .parse)
    }
    let greatest = try CSVTable(parsing: "kind\n2147483647\n").labels("kind", below: .max)
    #expect(greatest == NDArray([.max] as [Int32]))
    let set = try DataSet(["y": NDArray([0, 1] as [Int32])])
    for classes in [-1, .min] {
      #expect(try error { try set.check(classes: ["y": classes]) }.code == .invalidArgument)
    }
    #expect(try error { try set.check(classes: ["y": 0]) }.code == .indexOutOfRange)
  }

  /// What looks odd and is as it should be.
  @Test(arguments: [
    "\u{FEFF}a,b,kind\n1,2,x\n3,4,y\n", "a,b,kind\r\n1,2,x\r\n3,4,y\r\n", "a,b,kind\n1,2,x\n3,4,y",
    "a,b,kind\n\n 1 ,\"2\",x\n\n3,+4,\"y\"\n\n", "\"a\",\"b\",\"kind\"\n1e0,2.0,x\n3,4,\"y\"\n",
    "a,b,kind\r1,2,x\r3,4,y\r",
  ])
  func oddButRight(_ text: String) throws {
    let table = try CSVTable(parsing: text)
    #expect(table.columns == ["a", "b", "kind"] && table.count == 2)
    #expect(try table.numbers(["b", "a"]).rows == [[2, 1], [4, 3]])
    let (labels, classes) = try table.labels("kind")
    #expect(labels.doubles == [0, 1] && classes == ["x", "y"])
    #expect(
      try error { _ = try table.labels("kind", among: ["x", "z"]) }.message.contains("'y' is no class"))
  }

  @Test func quotedCellsHoldCommasQuotesAndLines() throws {
    let table = try CSVTable(parsing: "t,u\n\"a,\"\"b\"\"\nc\",d\n")
    #expect(try table.text("t") == ["a,\"b\"\nc"] && table.text("u") == ["d"])
    let single = try CSVTable(parsing: "t\n\"\"\nx\n")
    #expect(try single.text("t") == ["", "x"])
    let plain = try CSVTable(parsing: "1;2\n3;4\n", separator: ";", hasHeader: false)
    #expect(try plain.columns == ["0", "1"] && plain.numbers().rows == [[1, 2], [3, 4]])
  }

  @Test func doublesAreReadAsTheyStand() throws {
    let table = try CSVTable(parsing: "a,b\n0.1,1e300\n16777217,-2\n")
    #expect(try table.numbers(as: .f64).rows == [[0.1, 1e300], [16_777_217, -2]])
    #expect(try table.numbers(in: "a", as: .f64).doubles == [0.1, 16_777_217])
    #expect(try table.numbers(in: "a").floats == [0.1, 16_777_216])
    #expect(try error { _ = try table.numbers() }.message.contains("too large for `f32`"))
    #expect(try error { _ = try table.numbers(as: .i32) }.code == .typeMismatch)
    try withFolder { url in
      let (x, y) = (Graph().placeholder("x", shape: ["batch"], dtype: .f64), "x")
      let path = url.path + "/x.npz"
      try Weights(source: "x", entries: [WeightEntry(name: "x", array: NDArray([0.1, 2.0]))]).write(to: path)
      #expect(try DataSet(contentsOf: path, columns: [x: "x"]).array(of: "x").doubles == [0.1, 2])
      #expect(try DataSet(contentsOf: path, columns: [y: "x"]).array(of: "x").floats == [0.1, 2])
    }
  }

  @Test func filesOfArrays() throws {
    try withFolder { url in
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 2])
      let path = url.appendingPathComponent("x.npy").path
      // A header that claims ten gigabytes.
      var bytes = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0])
      let header =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1342177280, 2), }".padding(
          toLength: 117, withPad: " ", startingAt: 0) + "\n"
      bytes += Data([UInt8(header.utf8.count), 0]) + Data(header.utf8) + Data(count: 16)
      try bytes.write(to: URL(fileURLWithPath: path))
      #expect(try error { _ = try DataSet(contentsOf: path, columns: [x: "x"]) }.code == .parse)
      #expect(
        try error { _ = try DataSet(contentsOf: path + "?", columns: [x: "x"]) }.code == .file)
      let good = header.replacingOccurrences(of: "(1342177280, 2)", with: "(2, 2)         ")
      func write(_ numbers: [Float]) throws {
        var file = bytes.prefix(10) + Data(good.utf8)
        numbers.withUnsafeBytes { file += Data($0) }
        try file.write(to: URL(fileURLWithPath: path))
      }
      try write([1, 2, 3, 4])
      #expect(try DataSet(contentsOf: path, columns: [x: "x"]).array(of: x).rows == [[1, 2], [3, 4]])
      #expect(try error { _ = try DataSet(contentsOf: path, columns: [x: "y"]) }.code == .unknownName)
      try write([1, 2, .nan, 4])
      let fault = try error { _ = try DataSet(contentsOf: path, columns: [x: "x"]) }
      #expect(fault.code == .notFinite && fault.message.contains("row 1, element 0") && fault.place == path)
    }
  }

  @Test func splitsThatLeaveNothingAreRefused() throws {
    let data = try DataSet(["x": noise([7, 2])])
    for (validation, test) in [(0.05, 0), (0, 0.06), (0.5, 0.5), (0.99, 0), (-0.1, 0), (.nan, 0), (1, 0)] {
      let fault = try error { _ = try data.split(validation: validation, test: test, seed: 1) }
      #expect(fault.code == .invalidArgument, "\(validation), \(test)")
    }
    #expect(try error { _ = try data.split(validation: 0.5, seed: 1, groups: [1]) }.code == .invalidArgument)
    #expect(
      try error { _ = try data.split(validation: 0.5, seed: 1, groups: [1, 1, 1, 1, 1, 1, 1]) }.code
        == .invalidArgument)
    #expect(throws: FirnError.self) { try DataSet(["x": NDArray(zeros: [0, 2])]).check() }
    let labelled = try DataSet(["y": NDArray([0, 1, 2] as [Int32])])
    #expect(try error { try labelled.check(classes: ["y": 2]) }.message.contains("label 2 in row 2"))
    for wrong in [Float(1e20), 0.5, -1] {
      let set = try DataSet(["y": NDArray([0, wrong, 1] as [Float])])
      #expect(
        try error { try set.check(classes: ["y": 2]) }.message.contains("in row 1, of 2 classes"), "\(wrong)")
    }
  }

  @Test func damagedPicturesAreRefused() throws {
    try withFolder { url in
      let path = url.appendingPathComponent("p.pgm").path
      func read(_ bytes: [UInt8]) throws -> PNMImage {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try PNMImage(contentsOf: path)
      }
      func text(_ text: String) -> [UInt8] { Array(text.utf8) }
      for bytes in [
        text("P7"), text("P5 2 2 255\n") + [1, 2, 3], text("P5 2 2"), text("P5 0 2 255\n"),
        text("P2 2 1 9 1"),
        text("P2 1 1 9 10"), text("P5 99999999999 99999999999 255\n"), text("P5 1 1 70000\n") + [0, 0],
        text("P1 2 1 0 2"), text(""), text("P4 9 2\n") + [0, 0, 0],
      ] {
        #expect(try error { _ = try read(bytes) }.code == .parse, "\(String(decoding: bytes, as: UTF8.self))")
      }
      #expect(try read(text("P5 2 1 255\n") + [0, 255]).array.floats == [0, 1])
      #expect(try read(text("P2 # c\n2 1\n4\n1 4\n")).array.floats == [0.25, 1])
      #expect(try read(text("P1 3 1 101")).array.floats == [0, 1, 0])
      #expect(
        try read(text("P4 9 1\n") + [0b1000_0001, 0b1000_0000]).array.floats == [0, 1, 1, 1, 1, 1, 1, 0, 0])
      let colours = try read(text("P6 1 1 510\n") + [0, 255, 1, 254, 0, 0])
      #expect(colours.array.shape == [1, 1, 3] && colours.array.floats == [0.5, 1, 0])
    }
  }
}
