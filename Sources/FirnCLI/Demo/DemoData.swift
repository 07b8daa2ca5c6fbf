internal import FirnDigits
internal import FirnFiles
internal import FirnFormats
internal import FirnGraph

/// What the demonstration learns from, as files: for `firn train`.
struct DemoData {
  let digits: DigitsData
  let seed: UInt64

  /// Writes the graphs of both tasks and, for each, tables of the images to train on and to test with.
  ///
  /// - Returns: the names of the files.
  func write(to directory: String) throws(FirnError) -> [String] {
    var files: [String] = []
    for classes in [UInt8(0)...4, 5...9] {
      let name = "digits_\(classes.lowerBound)_\(classes.upperBound)"
      let model = DemoModel(head: "head_\(classes.lowerBound)_\(classes.upperBound)")
      try model.graph.write(to: "\(directory)/\(name).firn", loss: model.loss)
      files.append("\(name).firn")
      let split = try digits.split(classes: classes, testFraction: 0.25, seed: seed)
      for (part, indices) in [("train", split.train), ("test", split.test)] {
        try TextFile.write(
          try table(indices, from: classes.lowerBound), to: "\(directory)/\(name)_\(part).csv")
        files.append("\(name)_\(part).csv")
      }
    }
    return files
  }

  /// A row for each image: 64 pixels of ink from 0 to 1, and the label, counted from the first class.
  private func table(_ indices: [Int], from first: UInt8) throws(FirnError) -> String {
    let count = DigitsData.pixelCount
    var text = (0..<count).map { "images.\($0)" }.joined(separator: ",") + ",labels\n"
    let pixels = try digits.pixels(indices).doubles
    let labels = digits.classes(indices, from: first).doubles
    for row in indices.indices {
      text += pixels[row * count..<(row + 1) * count].map { "\(Float($0))" }.joined(separator: ",")
      text += ",\(Int(labels[row]))\n"
    }
    return text
  }
}
