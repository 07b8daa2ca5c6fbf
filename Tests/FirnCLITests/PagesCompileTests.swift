import Foundation
import Testing

/// Every fenced block of Swift in README.md and Docs compiles.
@Suite struct PagesCompileTests {
  private static func pages() throws -> [PageProgram] {
    let docs = try FileManager.default.contentsOfDirectory(atPath: CommandLineRunner.root + "/Docs")
      .filter { $0.hasSuffix(".md") }.sorted().map { "Docs/" + $0 }
    return try (["README.md"] + docs).map { page in
      PageProgram(
        page: page,
        text: try String(contentsOfFile: "\(CommandLineRunner.root)/\(page)", encoding: .utf8))
    }
  }

  private static func sources(_ pages: [PageProgram]) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: pages.map { ($0.page.replacing("/", with: "-") + ".swift", $0.source) })
  }

  /// One call of the compiler for users' pages, which see what users see, and one for those of this package.
  @Test(arguments: [false, true]) func everyBlockCompiles(isOfPackage: Bool) throws {
    let pages = try Self.pages().filter { $0.isOfPackage == isOfPackage }
    if !isOfPackage { #expect(pages.map(\.blockCount).reduce(0, +) > 60) }
    if pages.isEmpty { return }
    let errors = try SwiftCompiler().errors(in: Self.sources(pages), isInPackage: isOfPackage)
    #expect(errors == "", "\(errors)")
  }

  /// What is left out is little, and its page says why.
  @Test func fewBlocksAreLeftOut() throws {
    let exemptions = try Self.pages().flatMap(\.exemptions)
    #expect(exemptions.count <= 4, "\(exemptions.joined(separator: "\n"))")
  }

  @Test func faultsAreNamedByPageAndLine() throws {
    let page = PageProgram(
      page: "Docs/Made.md",
      text: """
        # Made
        <!-- swift: given graph: Graph -->
        ```swift
        let x = graph.placeholder("x", shape: [2])
        let y = x.squaredTwice()
        ```
        ```python
        this is no Swift
        ```
        <!-- swift: one program -->
        ```swift
        let a = 1
        ```
        ```swift
        print(a + b)
        ```
        <!-- swift: not compiled, for the test -->
        ```swift
        nonsense nonsense
        ```
        <!-- swift: whatever -->
        """)
    #expect(page.blockCount == 4)
    #expect(page.exemptions == ["Docs/Made.md: for the test"])
    let errors = try SwiftCompiler().errors(in: Self.sources([page]))
    #expect(errors.contains("Docs/Made.md:5:11: error: value of type 'Tensor' has no member 'squaredTwice'"))
    #expect(errors.contains("Docs/Made.md:15:11: error: cannot find 'b' in scope"))
    #expect(errors.contains("`whatever` is no clause"))
    #expect(!errors.contains("nonsense") && !errors.contains("this is"))
  }
}
