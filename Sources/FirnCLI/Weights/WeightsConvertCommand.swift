internal import FirnFormats
internal import FirnGraph
internal import FirnNotation
internal import FirnTraining

/// `firn weights convert`: a file of weights in another format, under other names, or rounded.
enum WeightsConvertCommand {
  static let declaration = ArgumentParser.Command(
    name: "weights convert", summary: "write a file of weights in another format, bits unchanged",
    positionals: [
      WeightsCommand.file, .init(name: "FILE_B", help: "the file to write: .safetensors, .npy, .npz or .pth"),
    ],
    options: [
      WeightMaps.option,
      .init(
        name: "dtype", value: .choice(["f64", "f32", "f16", "bf16"]),
        help: "round floating-point numbers to this type (default: as stored)"),
      WeightFile.select, .json,
    ],
    examples: [
      .init(
        line: "firn weights convert resnet.pth resnet.safetensors --map torchvision-resnet",
        meaning: "for Firn's names and order of axes"),
      .init(
        line: "firn weights convert model.npz model.safetensors --map module/=encoder/ --dtype bf16",
        meaning: "half the bytes, and another prefix"),
    ])

  /// What `--json` gives.
  private struct Answer: Encodable {
    struct Tensor: Encodable {
      var name: String
      var dtype: String
      var shape: [Int]
    }
    var path: String
    var bytes: Int
    var tensors: [Tensor]
    var ignored: [String]
    var skipped: [WeightsOverview.Note]
  }

  static func run(_ arguments: ParsedArguments, in shell: Shell) throws -> Int32 {
    let (source, target) = (arguments.positionals[0], arguments.positionals[1])
    guard let format = WeightFormat(path: target), format != .tensorFlow else {
      throw UsageError(
        "firn weights convert", "'\(target)' has no ending of a format that Firn writes",
        remedy: "write .safetensors, .npy, .npz or .pth")
    }
    guard !Platform.isOneFile(shell.resolved(source), shell.resolved(target)) else {
      throw UsageError(
        "firn weights convert", "'\(target)' is the file that is read", remedy: "write to another name")
    }
    let read = try WeightFile.open(source, in: shell)
    var (weights, ignored) = try WeightMaps(arguments)(WeightFile.selected(arguments, of: read))
    if let type = arguments.text("dtype").flatMap(StoredType.init(rawValue:)) {
      weights = try Weights(
        source: weights.source, entries: weights.entries.map { $0.rounded(to: type) },
        metadata: weights.metadata, skipped: weights.skipped)
    }
    let written = weights
    try WeightFile.reading { () throws(FirnError) in
      try written.write(to: shell.resolved(target), as: format)
    }
    let bytes = weights.entries.reduce(0) { $0 + $1.byteCount }
    let skipped = weights.skipped.map { WeightsOverview.Note(name: $0.name, reason: $0.reason) }
    if arguments.flag("json") {
      try shell.json(
        Answer(
          path: target, bytes: bytes,
          tensors: weights.entries.map {
            .init(name: $0.name, dtype: $0.storedType.rawValue, shape: $0.shape)
          },
          ignored: ignored, skipped: skipped))
      return 0
    }
    let noun = weights.entries.count == 1 ? "tensor" : "tensors"
    shell.line(
      "wrote \(target): \(NumberFormat.count(weights.entries.count)) \(noun), \(NumberFormat.bytes(bytes))")
    if weights.wrapper != nil, let wrapping = WeightFile.wrapping(of: read) { shell.paragraph(wrapping) }
    if !ignored.isEmpty { shell.paragraph("left out by the map: " + ignored.joined(separator: ", ")) }
    for note in skipped { shell.paragraph("skipped: `\(note.name)`: \(note.reason)") }
    if format != .safetensors, !weights.metadata.isEmpty {
      shell.line("left out: metadata, which only safetensors holds")
      // Nothing is made of it here, so what cannot be read of it is no matter.
      let scale = try? SaidOfWeights(path: source, weights: weights, notes: [:]).standardization
      if let names = scale?.columns.map({ "`\($0.name)`" }), !names.isEmpty {
        shell.paragraph(
          "with it how \(names.joined(separator: ", ")) was scaled in training: keep the file that says it")
      }
    }
    return 0
  }
}
