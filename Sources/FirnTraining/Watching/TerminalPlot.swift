import FirnGraph
import FirnNotation

extension TrainingHistory {
  /// Curves over epochs as text, each drawn with a letter of its own.
  ///
  /// - Parameters:
  ///   - names: which of ``names``; by default the losses.
  ///   - width: columns, axis included; at least 20 are taken.
  ///   - height: rows of the drawing; at least 3 are taken.
  /// - Returns: the drawing and a legend; a sentence where there is nothing to draw.
  public func plot(_ names: [String]? = nil, width: Int = 72, height: Int = 12) -> String {
    let names = names ?? self.names.filter { $0 == "training loss" || $0 == "loss" }
    let curves = names.map { name in epochs.map { $0[name] ?? .nan } }
    let numbers = curves.joined().filter(\.isFinite)
    guard let low = numbers.min(), let high = numbers.max() else { return "nothing to draw yet" }
    let labels = [NumberFormat.short(high), NumberFormat.short(low)]
    let margin = labels.map(\.count).max() ?? 0
    let (columns, rows) = (max(20, width) - margin - 2, max(3, height))
    var cells = [[Character]](repeating: [Character](repeating: " ", count: columns), count: rows)
    let marks = Array("*o+x#%@&")
    for (curve, values) in curves.enumerated() {
      for (epoch, value) in values.enumerated() where value.isFinite {
        let column = values.count < 2 ? 0 : epoch * (columns - 1) / (values.count - 1)
        // In two steps, since the difference of the largest numbers is infinite.
        let share = high > low ? (value / 2 - low / 2) / (high / 2 - low / 2) : 0
        let row = rows - 1 - Int((share * Double(rows - 1)).rounded())
        cells[min(max(0, row), rows - 1)][column] = marks[curve % marks.count]
      }
    }
    var lines = cells.enumerated().map { row, text in
      let label = row == 0 ? labels[0] : row == rows - 1 ? labels[1] : ""
      return String(repeating: " ", count: margin - label.count) + label + " |" + String(text)
    }
    lines.append(String(repeating: " ", count: margin) + " +" + String(repeating: "-", count: columns))
    let last = "\(epochs.last?.epoch ?? 0)"
    let gap = max(1, columns - 6 - last.count)
    lines.append(
      String(repeating: " ", count: margin + 2) + "epoch " + String(repeating: " ", count: gap) + last)
    lines.append(
      names.enumerated().map { "\(marks[$0.offset % marks.count]) \(PlainText.singleLine($0.element))" }
        .joined(separator: "   "))
    return lines.map { line in
      String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }
}
