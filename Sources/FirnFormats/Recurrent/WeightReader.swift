import FirnGraph

/// Takes weights by name, each with the shape it must have, and knows in the end which nobody took.
struct WeightReader {
  /// Where the extent that has to divide evenly is.
  enum Side { case rows, columns }

  var place: (prefix: String, suffix: String) = ("", "")
  private let weights: [String: NDArray]
  private var taken: Set<String> = []
  private var dtype: DType?

  init(_ weights: [String: NDArray]) { self.weights = weights }

  /// A matrix; a nil extent may be any.
  mutating func matrix(
    _ name: String, _ rows: Int?, _ columns: Int?, multipleOf gates: Int = 1, _ side: Side = .columns
  ) throws(FirnError) -> WeightMatrix {
    let array = try take(name)
    let free = side == .rows ? array.shape.first : array.shape.last
    guard array.shape.count == 2, rows ?? array.shape[0] == array.shape[0],
      columns ?? array.shape[1] == array.shape[1], let free, free % gates == 0
    else {
      func text(_ extent: Int?, _ own: Side) -> String {
        extent.map { "\($0)" } ?? (own == side && gates > 1 ? "\(gates)·units" : "…")
      }
      throw mismatch(name, array.shape, "[\(text(rows, .rows)), \(text(columns, .columns))]")
    }
    return WeightMatrix(array)
  }

  mutating func vector(_ name: String, _ count: Int) throws(FirnError) -> WeightMatrix {
    let array = try take(name)
    guard array.shape == [count] else { throw mismatch(name, array.shape, "[\(count)]") }
    return WeightMatrix(array)
  }

  func mismatch(_ name: String, _ shape: [Int], _ wanted: String) -> FirnError {
    FirnError(
      .shapeMismatch, "weight `\(full(name))` is \(Shape(shape)), wanted is \(wanted)",
      remedy: "check the cell, the number of layers and directions, and the layout", place: full(name))
  }

  private func full(_ name: String) -> String { place.prefix + name + place.suffix }

  private mutating func take(_ name: String) throws(FirnError) -> NDArray {
    let name = full(name)
    guard let array = weights[name] else {
      let present = weights.keys.sorted()
      throw FirnError(
        .unknownName, "weight `\(name)` is missing",
        remedy: present.isEmpty ? "no weights are given" : "given are \(present.joined(separator: ", "))",
        place: name)
    }
    taken.insert(name)
    guard array.dtype.isFloatingPoint, dtype == nil || dtype == array.dtype else {
      throw FirnError(
        .typeMismatch, "weight `\(name)` is \(array.dtype)\(dtype.map { ", others are \($0)" } ?? "")",
        remedy: "give all weights in one floating point type", place: name)
    }
    dtype = array.dtype
    return array
  }

  /// - Throws: `.unknownName` for weights nobody took.
  func finish() throws(FirnError) {
    let rest = weights.keys.filter { !taken.contains($0) }.sorted()
    guard let first = rest.first else { return }
    throw FirnError(
      .unknownName, "the network has no weight `\(rest.joined(separator: "`, `"))`",
      remedy: "check the number of layers and directions, peepholes and projection; or leave it out",
      place: first)
  }
}
