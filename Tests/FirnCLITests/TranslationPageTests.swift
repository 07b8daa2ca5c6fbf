import Foundation
import Testing

/// What the pages for those who come from TensorFlow and PyTorch show compiles, runs, and does what they say.
@Suite struct TranslationPageTests {
  private static let pages = ["Docs/FromTensorFlow.md", "Docs/FromPyTorch.md"]

  @Test(arguments: pages) func everySwiftBlockIsPartOfTheProgram(page: String) throws {
    let sources = ["Classifier", "FromTensorFlow", "FromPyTorch"].map { "Examples/Translations/\($0).swift" }
    let blocks = try PageText.blocks("swift", of: page)
    #expect(blocks.count > 10)
    for block in blocks {
      #expect(try PageText.contain(sources, block), "\(page): \(block.joined(separator: "\n"))")
    }
  }

  /// An original for every translation, and a trap that is in the table for every number.
  @Test(arguments: pages) func everyTopicHasBothSides(page: String) throws {
    let text = try PageText.lines(page).joined(separator: "\n")
    let topics = text.components(separatedBy: "\n## ").dropFirst()
    for topic in topics {
      #expect(topic.contains("```python") && topic.contains("```swift"), "\(topic.prefix(40))")
    }
    let traps = Set(
      text.replacing("\n", with: " ").matches(of: /\(traps? ([\d, ]+)\)/)
        .flatMap { $0.output.1.split(separator: ", ").compactMap { Int($0) } })
    #expect(traps.count > 8)
    #expect(traps.allSatisfy { (1...27).contains($0) })
  }

  @Test func theProgramDoesWhatThePagesSay() throws {
    let output = try #require(ExampleProgram("Translations"), "Translations is not built").run()
    #expect(output.errors == "")
    let encoder =
      "encoder/embedding/table, "
      + (0..<2).flatMap { layer in
        ["kernel", "recurrent_kernel", "bias"].map { "encoder/lstm/layer_\(layer)/forward/\($0)" }
      }.joined(separator: ", ")
    let head = "head/kernel, head/bias"
    let block = ["conv1/kernel", "bn1/gamma", "bn1/beta", "conv2/kernel", "bn2/gamma", "bn2/beta"]
    let down = ["downsample/0/kernel", "downsample/1/gamma", "downsample/1/beta"]
    let fc = "fc/kernel, fc/bias"
    let last =
      ((block + down).map { "layer4/0/" + $0 } + block.map { "layer4/1/" + $0 } + [fc]).joined(
        separator: ", ")
    let trained = [
      "var_list": head, "as declared": head, "thawed by name": "features/dense/bias, " + head,
      "first program": head, "second program": "\(encoder), \(head)",
      "custom cell of cell/W_fixed, cell/W_trainable": "cell/W_trainable",
      "two rates": "\(encoder), \(head)", "all but the head": fc, "the first five children": last,
      "by name": last,
      "rows": "\(encoder), \(head)".replacing("table", with: "table[40..<50]"),
      "weight_ih frozen": "\(encoder), \(head)"
        .replacing("encoder/lstm/layer_0/forward/kernel, ", with: "")
        .replacing("encoder/lstm/layer_1/forward/kernel, ", with: ""),
    ]
    for (title, names) in trained {
      #expect(output.rest("\(title) - trained: ") == names, "\(title)")
    }
    #expect(output.contains("get_collection: \(encoder)"))
    #expect(output.contains("in the optimiser: \(head)"))
    #expect(output.contains("model/dense/kernel by the scope's initialiser"))
    #expect(output.contains("model/dense_1/kernel by its own"))
    #expect(output.contains("with Keras's defaults: f32[batch,8]"))
    #expect(output.contains("set_weights(get_weights()), the same bits: true"))
    // Biases start alike for any seed.
    #expect(output.rest("restored: encoder/embedding/table, encoder/lstm/layer_0/forward/kernel, ") != nil)
    #expect(output.contains("zero past the end: true"))
    #expect(output.contains("from Keras: lstm/bias, lstm/kernel, lstm/recurrent_kernel"))
    #expect(output.contains("carried over: true"))
    #expect(output.contains("the forget gate's bias starts at 1: true"))
    #expect(output.rest("without one gate: encoder/lstm/layer_0/forward/kernel, ") != nil)
    #expect(
      output.contains(
        "dropout in the frozen encoder: false - kept on request: true - in one that learns at rest: false"))
    #expect(output.contains("embedding/table is read by [\"embedding\", \"head\"]"))
    #expect(output.contains("loaded: 1 left: 1"))
    #expect(output.contains("preserved: 5 variables"))
    #expect(output.contains("cut [\"stop_gradient\"]"))
    // What the pages quote is printed.
    for page in Self.pages {
      for line in try PageText.blocks("", of: page).joined() {
        #expect(output.contains(line), "\(line)")
      }
    }
  }
}
