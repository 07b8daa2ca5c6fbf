import FirnGraph

/// For each row of some columns a digest of what is in it, made when it is first asked for.
final class ExampleDigests {
  private let columns: [(name: String, array: NDArray)]
  private var known: [FeatureKey?]

  init(_ columns: [(name: String, array: NDArray)]) {
    self.columns = columns
    known = Array(repeating: nil, count: columns.first?.array.shape.first ?? 0)
  }

  /// Whether it speaks of the very same columns: nobody can have written to them, for they are held here.
  func isOf(_ others: [(name: String, array: NDArray)]) -> Bool {
    columns.count == others.count
      && zip(columns, others).allSatisfy {
        $0.name == $1.name && $0.array.type == $1.array.type
          && $0.array.sharedStorage === $1.array.sharedStorage
      }
  }

  subscript(example: Int) -> FeatureKey {
    if let key = known[example] { return key }
    var digest = Digest()
    for (name, array) in columns {
      let row = ArrayType(array.dtype, Array(array.shape.dropFirst()))
      digest.add(name)
      digest.add(row.description)
      let size = row.byteCount
      array.withUnsafeBytes { bytes in
        digest.update(UnsafeRawBufferPointer(rebasing: bytes[example * size..<(example + 1) * size]))
      }
    }
    let key = FeatureKey(&digest)
    known[example] = key
    return key
  }
}
