import Foundation
import Testing

/// What the programs on convolutional transfer learning print is true.
@Suite struct TransferExampleTests {
  private func run(_ name: String, _ arguments: String...) throws -> ExampleProgram.Transcript {
    let result = try #require(ExampleProgram(name), "\(name) is not built").run(arguments)
    #expect(result.errors == "", "\(name)")
    return result
  }

  /// What is printed under each `== ` title.
  private func parts(_ output: ExampleProgram.Transcript) -> [String: ExampleProgram.Transcript] {
    var result: [String: ExampleProgram.Transcript] = [:]
    for part in output.lines.split(whereSeparator: { $0.hasPrefix("== ") }) {
      result[output.lines[part.startIndex - 1]] = .init(lines: Array(part), errors: "")
    }
    return result
  }

  /// By selection, torchvision's trained tensors and numbers of a ResNet-18 of a thousand classes.
  private func torchvisionCounts() throws -> [String: [Double]] {
    struct Listing: Decodable {
      let name: String
      let freezes: [String: [Double]]
    }
    let file = CommandLineRunner.root + "/Tests/FirnNNTests/Fixtures/models.json"
    let listings = try JSONDecoder().decode(
      [Listing].self, from: Data(contentsOf: URL(fileURLWithPath: file)))
    return try #require(listings.first { $0.name == "resnet18" }).freezes
  }

  @Test func freezeResNet() throws {
    let output = try run("FreezeResNet")
    #expect(output.lines.allSatisfy { !$0.hasPrefix("warning:") })
    let parts = parts(output)
    let torchvision = try torchvisionCounts()
    // Kernel and input gradients of the twenty convolutions, norms that stand still, averages that move.
    let freezes: [(title: String, selection: String, gradients: [Double], still: Double, averages: Double)] =
      [
        ("all but the head", "!fc", [20, 0, 0], 20, 0),
        // All but the first convolution's image: gradients pass the frozen stages.
        ("layers by name", "layer1 | layer3", [20, 11, 19], 9, 22),
        // Nothing below the third stage, whose two first convolutions read what is frozen.
        ("the first four children", "first(4, .)", [20, 10, 8], 10, 20),
      ]
    var backward: [Double] = []
    for freeze in freezes {
      let part = try #require(parts["== \(freeze.title): \(freeze.selection)"])
      let counts = try #require(torchvision[freeze.selection])
      // The new head has ten classes, torchvision's a thousand.
      let trained = [counts[0], counts[1] - 990 * 513]
      #expect(part.numbers("trained: ") == [trained[0], 62, trained[1], 11_181_642], "\(freeze.title)")
      #expect(part.numbers("backward, of ") == freeze.gradients, "\(freeze.title)")
      #expect(part.numbers("batch norms: ") == [freeze.still, 20])
      #expect(part.numbers("two steps move ") == [trained[0], freeze.averages])
      #expect(part.rest("two steps move ")?.hasSuffix("anything frozen among them: false") == true)
      // Momentum alone: one number for each that is trained.
      #expect(part.numbers("optimiser memory: ") == [4 * trained[1], 4 * 11_181_642])
      for start in ["backward FLOPs: ", "kept for it: "] {
        let numbers = part.numbers(start)
        #expect(numbers.count == 2 && numbers[0] < 0.8 * numbers[1], "\(freeze.title)")
      }
      backward.append(try part.number("backward FLOPs: "))
    }
    #expect(backward[0] < backward[2] / 1000 && backward[2] < backward[1])
    let waking = try #require(parts["== all but the head, as after `model.train()`"])
    #expect(waking.numbers("two steps move ") == [2, 40])
  }

  @Test func twoEncoders() throws {
    let output = try run("TwoEncoders")
    #expect(output.lines.allSatisfy { !$0.hasPrefix("warning:") })
    let parts = parts(output)
    for (frozen, other, backward) in [
      ("pixels", "rows", "backward: 1 loops, 0 gradients of convolutions"),
      // The kernels' of both and the input's of the second.
      ("rows", "pixels", "backward: 0 loops, 3 gradients of convolutions"),
    ] {
      let part = try #require(parts["== \(frozen) frozen"])
      #expect(part.contains("\(frozen): frozen, in inference mode"))
      #expect(part.contains("\(other): trained, in training mode"))
      #expect(part.contains("head: trained, in training mode"))
      #expect(part.contains(backward))
      #expect(part.contains("backward FLOPs in \(frozen): 0"))
      #expect(try part.number("backward FLOPs in \(other): ") > 1e6)
      let losses = part.numbers("loss, first and last step: ")
      #expect(losses.count == 2 && losses[1] < 0.5 * losses[0])
      #expect(try part.number("accuracy: ") > 0.6)
      #expect(part.contains("\(frozen) kept its bits: true"))
    }
  }

