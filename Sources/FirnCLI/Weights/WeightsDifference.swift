internal import FirnFiles
internal import FirnFormats
internal import FirnGraph

/// What differs between two files of weights, in the order of the first, then of the second.
struct WeightsDifference: Codable, Hashable, Sendable {
  enum Change: String, Codable, Hashable, Sendable {
    /// Only in the first file.
    case missing
    /// Only in the second.
    case added
    case shape
    /// Another stored type; the values are compared all the same.
    case dtype
    case value
  }

  struct Row: Codable, Hashable, Sendable {
    var name: String
    var change: Change
    /// The type in each file; nil where it is not there.
    var before: String?
    var after: String?
    /// The largest distance of two elements; nil where they cannot be compared, `infinity` where one alone is no
    /// number.
    var largest: Double?
    /// That, by the largest magnitude in the first file.
    var relative: Double?
  }

  var rows: [Row] = []
  /// Tensors of which every bit is the same.
  var identical = 0
  /// Tensors of one type that differ by no more than is tolerated.
  var tolerated = 0

  init(_ first: Weights, _ second: Weights, tolerance: Double) throws(FirnError) {
    let progress = WeightFile.progress("comparing", over: first.entries)
    for entry in first.entries {
      if let other = second[entry.name] {
        try compare(entry, other, tolerance: tolerance)
      } else {
        rows.append(Row(name: entry.name, change: .missing, before: WeightFile.type(of: entry)))
      }
      progress(entry)
    }
    for entry in second.entries where first[entry.name] == nil {
      rows.append(Row(name: entry.name, change: .added, after: WeightFile.type(of: entry)))
    }
  }

  private mutating func compare(
    _ entry: WeightEntry, _ other: WeightEntry, tolerance: Double
  ) throws(FirnError) {
    var row = Row(
      name: entry.name, change: .shape, before: WeightFile.type(of: entry), after: WeightFile.type(of: other))
    guard entry.shape == other.shape else { return rows.append(row) }
    let (a, b) = (try entry.storedBytes(), try other.storedBytes())
    if entry.storedType == other.storedType {
      if a.withUnsafeBytes({ a in b.withUnsafeBytes { a.elementsEqual($0) } }) {
        identical += 1
        return
      }
      row.change = .value
    } else {
      row.change = .dtype
    }
    if entry.storedType.dtype != nil, other.storedType.dtype != nil {
      let distance = Self.distance(a, entry.storedType, b, other.storedType)
      (row.largest, row.relative) = (distance.largest, distance.relative)
      if row.change == .value, distance.largest <= tolerance {
        tolerated += 1
        return
      }
    }
    rows.append(row)
  }

  private static func distance(
    _ a: Bytes, _ aType: StoredType, _ b: Bytes, _ bType: StoredType
  ) -> (largest: Double, relative: Double?) {
    var values: [Double] = []
    var magnitude = 0.0
    a.forEachNumber(aType) { _, value in
      values.append(value)
      if value.isFinite { magnitude = max(magnitude, value.magnitude) }
    }
    var largest = 0.0
    b.forEachNumber(bType) { position, value in
      let old = values[position]
      if old == value || old.isNaN && value.isNaN { return }
      let distance = (value - old).magnitude
      largest = max(largest, distance.isNaN ? .infinity : distance)
    }
    return (largest, magnitude > 0 ? largest / magnitude : nil)
  }
}
