import FirnGraph
import FirnNotation
import Testing

@testable import FirnToyOps

/// What is said about text that is no selection, and about selections that name nothing.
@Suite struct SelectionFaultTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    var text: String
    var column: Int
    var message: String
    var remedy: String

    init(_ text: String, _ column: Int, _ message: String, _ remedy: String) {
      self.text = text
      self.column = column
      self.message = message
      self.remedy = remedy
    }

    var testDescription: String { String(text.prefix(60)) }
  }

  static let malformed: [Fault] = [
    Fault("", 1, "expected a path", "scope"),
    Fault("   ", 4, "expected a path", "scope"),
    Fault("encoder &", 10, "expected a path", "scope"),
    Fault("& encoder", 1, "expected a path", "scope"),
    Fault("a | | b", 5, "expected a path", "scope"),
    Fault("!", 2, "expected a path", "scope"),
    Fault("a !b", 3, "unexpected `!`", "`&` or `|`"),
    Fault("a b", 3, "unexpected `b`", "`&` or `|`"),
    Fault("a, b", 2, "unexpected `,`", "`&` or `|`"),
    Fault("a && b", 4, "expected a path", "scope"),
    Fault("encoder?", 8, "unexpected `?`", "`&` or `|`"),
    Fault("énc", 1, "expected a path", "scope"),
    Fault("a é", 3, "unexpected `é`", "`&` or `|`"),
    Fault("a \u{1}", 3, #"unexpected `\u{1}`"#, "`&` or `|`"),
    Fault("(a", 3, "expected `)`, but the text ends", "close"),
    Fault("(a | (b)", 9, "expected `)`", "close"),
    Fault("a)", 2, "unexpected `)`", "`&` or `|`"),
    Fault("()", 2, "expected a path", "scope"),
    Fault(String(repeating: "(", count: 500), 65, "nested too deeply", "fewer"),
    Fault(String(repeating: "!", count: 100_000), 65, "nested too deeply", "fewer"),
    Fault("a" + String(repeating: "[0..<1]", count: 100), 443, "nested too deeply", "fewer"),
    Fault("a//b", 1, "empty component", "scope/name"),
    Fault("a | /b", 5, "empty component", "scope/name"),
    Fault("b/", 1, "empty component", "scope/name"),
    Fault("./", 1, "empty component", "scope/name"),
    Fault(".", 1, "`.` is the root", "`**`"),
    Fault("kind(bias)", 1, "unknown function `kind`", "role"),
    Fault("a & rolle(bias)", 5, "unknown function `rolle`", "role"),
    Fault("role()", 6, "expected `role(name)`", "role(bias)"),
    Fault("role(bias", 10, "expected `)`", "close"),
    Fault("role(bias kernel)", 11, "expected `)`, found `k`", "close"),
    Fault(#"role("bias)"#, 6, "no end", "close"),
    Fault(#"role("bi\qas")"#, 6, "escapes", "use"),
    Fault(#"role("")"#, 6, "empty name", "role(bias)"),
    Fault("first(encoder)", 7, "expected how many children", "first(2, encoder)"),
    Fault("first(2 encoder)", 9, "expected `,`", "first(2, encoder)"),
    Fault("first(0, encoder)", 7, "0 children", "count from 1"),
    Fault("last(-1, encoder)", 6, "expected how many children", "last(2, encoder)"),
    Fault("last(99999999999999999999, a)", 6, "too large", "digits"),
    Fault("first(2, enc*)", 10, "several scopes", "wildcards"),
    Fault("first(2, )", 10, "expected a scope", "root"),
    Fault("children(a, b)", 11, "expected `)`", "close"),
    Fault("children(a//b)", 10, "empty component", "scope/name"),
    Fault("upstream()", 10, "expected a node", "path"),
    Fault("upstream(a*)", 10, "several nodes", "wildcards"),
    Fault("downstream(/a)", 12, "empty component", "scope/name"),
    Fault("upstream(split:x)", 16, "expected the number of a result", "split:1"),
    Fault("rank =", 7, "expected a number", "1e6"),
    Fault("rank = one", 8, "`one` is not a number", "1000"),
    Fault("count > 1e999", 9, "not a number", "1e6"),
    Fault("count > 0x10", 9, "not a number", "1e6"),
    Fault("count > nan", 9, "not a number", "1e6"),
    Fault("rank == 1", 6, "`==`", "`=`"),
    Fault("size > 3", 1, "`size` is not compared", "rank, count or dtype"),
    Fault("count => 3", 8, "expected a number", "1e6"),
    Fault("dtype = f16", 9, "unknown element type `f16`", "f32, f64, i32, bool"),
    Fault("dtype =", 8, "expected an element type", "f32"),
    Fault("dtype < f32", 7, "no order", "`!=`"),
    Fault("a[", 3, "expected a block", "gate"),
    Fault("a[]", 3, "expected a block", "gate"),
    Fault("a[x]", 3, "expected a block", "gate"),
    Fault("a[-1..<2]", 3, "expected a block", "gate"),
    Fault("a[0...2]", 4, "expected `..<`", "0..<3"),
    Fault("a[3]", 4, "expected `..<`", "0..<3"),
    Fault("a[2..<2]", 3, "empty", "after the start"),
    Fault("a[3..<2]", 3, "empty", "after the start"),
    Fault("a[0..<]", 7, "expected the end", "0..<3"),
    Fault("a[0..<99999999999999999999]", 7, "too large", "digits"),
    Fault("a[0..<2", 8, "expected `]`", "bracket"),
    Fault("a[axis: 0..<2]", 7, "expected the number of an axis", "axis 1"),
    Fault("a[axis 1 0..<2]", 10, "expected `:`", "axis 1"),
    Fault("a[axis -1: 0..<2]", 8, "expected the number of an axis", "from 0"),
    Fault("a[gate forget]", 8, "expected `:`", "gate: forget"),
    Fault("a[gate: ]", 9, "expected `gate: name`", "gate: forget"),
    Fault("[0..<2]", 1, "expected a path", "scope"),
  ]

  @Test(arguments: malformed)
  func malformedTextHasItsColumn(_ fault: Fault) throws {
    let error = try #require(thrown { () throws(FirnError) in _ = try Selection(fault.text) })
    #expect(error.code == .invalidSelection)
    #expect(error.message.hasPrefix("selection, column \(fault.column): "), "\(error)")
    #expect(error.message.contains(fault.message), "\(error)")
    #expect(error.remedy?.contains(fault.remedy) == true, "\(error)")
    let literal = Selection(stringLiteral: fault.text) | "head"
    #expect(
      thrown { () throws(FirnError) in _ = try literal.resolve(in: SelectionSample.context()) } == error)
  }

  static let unmatched: [Fault] = [
    Fault("encodr", 1, "`encodr` matches nothing", "encoder"),
    Fault("enc", 1, "`enc` matches nothing", "encoder"),
    Fault("head | haed/bias", 8, "`haed/bias` matches nothing", "head/bias"),
    Fault("!(head & **/kernle)", 10, "`**/kernle` matches nothing", "kernel"),
    Fault("trainible", 1, "matches nothing", "trainable"),
    Fault("head/bias/momentum", 1, "matches nothing", "head/bias"),
    Fault("head/weight", 1, "`head/weight` matches nothing", "head/kernel"),
    Fault("head/w", 1, "`head/w` matches nothing", "`head` holds head/kernel, head/bias"),
    Fault("!head.weight", 2, "`head.weight` matches nothing", "`head` holds head/kernel, head/bias"),
    Fault("head & role(bais)", 8, "no variable has the role `bais`", "table, kernel, bias, \"odd role\""),
    Fault("rank = 7", 1, "no variable has `rank = 7`", "0, 1, 2"),
    Fault("count > 1e6", 1, "no variable has `count > 1000000`", "32"),
    Fault("dtype = i32", 1, "no variable has `dtype = i32`", "f32, f64"),
    Fault("first(1, encodr)", 1, "scope `encodr` has no variables", "encoder"),
    Fault("first(9, encoder)", 1, "has 3 children, fewer than 9", "embedding, lstm, norm"),
    Fault("children(encoder)", 1, "no variables of its own", "embedding, lstm, norm"),
    Fault("last(1, head/bias)", 1, "is a variable, not a scope", "head"),
    Fault("head & upstream(hed/matmul)", 8, "no node `hed/matmul`", "head/matmul"),
    Fault("upstream(x)", 1, "`upstream(x)` matches nothing", "another node"),
    Fault("downstream(head/matmul)", 1, "matches nothing", "another node"),
    Fault("upstream(x:3)", 1, "`x` has no result 3", "0..<1"),
    Fault("head/bias[0..<4]", 10, "ends before 4", "0..<3"),
    Fault("head/bias[axis 1: 0..<1]", 10, "no axis 1", "0..<1"),
    Fault("./trainable[0..<1]", 12, "no axis 0", "scalar"),
    Fault("encoder/lstm/bias[gate: forgt]", 18, "no gate `forgt`", "input, forget, cell, output"),
    Fault("head[gate: forget]", 5, "`head/kernel` has no gates", "encoder/lstm/kernel"),
    Fault("head/bias[0..<1][1..<2]", 17, "matches nothing", "nothing is left"),
    Fault("head/kernel[0..<1] | head/kernel[axis 1: 0..<1]", 33, "axis 0 and along axis 1", "one axis"),
    Fault("head/kernel[0..<1] & head/kernel[axis 1: 0..<1]", 33, "axis 0 and along axis 1", "one axis"),
  ]

  @Test(arguments: unmatched)
  func whatNamesNothingHasItsPlace(_ fault: Fault) throws {
    let selection = try Selection(fault.text)
    let error = try #require(
      thrown { () throws(FirnError) in _ = try selection.resolve(in: SelectionSample.context()) })
    #expect(error.code == .invalidSelection)
    #expect(error.message.hasPrefix("selection, column \(fault.column): "), "\(error)")
    #expect(error.message.contains(fault.message), "\(error)")
    #expect(error.remedy?.contains(fault.remedy) == true, "\(error)")
    let caret = try #require(error.excerpt?.split(separator: "\n").last)
    #expect(caret.count == fault.column)
  }

  /// What another part does not name has no blocks to combine, wherever that part stands.
  @Test(arguments: [
    "(head/kernel[0..<1] | head/bias) & (head/kernel[axis 1: 0..<1] | head/bias) & rank = 1",
    "rank = 1 & (head/kernel[0..<1] | head/bias) & (head/kernel[axis 1: 0..<1] | head/bias)",
  ]) func axesOfWhatIsNotNamedPlayNoPart(_ text: String) throws {
    let named = try Selection(text).resolve(in: SelectionSample.context())
    #expect(named.map(\.variable.name) == ["head/bias"])
  }

  @Test func factsThatHoldOfNothing() throws {
    let variable = Variable(name: "w", type: TensorType(.f32, [2]), initializer: .zeros)
    let fresh = SelectionContext(GraphDef(variables: [variable]))
    let known = SelectionContext(GraphDef(variables: [variable]), loaded: ["w"])
    for (text, context) in [("frozen", fresh), ("loaded", fresh), ("uninitialised", known)] {
      let error = thrown { () throws(FirnError) in _ = try Selection(text).resolve(in: context) }
      #expect(error?.remedy?.contains("leave `\(text)` out") == true)
    }
    #expect(try Selection("uninitialised").resolve(in: fresh).count == 1)
    #expect(try Selection("loaded").resolve(in: known).count == 1)
  }

  @Test(arguments: [
    Selection.path("a//b"), .path(""), .path("a b"), .role(""), .count(.less, .infinity), .dtype(.less, .f32),
    .first(0, of: "a"), .last(-1, of: "a"), .first(1, of: "a*"), .children(of: "/"), .upstream(of: "a*"),
    .downstream(of: "a:-1"), .upstream(of: "a:b"), Selection.trainable[rows: 0..<0],
    Selection.trainable[rows: -1..<1],
    Selection.trainable[axis: -1, 0..<1], Selection.trainable[gate: ""],
  ])
  func argumentsNoSelectionHasThrowWhereUsed(_ selection: Selection) throws {
    let error = thrown { () throws(FirnError) in _ = try selection.resolve(in: SelectionSample.context()) }
    #expect(error?.code == .invalidSelection)
    #expect(error?.remedy != nil)
  }

  @Test func excerptOfLongTextIsCut() throws {
    let text =
      String(repeating: "encoder | ", count: 1000) + "encodr | " + String(repeating: "head | ", count: 100)
      + "head"
    let error = try #require(
      thrown { () throws(FirnError) in _ = try Selection(text).resolve(in: SelectionSample.context()) })
    let lines = try #require(error.excerpt).split(separator: "\n").map(Array.init)
    #expect(lines[0].count < 120)
    #expect(String(lines[0][(lines[1].count - 1)...]).hasPrefix("encodr"))
  }

  /// Every mutation is refused with a place, or is a selection that prints and reads back equal and resolves or says why.
  @Test func mutationsNeverTrap() throws {
    let context = try SelectionSample.context()
    let seeds = SelectionTests.examples.map(\.text) + Self.malformed.map { String($0.text.prefix(60)) }
    let alphabet =
      Array("ab/*.!&|()[]<>=:,0189e+-\"\\ \n").map(String.init) + [
        "role(", "gate", "axis 1:", "..<", "first(", "upstream(", "encoder", "\u{301}", "é", "\u{0}",
        "99999999999999999999",
      ]
    let generator = Philox(key: (11, 5))
    var counter = 0
    func pick(_ count: Int) -> Int {
      counter += 1
      return Int(generator.bits(counter)) % count
    }
    var accepted = 0
    for _ in 0..<6000 {
      var scalars = Array(seeds[pick(seeds.count)].unicodeScalars)
      for _ in 0...pick(3) {
        let place = pick(scalars.count + 1)
        switch pick(4) {
        case 0: scalars.removeSubrange(place..<min(scalars.count, place + 1 + pick(3)))
        case 1: scalars.insert(contentsOf: scalars.suffix(pick(12)), at: place)
        default: scalars.insert(contentsOf: Array(alphabet[pick(alphabet.count)].unicodeScalars), at: place)
        }
      }
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars)
      let text = String(view)
      do throws(FirnError) {
        let selection = try Selection(text)
        accepted += 1
        let printed = selection.description
        let again = try Selection(printed)
        #expect(again == selection && again.description == printed, "\(text)")
        do throws(FirnError) {
          let table = try selection.table(in: context)
          #expect(table.rows.allSatisfy { $0.count > 0 && !$0.matchedBy.isEmpty })
        } catch {
          #expect(error.code == .invalidSelection && error.excerpt != nil && error.remedy != nil, "\(text)")
        }
      } catch {
        #expect(error.code == .invalidSelection && error.excerpt != nil && error.remedy != nil, "\(text)")
      }
    }
    #expect(accepted > 500)
  }
}
