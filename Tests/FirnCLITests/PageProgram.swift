/// The Swift of a page as one file that a compiler can check.
///
/// Blocks leave out what their page has said before. A comment above them, which readers do not see, says it to the compiler;
/// it counts for all blocks from there to the next such comment:
///
///     <!-- swift: given session: Session, loss: Tensor -->   each block stands alone, between these
///     <!-- swift: one program -->                            the blocks follow each other in one scope
///     <!-- swift: declarations -->                           the blocks are declarations of a file
///     <!-- swift: import Foundation -->                      … of a file that imports it
///     <!-- swift: package FirnGraph, FirnCompiler -->        … of this package, which may use what it keeps for itself
///     <!-- swift: not compiled, REASON -->                   the next block is left out, and it alone
///
/// Clauses are joined by `;`. Without a comment a block stands alone and is given nothing.
struct PageProgram {
  let page: String
  /// How many blocks of Swift there are, those left out included.
  private(set) var blockCount = 0
  /// Why blocks are left out.
  private(set) var exemptions: [String] = []
  /// Whether the page is for those who work on Firn itself.
  private(set) var isOfPackage = false

  private var imports: Set<String> = ["import Firn"]
  private var functions: [Function] = []
  private var declarations = ""

  private struct Context {
    var given = ""
    var isOneProgram = false
    var isDeclarations = false
  }

  /// A scope of statements: one block, or those of one program.
  private struct Function {
    var header: String
    var body: String
  }

  init(page: String, text: String) {
    self.page = page
    var context = Context()
    var isExempt = false
    var comment: String?
    var block: (line: Int, isSwift: Bool, code: [Substring])?
    for (offset, whole) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      // Blocks may stand in lists.
      let line = whole.drop { $0 == " " }
      if let open = block {
        if line.hasPrefix("```") {
          if open.isSwift { add(open.code, at: open.line, context, isExempt: &isExempt) }
          block = nil
        } else {
          block?.code.append(whole)
        }
      } else if line.hasPrefix("```") {
        block = (offset + 2, line == "```swift", [])
      } else if let begun = comment ?? (line.hasPrefix("<!-- swift:") ? "" : nil) {
        comment = begun + " " + line
        guard line.hasSuffix("-->") else { continue }
        read(
          String((comment ?? "").dropFirst(" <!-- swift:".count).dropLast("-->".count)), &context, &isExempt)
        comment = nil
      }
    }
  }

  private mutating func read(_ comment: String, _ context: inout Context, _ isExempt: inout Bool) {
    func trimmed(_ text: some StringProtocol) -> String {
      text.split(separator: " ").joined(separator: " ")
    }
    let text = trimmed(comment)
    if text.hasPrefix("not compiled, ") {
      isExempt = true
      exemptions.append("\(page): \(text.dropFirst("not compiled, ".count))")
      return
    }
    context = Context()
    for clause in text.split(separator: ";").map(trimmed) {
      if clause.hasPrefix("given ") {
        context.given = String(clause.dropFirst("given ".count))
      } else if clause == "one program" {
        context.isOneProgram = true
      } else if clause == "declarations" {
        context.isDeclarations = true
      } else if clause.hasPrefix("import ") {
        imports.insert(clause)
      } else if clause.hasPrefix("package ") {
        isOfPackage = true
        imports.formUnion(
          clause.dropFirst("package ".count).split(separator: ",").map { "import " + trimmed($0) })
      } else {
        // The compiler says so, with the page's name.
        declarations += "#error(\"\(page): `\(clause)` is no clause of a comment\")\n"
      }
    }
    if context.isOneProgram { functions.append(function(context, line: 0, body: "")) }
  }

  private mutating func add(
    _ code: [Substring], at line: Int, _ context: Context, isExempt: inout Bool
  ) {
    blockCount += 1
    defer { isExempt = false }
    if isExempt { return }
    var body = "#sourceLocation(file: \"\(page)\", line: \(line))\n"
    for text in code {
      if text.hasPrefix("import ") { imports.insert(String(text)) }
      body += (text.hasPrefix("import ") ? "" : text) + "\n"
    }
    body += "#sourceLocation()\n"
    if context.isDeclarations {
      declarations += body
    } else if context.isOneProgram, !functions.isEmpty {
      functions[functions.count - 1].body += body
    } else {
      functions.append(function(context, line: line, body: body))
    }
  }

  private func function(_ context: Context, line: Int, body: String) -> Function {
    let name = page.map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
    return Function(
      header: "func \(name)_\(functions.count)_\(line)(\(context.given)) throws {\n", body: body)
  }

  /// What the compiler reads.
  var source: String {
    imports.sorted().joined(separator: "\n") + "\n" + declarations
      + functions.map { $0.header + $0.body + "}\n" }.joined()
  }
}
