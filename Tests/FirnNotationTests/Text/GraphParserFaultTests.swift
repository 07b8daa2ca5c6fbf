import FirnGraph
import FirnNotation
import Testing

@testable import FirnToyOps

/// What the parser says about text that is no graph.
@Suite struct GraphParserFaultTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    var text: String
    var place: String
    var message: String
    var remedy: String?

    /// - Parameter text: the lines below the header, so that the first of them is line 2.
    init(_ text: String, _ place: String, _ message: String, _ remedy: String? = nil) {
      self.text = text
      self.place = place
      self.message = message
      self.remedy = remedy
    }

    var testDescription: String { message }
  }

  private static let x = "%x = placeholder() {dtype = f32, shape = [2,3]} : f32[2,3]\n"
  private static let w =
    #"variable w : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 0.0]}"#
    + "\n"

  static let faults: [Fault] = [
    // Structure.
    Fault("hello", "line 2, column 1", "expected a node, a variable, `loss`, `return` or the end"),
    Fault("%x placeholder()", "line 2, column 4", "expected `=`"),
    Fault("%x = placeholder", "line 2, column 17", "the text ends"),
    Fault("% = neg()", "line 2, column 1", "expected a name after `%`"),
    Fault("%a*b = neg()", "line 2, column 1", "is not a name", "names are paths"),
    Fault("%a//b = neg()", "line 2, column 1", "is not a name"),
    Fault(x + "return %x\n%y = neg(%x) : f32[2,3]", "line 4, column 1", "or the end"),
    Fault(x + x, "line 3, column 1", "`%x` is defined already", "rename"),
    Fault("%x = placeholder() ; ", "line 2, column 20", "unexpected character `;`"),
    Fault("%é = neg()", "line 2, column 1", "expected a name"),
    Fault(x + "loss %x", "line 3, column 6", "the loss is f32[2,3]", "floating-point scalar"),
    Fault(x + "loss %y", "line 3, column 6", "`%y` is not defined above"),
    Fault("return 3", "line 2, column 8", "expected a value"),
    // Ops and operands.
    Fault(x + "%y = negg(%x) : f32[2,3]", "line 3, column 6", "unknown op `negg`", "did you mean neg"),
    Fault(
      x + "%y = neg(%xx) : f32[2,3]", "line 3, column 10", "`%xx` is not defined above", "did you mean x?"),
    Fault(
      "%y = neg(%z) : f32[]\n" + x, "line 2, column 10", "`%z` is not defined above", "a node stands above"),
    Fault(x + "%y = neg(%x:1) : f32[2,3]", "line 3, column 10", "`%x` has one result"),
    Fault(x + "%y = neg(%x:99999999999999999999) : f32[2,3]", "line 3, column 10", "too large"),
    Fault(x + "%y = neg(%x, %x) : f32[2,3]", "line 3, column 6", "takes 1 operands, not 2"),
    Fault(x + "%y = neg(%x : f32[2,3]", "line 3, column 13", "expected `)`"),
    Fault(
      x + "%y = neg(%x) : f32[3,2]", "line 3, column 16", "gives f32[2,3] here, not f32[3,2]",
      "write f32[2,3]"),
    Fault(x + "%y:3 = split(%x) {parts = 3} : f32[2,1]", "line 3, column 1", "gives 3 results", "`%y:3 = …`"),
    Fault(
      x + "%y = split(%x) {parts = 3} : f32[2,1], f32[2,1], f32[2,1]", "line 3, column 1", "gives 3 results"),
    Fault(
      x + "%y = matmul(%x, %x) {transpose_a = false, transpose_b = false} : f32[2,3]",
      "line 3, column 6",
      "matmul: 3 columns meet 2 rows", "transpose one"),
    Fault(
      x + "%y:0 = split(%x) {parts = 0} : ()\n%z = neg(%y) : f32[]", "line 4, column 10", "`%y` has 0 results"
    ),
    // Types.
    Fault(
      "%x = placeholder() {dtype = f32, shape = []} : f16[]", "line 2, column 48",
      "unknown element type `f16`", "f64"),
    Fault(
      "%x = placeholder() {dtype = f32, shape = []} : f32[-1]", "line 2, column 52", "extent -1 is negative"),
    Fault(
      "%x = placeholder() {dtype = f32, shape = []} : f32[2.5]", "line 2, column 52", "`2.5` is not an extent"
    ),
    Fault("%x = placeholder() {dtype = f32, shape = []} : f32[2", "line 2, column 53", "the text ends"),
    Fault(
      "%x = placeholder() {dtype = f32, shape = []} : f32[9223372036854775807,9223372036854775807]",
      "line 2, column 52", "is too large"),
    Fault(
      "%x = placeholder() {dtype = f32, shape = []} : f32[4611686018427387904,4611686018427387904]",
      "line 2, column 48", "more than", "smaller"),
    Fault(
      "%x = placeholder() {dtype = f32, shape = []} : f32[99999999999999999999]", "line 2, column 52",
      "is not an extent"),
    Fault("%x = placeholder() {dtype = f32, shape = [-4]} : f32[4]", "line 2, column 50", "gives f32[-4]"),
    Fault(
      "%x = placeholder() {dtype = f32, shape = []} : f32["
        + [String](repeating: "a+b+c+d+e+f+g+h", count: 9).joined(separator: ",") + "]",
      "line 2, column 48", "too many terms"),
    // Attributes.
    Fault("%x = placeholder() {dtype = f32} : f32[]", "line 2, column 6", "attribute `shape` is missing"),
    Fault(
      "%x = placeholder() {dtype = 1, shape = []} : f32[]", "line 2, column 21",
      "`dtype` must be an element type"),
    Fault(
      "%x = placeholder() {dtype = f32, shape = [], colour = 1} : f32[]", "line 2, column 46",
      "`placeholder` has no attribute `colour`", "it has dtype, shape"),
    Fault(
      "%x = placeholder() {dtype = f32, dtype = f32} : f32[]", "line 2, column 34", "`dtype` is given twice"),
    Fault("%x = tagged() {1 = 2} : f32[]", "line 2, column 16", "`1` is not an attribute's name"),
    Fault("%x = tagged() {a 2} : f32[]", "line 2, column 18", "expected `=`"),
    Fault("%x = tagged() {a = 2 b = 3} : f32[]", "line 2, column 22", "expected `,` or `}`"),
    Fault("%x = tagged() {a = [1 2]} : f32[]", "line 2, column 23", "expected `,` or `]`"),
    Fault("%x = tagged() {a = %x} : f32[]", "line 2, column 20", "expected an attribute's value"),
    Fault("%x = tagged() {a = 1.2.3} : f32[]", "line 2, column 20", "`1.2.3` is not an attribute's value"),
    Fault("%x = tagged() {a = 0x1p3} : f32[]", "line 2, column 20", "is not an attribute's value"),
    Fault("%x = tagged() {a = 1e999} : f32[]", "line 2, column 20", "is not an attribute's value"),
    Fault(
      "%x = tagged() {a = 9223372036854775808} : f32[]", "line 2, column 20", "is not an attribute's value"),
    Fault("%x = tagged() {a = \"b} : f32[]", "line 2, column 20", "this string has no end"),
    Fault("%x = tagged() {a = \"b\n\"} : f32[]", "line 2, column 20", "this string has no end", "`\\n`"),
    Fault("%x = tagged() {a = \"b\\q\"} : f32[]", "line 2, column 22", "unknown escape"),
    Fault("%x = tagged() {a = \"\\u{d800}\"} : f32[]", "line 2, column 21", "not a character"),
    Fault("%x = tagged() {a = \"\\u{}\"} : f32[]", "line 2, column 21", "not a character"),
    Fault(
      "%x = gradients() {seeded = [], targets = -1, stops = 0, unconnected = \"error\"} : ()",
      "line 2, column 32", "number of operands"),
    Fault(
      "%x = gradients() {seeded = [], targets = 9223372036854775807, stops = 9, unconnected = \"error\"} : ()",
      "line 2, column 32", "number of operands"),
    // Arrays.
    Fault("%x = tagged() {a = f32[2](1.0)} : f32[]", "line 2, column 26", "f32[2] has 2 elements, not 1"),
    Fault(
      "%x = tagged() {a = f32[1](1.0, 2.0)} : f32[]", "line 2, column 26", "f32[1] has 1 elements, not 2"),
    Fault("%x = tagged() {a = f32[4294967296,4294967296]()} : f32[]", "line 2, column 20", "more than"),
    Fault("%x = tagged() {a = f32[1099511627776]()} : f32[]", "line 2, column 38", "not 0"),
    Fault(
      "%x = tagged() {a = f32[1099511627776]x\"\"} : f32[]", "line 2, column 39", "hexadecimal digits, not 0"),
    Fault("%x = tagged() {a = f32[n](1.0)} : f32[]", "line 2, column 24", "an array's extents are numbers"),
    Fault(
      "%x = tagged() {a = f32[1](true)} : f32[]", "line 2, column 27", "`true` is not an element of f32[1]"),
    Fault("%x = tagged() {a = f32[1](1e39)} : f32[]", "line 2, column 27", "is not an element of f32[1]"),
    Fault(
      "%x = tagged() {a = i32[1](2147483648)} : f32[]", "line 2, column 27", "is not an element of i32[1]"),
    Fault("%x = tagged() {a = bool[1](1)} : f32[]", "line 2, column 28", "is not an element of bool[1]"),
    Fault("%x = tagged() {a = f32[1]x\"00\"} : f32[]", "line 2, column 27", "8 hexadecimal digits, not 2"),
    Fault("%x = tagged() {a = f32[1]x\"0000zz00\"} : f32[]", "line 2, column 32", "not a hexadecimal digit"),
    Fault("%x = tagged() {a = bool[2]x\"0102\"} : f32[]", "line 2, column 31", "a bool is 00 or 01"),
    Fault("%x = tagged() {a = f32[1]} : f32[]", "line 2, column 26", "expected elements in parentheses"),
    // Variables.
    Fault("variable w", "line 2, column 11", "expected `:`"),
    Fault("variable \"w\" : f32[]", "line 2, column 10", "expected the variable's name"),
    Fault(w + w, "line 3, column 10", "variable `w` is declared already"),
    Fault("variable w : f32[batch] {}", "line 2, column 14", "variable `w` has shape [batch]", "numbers"),
    Fault("variable w : f32[] {kind = \"parameter\"}", "line 2, column 20", "`initializer` is missing"),
    Fault(
      w.replacing("parameter", with: "other"), "line 2, column 22", "`kind` is none of parameter, state, slot"
    ),
    Fault(
      w.replacing("constant", with: "constantly"), "line 2, column 71", "unknown initializer `constantly`",
      "use constant"),
    Fault(
      w.replacing("0.0", with: "nan"), "line 2, column 71", "initializer constant(nan): the value is nan",
      "give a number"),
    Fault(
      w.replacing("\"constant\", 0.0", with: "\"zeroing\", 0, [\"uniform\", 0.0, inf]"), "line 2, column 71",
      "initializer uniform(0.0, inf): the upper bound is inf", "finite"),
    Fault(w.replacing("role", with: "roll"), "line 2, column 21", "attribute `role` is missing"),
    Fault(w.replacing("role = ", with: "colour = 1, role = "), "line 2, column 42", "no attribute `colour`"),
    Fault(
      w + "%r = read() {variable = \"ww\", dtype = f32, shape = [2]} : f32[2]", "line 3, column 14",
      "no variable `ww`", "did you mean w?"),
    Fault(
      w + "%r = read() {variable = \"w\", dtype = f32, shape = [3]} : f32[3]", "line 3, column 6",
      "variable `w` is f32[2]"),
    Fault(
      x + w + "%r = assign(%x) {variable = \"w\"} : f32[2,3]", "line 4, column 6", "variable `w` is f32[2]"),
    Fault(
      x + w + "%r = assign_rows(%x) {variable = \"w\", start = 0, limit = 2} : f32[2,3]", "line 4, column 6",
      "variable `w` is f32[2]"),
    Fault(
      w + "%y = placeholder() {dtype = f32, shape = [2]} : f32[2]\n"
        + "%r = assign_rows(%y) {variable = \"w\", start = 1, limit = 3} : f32[2]", "line 4, column 6",
      "variable `w` is f32[2]"),
    Fault(
      w + "%y = placeholder() {dtype = f32, shape = [2]} : f32[2]\n"
        + "%r = assign_rows(%y) {variable = \"w\", start = 2, limit = 1} : f32[2]", "line 4, column 6",
      "rows 2..<1"),
    // Loops.
    Fault(
      "%p = loop_input() {kind = \"carry\", position = 0, dtype = f32, shape = []} : f32[]",
      "line 2, column 6", "outside a loop body"),
    Fault("%l = scan() {carries = 0, body = {\n" + x + "}} : ()", "line 3, column 6", "inside a loop body"),
    Fault(
      "%l = scan() {carries = 0, body = {\n" + w + "}} : ()", "line 3, column 1", "declares no variables"),
    Fault(
      "%l = scan() {carries = 0, body = {\nreturn %x\n}} : ()", "line 3, column 8", "is not defined above"),
    Fault("%l = scan() {carries = 0, body = {\n", "line 3, column 1", "the text ends"),
    Fault("%l = scan() {carries = 7, body = {}} : ()", "line 2, column 14", "is not the number of carries"),
    // Tags.
    Fault(x.dropLast() + " @sideways", "line 2, column 61", "expected `backward`, `update`"),
    Fault(x.dropLast() + " @\"main.swift\"", "line 2, column 61", "expected a file and a line"),
  ]

  @Test(arguments: faults)
  func faultIsPlacedAndNamed(_ fault: Fault) throws {
    let error = try #require(thrown { () throws(FirnError) in _ = try parsed("firn 1\n" + fault.text) })
    #expect(error.code == .parse)
    #expect(error.message.hasPrefix(fault.place + ": "), "\(error)")
    #expect(error.message.contains(fault.message), "\(error)")
    #expect(!error.message.contains("\n"))
    let remedy = try #require(error.remedy, "\(error)")
    if let wanted = fault.remedy { #expect(remedy.contains(wanted), "\(error)") }
    let excerpt = try #require(error.excerpt)
    #expect(excerpt.hasSuffix("^"))
  }

  @Test(arguments: ["", "  \n# nothing\n", "fern 1", "\"firn\"", "%x = neg()"])
  func headerIsRequired(_ text: String) throws {
    let error = try #require(thrown { () throws(FirnError) in _ = try parsed(text) })
    #expect(error.message.contains("expected `firn 1`"))
  }

  @Test func otherVersionsAreRefused() throws {
    let error = try #require(thrown { () throws(FirnError) in _ = try parsed("firn 2\n") })
    #expect(error.message == "line 1, column 6: this is version `2` of the form")
  }

  /// Editors put a mark before UTF-8; no column counts it.
  @Test func aByteOrderMarkIsSkipped() throws {
    #expect(try parsed("\u{FEFF}firn 1\n" + Self.x).nodes.count == 1)
    let error = try #require(thrown { () throws(FirnError) in _ = try parsed("\u{FEFF}firn 1 \u{FEFF}") })
    #expect(error.message.hasPrefix("line 1, column 8: unexpected character"), "\(error)")
  }

  @Test func errorShowsLineAndCaret() throws {
    let error = try #require(
      thrown { () throws(FirnError) in
        _ = try parsed("firn 1\n\t%é = tanhh(%x) : f32[]\n".replacing("é", with: "e"))
      })
    #expect(
      error.description == """
        error[parse]: line 2, column 7: unknown op `tanhh`
            \t%e = tanhh(%x) : f32[]
            \t     ^
          remedy: did you mean tanh?
        """)
  }

  @Test func longLinesAreCutAroundTheFault() throws {
    let text = "firn 1\n%t = tagged() {a = [" + String(repeating: "1, ", count: 5000) + "?]} : f32[]"
    let error = try #require(thrown { () throws(FirnError) in _ = try parsed(text) })
    let lines = try #require(error.excerpt).split(separator: "\n")
    #expect(lines[0].count < 140)
    #expect(Array(lines[0])[lines[1].count - 1] == "?")
  }

  @Test func duplicateParametersAreRefused() throws {
    let parameter = #"loop_input() {kind = "carry", position = 0, dtype = f32, shape = []} : f32[]"#
    let text = "firn 1\n%l = scan() {carries = 0, body = {\n%a = \(parameter)\n%b = \(parameter)\n}} : ()"
    let error = try #require(thrown { () throws(FirnError) in _ = try parsed(text) })
    #expect(error.message == "line 4, column 6: a second loop input carry 0")
  }

  /// Mutated texts either throw a placed error or are graphs that verify and print the same again.
  @Test(arguments: [Samples.everything, Samples.nested, Samples.partlyFrozen])
  func mutationsThrowOrRead(_ text: String) throws {
    let original = Array(text.utf8)
    let splices = [
      "{", "}", "[", "]", "(", ")", "\"", "%", ":", ",", "@", "=", "-", "9", "99999999999999999999", "\\",
    ]
    var read = 0
    for round in 0..<2500 {
      let generator = Philox(key: (UInt32(round), 99))
      var bytes = original
      for edit in 0..<(1 + round % 3) {
        let place = Int(generator.bits(4 * edit)) % bytes.count
        let draw = Int(generator.bits(4 * edit + 1))
        switch draw % 5 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: generator.bits(4 * edit + 2))
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: splices[draw / 5 % splices.count].utf8, at: place)
        case 3: bytes[place] = bytes[draw / 5 % bytes.count]
        default: bytes.removeSubrange(place..<min(bytes.count, place + draw / 5 % 40))
        }
      }
      do {
        let graph = try parsed(String(decoding: bytes, as: UTF8.self))
        try graph.verify()
        #expect(try parsed(graph.text).text == graph.text)
        read += 1
      } catch {
        #expect(error.code == .parse && error.message.hasPrefix("line ") && error.remedy != nil, "\(error)")
      }
    }
    #expect(read > 0)
  }
}
