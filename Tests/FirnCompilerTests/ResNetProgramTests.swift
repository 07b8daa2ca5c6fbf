import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTraining
import Testing

/// What freezing leaves of ResNet-18's backward program.
@Suite struct ResNetProgramTests {
  /// The layers that have a backward node of this kind, in program order.
  private func layers(with mnemonic: String, freezing: Selection) throws -> [String] {
    let graph = Graph()
    let logits = ResNet(.resNet18)(graph.placeholder("images", shape: [2, 64, 64, 3]))
    let labels = graph.placeholder("labels", shape: [2], dtype: .i32)
    let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
    let compilation = try Compiler.compile(
      CompilationRequest(
        graph: graph.definition, fetches: [],
        training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)), freezing: freezing))
    let text = compilation.graph.text
    #expect(text == (try parsed(text)).text)
    // Programs begin with convolutions, and frozen kernels are packed.
    return compilation.graph.unfused.text.split(separator: "\n").compactMap { line in
      guard line.hasSuffix("@backward"),
        line.contains("= \(mnemonic)(") || line.contains("= \(mnemonic)_packed(")
      else { return nil }
      let name = line.prefix { $0 != " " }.dropFirst()
      return Path.parent(of: Path.parent(of: Path.relative(String(name), to: "gradients")))
    }
  }

  @Test func allButTheHeadLeavesNoConvolution() throws {
    for mnemonic in ["conv2d", "conv2d_input_gradient", "conv2d_kernel_gradient"] {
      #expect(try layers(with: mnemonic, freezing: "!fc").isEmpty)
    }
    #expect(try layers(with: "matmul", freezing: "!fc") == ["fc"])
  }

  /// What is run of a frozen trunk: convolutions, by tiles too, with all that follows them, pools, and views.
  @Test(arguments: [nil, WinogradTile.two]) func aFrozenTrunkIsConvolutionsAndPools(_ tile: WinogradTile?)
    throws
  {
    let graph = Graph()
    let logits = ResNet(.resNet18)(graph.placeholder("images", shape: ["batch", 64, 64, 3]))
    let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    let loss = sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
    var request = CompilationRequest(
      graph: graph.definition, fetches: [],
      training: .init(loss: loss.value, optimizer: SGD(learningRate: 0.1)), freezing: "!fc")
    request.winogradTile = tile
    let step = try Compiler.compile(request).graph
    try step.verify()
    #expect(step.text == (try parsed(step.text)).text)
    let run = step.nodes.filter { node in
      node.phase == .forward && !node.inputs.isEmpty && !node.name.hasPrefix("fc")
        && node.op.aliasing != .view(of: 0)
    }
    let names = run.map { node in
      node.op.asBodyOp?.body.nodes.first { $0.traits.contains(.start) }.map { "\($0.mnemonic) and more" }
        ?? node.mnemonic
    }
    let kinds = Dictionary(grouping: names) { $0 }.mapValues(\.count)
    let byTiles = kinds["winograd_convolution and more", default: 0]
    #expect(tile == nil ? byTiles == 0 : byTiles > 0, "\(kinds)")
    // Of a shortcut and the long way beside it one is a convolution alone: what follows is done where the other ends.
    let alone = kinds["conv2d_packed", default: 0] + kinds["winograd_convolution", default: 0]
    #expect(alone == 3, "\(kinds)")
    #expect(byTiles + kinds["conv2d_packed and more", default: 0] == 17, "\(kinds)")
    #expect(kinds["max_pool2d"] == 1)
    #expect(kinds.keys.allSatisfy { !["fused", "add", "sub", "mul", "relu"].contains($0) }, "\(kinds)")
  }

  /// `conv1`, `layer1` and `layer3` frozen: gradients go through `layer3` down to `layer2`, and no further.
  @Test func freezingByNameLeavesTheGradientsBelow() throws {
    let freezing: Selection = "conv1 | bn1 | layer1 | layer3"
    func block(_ path: String, _ isFirst: Bool) -> [String] {
      [path + "/conv1", path + "/conv2"] + (isFirst ? [path + "/downsample/0"] : [])
    }
    func stage(_ number: Int) -> [String] {
      block("layer\(number)/0", true) + block("layer\(number)/1", false)
    }
    let kernels = try layers(with: "conv2d_kernel_gradient", freezing: freezing)
    #expect(kernels.sorted() == (stage(2) + stage(4)).sorted())
    let inputs = try layers(with: "conv2d_input_gradient", freezing: freezing)
    // Below the first block of `layer2` nothing learns: what reads its input needs no gradient of that.
    let needed = (stage(2) + stage(3) + stage(4)).filter {
      $0 != "layer2/0/conv1" && $0 != "layer2/0/downsample/0"
    }
    #expect(inputs.sorted() == needed.sorted())
  }
}
