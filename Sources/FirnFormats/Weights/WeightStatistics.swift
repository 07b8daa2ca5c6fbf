import FirnFiles
package import FirnGraph

/// What can be said of a tensor's numbers at a glance; least, greatest, mean and deviation are those of the finite
/// ones.
package struct WeightStatistics: Hashable, Sendable, Codable {
  /// Nil, as the next three, where no number is finite.
  package private(set) var least: Double?
  package private(set) var greatest: Double?
  package private(set) var mean: Double?
  /// The root of the mean squared distance from the mean.
  package private(set) var deviation: Double?
  package private(set) var zeros = 0
  package private(set) var notANumber = 0
  package private(set) var infinite = 0

  /// - Returns: nil for types Firn does not compute with.
  /// - Throws: where the file turns out to be damaged.
  /// - Complexity: two passes over the elements.
  package init?(_ entry: WeightEntry) throws(FirnError) {
    guard entry.storedType.dtype != nil else { return nil }
    let bytes = try entry.storedBytes()
    var (least, greatest, sum, count) = (Double.infinity, -Double.infinity, 0.0, 0)
    bytes.forEachNumber(entry.storedType) { _, value in
      guard value.isFinite else {
        if value.isNaN { notANumber += 1 } else { infinite += 1 }
        return
      }
      count += 1
      sum += value
      least = min(least, value)
      greatest = max(greatest, value)
      if value == 0 { zeros += 1 }
    }
    guard count > 0 else { return }
    (self.least, self.greatest) = (least, greatest)
    let mean = sum / Double(count)
    let squares = Self.squares(of: bytes, entry.storedType, around: mean, unit: 1)
    if mean.isFinite, squares.isFinite {
      self.mean = mean
      deviation = (squares / Double(count)).squareRoot()
      return
    }
    // Of numbers near the end of what there is, sums are formed in a unit of their size, which changes no bit of them.
    let largest = max(least.magnitude, greatest.magnitude)
    let unit = Double(sign: .plus, exponent: Int(largest.exponent), significand: 1)
    var scaled = 0.0
    bytes.forEachNumber(entry.storedType) { _, value in if value.isFinite { scaled += value / unit } }
    scaled /= Double(count)
    self.mean = scaled * unit
    deviation =
      (Self.squares(of: bytes, entry.storedType, around: scaled, unit: unit) / Double(count)).squareRoot()
      * unit
  }

  /// The sum of squared distances from the mean, both in `unit`.
  private static func squares(of bytes: Bytes, _ type: StoredType, around mean: Double, unit: Double)
    -> Double
  {
    var squares = 0.0
    bytes.forEachNumber(type) { _, value in
      if value.isFinite { squares += (value / unit - mean) * (value / unit - mean) }
    }
    return squares
  }
}
