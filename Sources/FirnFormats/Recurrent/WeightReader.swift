import FirnGraph

/// Takes weights by name, each with the shape it must have, and knows in the end which nobody took.
///
/// One that allows gaps yields nil for a weight that is missing or faulty, and goes on.
struct WeightReader {
  /// Where the extent that has to divide evenly is.
  enum Side { case rows, columns }

  var place: (prefix: String, suffix: String) = ("", "")
  /// Those asked for and not there, where gaps are allowed.
  private(set) var missing: [String] = []
  /// Those that are not what they should be, where gaps are allowed.
  private(set) var faults: [(name: String, error: FirnError)] = []
  private let weights: [String: NDArray]
  private let allowsGaps: Bool
  private var taken: Set<String> = []
  private var dtype: DType?

  init(_ weights: [String: NDArray], allowingGaps allowsGaps: Bool = false) {
    self.weights = weights
    self.allowsGaps = allowsGaps
  }

  /// A matrix; a nil extent may be any.
  mutating func matrix(
    _ name: String, _ rows: Int?, _ columns: Int?, multipleOf gates: Int = 1, _ side: Side = .columns
  ) throws(FirnError) -> WeightMatrix? {
    guard let array = try take(name) else { return nil }
    let free = side == .rows ? array.shape.first : array.shape.last
    guard array.shape.count == 2, rows ?? array.shape[0] == array.shape[0],
      columns ?? array.shape[1] == array.shape[1], let free, free % gates == 0
    else {
      func text(_ extent: Int?, _ own: Side) -> String {
        extent.map { "\($0)" } ?? (own == side && gates > 1 ? "\(gates)·units" : "…")
      }
      return try refuse(
        name, mismatch(name, array.shape, "[\(text(rows, .rows)), \(text(columns, .columns))]"))
    }
    return WeightMatrix(array, named: full(name))
  }

  /// The shape of one, whoever takes it.
  func shape(_ name: String) -> [Int]? { weights[full(name)]?.shape }

  /// A vector; a nil count may be any.
  mutating func vector(_ name: String, _ count: Int?) throws(FirnError) -> WeightMatrix? {
    guard let array = try take(name) else { return nil }
    guard array.shape.count == 1, count ?? array.shape[0] == array.shape[0] else {
      return try refuse(name, mismatch(name, array.shape, "[\(count.map { "\($0)" } ?? "…")]"))
    }
    return WeightMatrix(array, named: full(name))
  }

  func mismatch(_ name: String, _ shape: [Int], _ wanted: String) -> FirnError {
    FirnError(
      .shapeMismatch, "weight `\(full(name))` is \(Shape(shape)), wanted is \(wanted)",
      remedy: "check the cell, the number of layers and directions, and the layout", place: full(name))
  }

  /// Puts a fault on record where gaps are allowed.
  @discardableResult
  mutating func refuse(_ name: String, _ error: FirnError) throws(FirnError) -> WeightMatrix? {
    guard allowsGaps else { throw error }
    faults.append((full(name), error))
    return nil
  }

  private func full(_ name: String) -> String { place.prefix + name + place.suffix }

  private mutating func take(_ leaf: String) throws(FirnError) -> NDArray? {
    let name = full(leaf)
    guard let array = weights[name] else {
      if allowsGaps {
        missing.append(name)
        return nil
      }
      let present = weights.keys.sorted()
      throw FirnError(
        .unknownName, "weight `\(name)` is missing",
        remedy: present.isEmpty ? "no weights are given" : "given are \(present.joined(separator: ", "))",
        place: name)
    }
    taken.insert(name)
    guard array.dtype.isFloatingPoint, dtype == nil || dtype == array.dtype else {
      try refuse(
        leaf,
        FirnError(
          .typeMismatch, "weight `\(name)` is \(array.dtype)\(dtype.map { ", others are \($0)" } ?? "")",
          remedy: "give all weights in one floating point type", place: name))
      return nil
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
      remedy: "check the number of layers and directions, biases, peepholes and projection; or leave it out",
      place: first)
  }
}
