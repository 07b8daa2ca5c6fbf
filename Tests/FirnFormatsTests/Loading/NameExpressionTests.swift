import FirnGraph
import Testing

@testable import FirnFormats

/// Regular expressions of names, held against Swift's own, which search with backtracking.
@Suite struct NameExpressionTests {
  private static let patterns = [
    "a", "ab|a", "(a|ab)(b?)", "(a+)(a*)", "(a+?)(a*)", "(a*?)b", "((a)|b)+", "(a|b)*\\.(\\d+)", "[a-b]+1?",
    "[^a]+", "(.*)\\.(.*)", "(.*?)\\.(.*)", "a{2}", "a{1,2}b{0,1}", "a{2,}", "(a{1,2}?)(a*)", "^a.*b$",
    "\\w+",
    "\\D+", "(\\w+)\\.(?:a|b)(1)?", "a\\b.*", "(a(b)?)+", "(|a)b", "x*", "\\.?a",
  ]

  /// All names of up to five of these letters.
  private static let names: [String] = {
    var all = [""]
    var last = [""]
    for _ in 0..<5 {
      last = last.flatMap { name in ["a", "b", ".", "1"].map { name + $0 } }
      all += last
    }
    return all
  }()

  @Test(arguments: patterns) func matchesAsASearchWouldHave(_ pattern: String) throws {
    let expression = try NameExpression(pattern)
    let regex = try Regex(pattern).wordBoundaryKind(.simple)
    var matched = 0
    for name in Self.names {
      let expected = try regex.wholeMatch(in: name)?.output.dropFirst().map {
        $0.substring.map(String.init) ?? ""
      }
      let found = expression.match(name)
      if found != expected { Issue.record("`\(pattern)` of `\(name)`: \(found ?? []) \(expected ?? [])") }
      if found != nil { matched += 1 }
    }
    #expect(matched > 0)
  }

  /// Groups of nothing write nothing, so no limit on what is written ends their repetitions.
  @Test func repetitionsOfNothingEnd() throws {
    let expression = try NameExpression("(?:(?:(?:(?:){4096}){4096}){4096}){4096}a")
    #expect(expression.match("a") == [] && expression.match("aa") == nil)
  }

  @Test(arguments: [
    "(", ")", "a**", "[a", "a{3,2}", "(?=a)", "(?<=a)b", "(a)\\1", "^*", "*a", "((a{90}){90}){90}",
  ])
  func whatIsNoneIsRefused(_ pattern: String) throws {
    let error = try #require(throws: FirnError.self) { try NameExpression(pattern) }
    #expect(error.code == .invalidArgument && error.remedy != nil)
  }
}
