import FirnGraph

/// A digest by which stored features are found: 256 bits of SHA-256.
struct FeatureKey: Hashable {
  static let byteCount = 32

  /// The first digits of the digest in the first.
  private let words: SIMD8<UInt32>

  init(_ digest: inout Digest) {
    var words = SIMD8<UInt32>()
    for (place, word) in digest.finishWords().enumerated() { words[place] = word }
    self.words = words
  }

  init(_ bytes: UnsafeRawBufferPointer) {
    var words = SIMD8<UInt32>()
    for place in 0..<8 {
      words[place] = UInt32(
        littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self))
    }
    self.words = words
  }

  /// The same in every process.
  var bytes: [UInt8] {
    (0..<8).flatMap { place in
      (0..<4).map { UInt8(truncatingIfNeeded: words[place] >> UInt32(8 * $0)) }
    }
  }

  /// In hexadecimal.
  var text: String {
    (0..<8).map { place in
      let digits = String(words[place], radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }
}

extension Digest {
  /// Text with its length before it, so that two texts in a row are no other two.
  mutating func add(_ text: String) {
    update("\(text.utf8.count):")
    update(text)
  }

  /// Another digest.
  mutating func add(_ key: FeatureKey) { key.bytes.withUnsafeBytes { update($0) } }

  /// An array's type and elements.
  mutating func add(_ array: NDArray) {
    add(array.type.description)
    array.withUnsafeBytes { update($0) }
  }
}
