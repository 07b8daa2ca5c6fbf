import Foundation
import Testing

/// What the format's lint cannot ask of a comment: a fault's number is explained, and a cost stated, where it is read.
@Suite struct DocumentationTests {
  struct Declaration {
    let place: String
    let text: String
    let comment: String
  }

  /// The declarations of a target whose first line matches `pattern`, with the comments above them.
  private func declarations(_ target: String, _ pattern: Regex<Substring>) throws -> [Declaration] {
    let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Sources/\(target)")
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var found: [Declaration] = []
    for case let file as URL in files where file.pathExtension == "swift" {
      let lines = try String(contentsOf: file, encoding: .utf8).split(
        separator: "\n", omittingEmptySubsequences: false
      ).map { $0.trimmingCharacters(in: .whitespaces) }
      for (number, line) in lines.enumerated() where line.prefixMatch(of: pattern) != nil {
        let comment = lines[..<number].reversed().prefix { $0.hasPrefix("///") }.reversed()
        found.append(
          Declaration(
            place: "\(file.lastPathComponent):\(number + 1)", text: line,
            comment: comment.joined(separator: "\n")))
      }
    }
    return found
  }

  @Test func opsSayTheirConstraintsAndCost() throws {
    let functions = try declarations("FirnOps", #/public (?:static )?(?:prefix )?func /#)
    #expect(functions.count > 90)
    for function in functions where !function.text.contains("-> Padding2D") {
      let comment = function.comment
      #expect(
        comment.contains(#/\(C\d\)/#) || comment.contains("no constraints")
          || comment.contains(#/C\d to C\d/#),
        "\(function.place): \(function.text)")
      #expect(
        comment.contains("- Complexity:") || function.text.contains("= (a: inout"),
        "\(function.place): \(function.text)")
    }
  }

  @Test func layersSayTheirConstraints() throws {
    let layers = try declarations(
      "FirnNN", #/public (?:final )?(?:class|struct) \w+(?:<.*>)?: (?:Layer|RNN|Pool2D|RecurrentCell)\b/#)
    #expect(layers.count > 20)
    for layer in layers {
      #expect(layer.comment.lowercased().contains("constraints"), "\(layer.place): \(layer.text)")
    }
  }
}
