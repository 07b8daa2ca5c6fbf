extension NDArray: CustomStringConvertible, CustomDebugStringConvertible {
  /// As NumPy prints it: `[[1.  2.5] [3.  4. ]]` on two lines; at most eight digits behind the point, lines of at most 75
  /// characters, and of more than 1,000 elements the first and last three along each axis.
  public var description: String {
    if shape.isEmpty { return ElementText.scalar(number(at: 0), dtype) }
    if elementCount == 0 { return "[]" }
    return ArrayText(self).text
  }

  /// On one line: type and the first eight elements.
  public var debugDescription: String { summary }

  /// On one line: type and the first eight elements.
  package var summary: String {
    let shown = (0..<Swift.min(elementCount, 8)).map { index in
      switch dtype {
      case .f32: "\(Float(number(at: index)))"
      case .f64: "\(number(at: index))"
      case .i32: "\(Int(number(at: index)))"
      case .bool: number(at: index) == 0 ? "false" : "true"
      }
    }
    return "\(type) (" + shown.joined(separator: ", ") + (elementCount > 8 ? ", …)" : ")")
  }
}

/// The elements in brackets, wrapped and summarised as NumPy does by default.
private struct ArrayText {
  private static let edge = 3
  private let array: NDArray
  private let strides: [Int]
  private let isSummarized: Bool
  private let format: ElementText

  init(_ array: NDArray) {
    self.array = array
    strides = array.shape.rowMajorStrides
    isSummarized = array.elementCount > 1000
    var shown = [0]
    for (axis, extent) in array.shape.enumerated() {
      let indices = Self.indices(extent, isSummarized: isSummarized).compactMap(\.self)
      shown = shown.flatMap { start in indices.map { start + $0 * array.shape.rowMajorStrides[axis] } }
    }
    format = ElementText(shown.map(array.number(at:)), array.dtype)
  }

  var text: String { text(axis: 0, offset: 0, indent: 1, width: 75) }

  /// Which indices of an axis are shown; nil stands for those left out.
  private static func indices(_ extent: Int, isSummarized: Bool) -> [Int?] {
    guard isSummarized, extent > 2 * edge else { return Array(0..<extent) }
    return Array(0..<edge) + [nil] + Array(extent - edge..<extent)
  }

  /// - Parameters:
  ///   - indent: the column that elements or rows begin at.
  ///   - width: what a line may hold, closing brackets of the axes around apart.
  private func text(axis: Int, offset: Int, indent: Int, width: Int) -> String {
    let indices = Self.indices(array.shape[axis], isSummarized: isSummarized)
    if axis < array.shape.count - 1 {
      let parts = indices.map { index in
        index.map {
          text(axis: axis + 1, offset: offset + $0 * strides[axis], indent: indent + 1, width: width - 1)
        }
          ?? "..."
      }
      let gap =
        String(repeating: "\n", count: array.shape.count - 1 - axis) + String(repeating: " ", count: indent)
      return "[" + parts.joined(separator: gap) + "]"
    }
    let words = indices.map { $0.map { format(array.number(at: offset + $0)) } ?? "..." }
    var lines: [String] = []
    var line = String(repeating: " ", count: indent)
    for (place, word) in words.enumerated() {
      if line.count + word.count > width - 1, line.count > indent {
        lines.append(line.trimmingEnd)
        line = String(repeating: " ", count: indent)
      }
      line += word + (place < words.count - 1 ? " " : "")
    }
    lines.append(line)
    return "[" + lines.joined(separator: "\n").dropFirst(indent) + "]"
  }
}

extension String {
  fileprivate var trimmingEnd: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