  @Test func gradualUnfreezing() throws {
    let output = try run("GradualUnfreezing")
    let parts = parts(output)
    func parameters(_ path: String, _ leaves: String...) -> [String] { leaves.map { "trunk/\(path)/\($0)" } }
    let head = ["head/kernel", "head/bias"]
    // From the bottom, as variables are listed.
    let conv1 = parameters("conv1", "kernel") + parameters("bn1", "gamma", "beta")
    let conv2 = parameters("conv2", "kernel") + parameters("bn2", "gamma", "beta")
    let fc = parameters("fc", "kernel", "bias")
    let averages = [1, 2].map { parameters("bn\($0)", "moving_mean", "moving_variance") }
    let stages: [(frozen: String, thawed: [String], before: [String], moved: [String])] = [
      ("first(5, trunk)", head, [], []), ("first(4, trunk)", fc, head, fc),
      ("first(2, trunk)", conv2, fc + head, conv2 + averages[1] + fc),
      ("nothing", conv1, conv2 + fc + head, conv1 + averages[0] + conv2 + averages[1] + fc),
    ]
    func list(_ names: [String]) -> String { names.joined(separator: ", ") }
    for (number, stage) in stages.enumerated() {
      let part = try #require(parts["== stage \(number + 1), frozen: \(stage.frozen)"])
      #expect(part.contains("trained: " + list(stage.thawed + stage.before)))
      #expect(part.contains("optimiser memory fresh: " + list(stage.thawed)))
      #expect(part.contains("moved in the trunk: " + (stage.moved.isEmpty ? "nothing" : list(stage.moved))))
      if number > 0 {
        #expect(part.contains("thawed: " + list(stage.thawed)) && part.contains("newly frozen: 0"))
        #expect(part.contains("optimiser memory kept: " + list(stage.before)))
        let added = part.numbers("backward FLOPs more: ")
        #expect(added.count == 2 && added[0] > 0 && added[1] > 0)
      }
    }
    let accuracies = output.lines.compactMap { $0.hasPrefix("accuracy: ") ? Double($0.dropFirst(10)) : nil }
    #expect(accuracies.count == 4)
    #expect(try #require(accuracies.last) > #require(accuracies.first) + 0.1)
  }

  @Test func digitsTransfer() throws {
    try CommandLineRunner.withDirectory { directory in
      let file = directory + "/transfer.svg"
      let output = try run("DigitsTransfer", "--quick", file)
      #expect(output.lines.allSatisfy { !$0.hasPrefix("warning:") })
      #expect(try output.number("pretrained, accuracy on 0-4: ") > 0.8)
      // The head of 64 features and five classes; with it 13,104 in the trunk.
      let (partly, whole) = (output.numbers("trunk frozen: "), output.numbers("all trained: "))
      #expect(partly.first == 325 && whole.first == 13_429)
      #expect(partly[1] * 100 < whole[1])
      #expect(output.contains("the frozen trunk kept its bits: true"))

      // By way, the means of the three sizes and their spreads.
      func row(_ way: String) throws -> [Double] {
        let line = way + (try #require(output.rest(way + "  "), "\(output.lines)"))
        let numbers = line.matches(of: /(\d+\.\d) ± (\d+\.\d)/)
        #expect(numbers.count == 3)
        return numbers.compactMap { Double($0.output.1) }
      }
      let frozen = try row("trunk frozen")
      #expect(frozen.allSatisfy { (0...100).contains($0) })
      // The verdicts say what the numbers say.
      for other in ["all trained", "from scratch"] {
        let means = try row(other)
        // More examples, more learned, also in the short form.
        #expect(means[2] > means[0])
        let verdicts = output.section("trunk frozen less \(other), mean ± two standard errors:")
        #expect(verdicts.count == 3)
        for (column, line) in verdicts.enumerated() {
          let parts = try #require(line.firstMatch(of: /^  \d+: (-?[\d.]+) ± ([\d.]+): (.+)$/)).output
          let (mean, doubt) = (try #require(Double(parts.1)), try #require(Double(parts.2)))
          switch parts.3 {
          case "better": #expect(mean >= doubt)
          case "worse": #expect(mean <= -doubt)
          default: #expect(parts.3 == "no clear difference" && abs(mean) <= doubt)
          }
          #expect(abs(frozen[column] - means[column] - mean) < 0.16, "\(line)")
        }
      }
      let picture = try String(contentsOfFile: file, encoding: .utf8)
      for name in ["<svg", "trunk frozen", "all trained", "from scratch"] { #expect(picture.contains(name)) }
    }
  }
}
