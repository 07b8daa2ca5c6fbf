internal import FirnFiles
import FirnGraph

extension WeightEntry {
  /// Under another name; nothing is read.
  func renamed(_ name: String) -> WeightEntry {
    let source = self
    return WeightEntry(
      name: name, storedType: storedType, shape: shape, storage: storage, requiresGradient: requiresGradient,
      readStored: { () throws(FirnError) in try source.storedBytes() }
    ) { () throws(FirnError) in try source.array() }
  }

  /// Integers of 32 bits as ones of 64, which counts in PyTorch are; others as they are.
  var widened: WeightEntry {
    guard storedType == .i32 else { return self }
    let source = self
    return WeightEntry(
      name: name, storedType: .i64, shape: shape,
      readStored: { () throws(FirnError) in
        let result = Storage(byteCount: source.shape.elementCount * 8)
        try source.storedBytes().forEachNumber(.i32) { position, value in
          result.pointer.storeBytes(of: Int64(value).littleEndian, toByteOffset: position * 8, as: Int64.self)
        }
        return Bytes(result)
      }
    ) { () throws(FirnError) in try source.array() }
  }

  /// Under another name, and as a transform makes it when it is read; the stored type stays where elements only move.
  ///
  /// - Throws: `.shapeMismatch` where the transform does not apply, `.typeMismatch` where it computes and there are no
  ///   floating point numbers.
  func moved(to name: String, by transform: WeightTransform) throws(FirnError) -> WeightEntry {
    if transform.isNone { return renamed(name) }
    if let dtype = storedType.dtype { try transform.requireType(dtype) }
    let (source, shape) = (self, try transform.shape(of: shape))
    let read = { @Sendable () throws(FirnError) in try transform(source.array()) }
    guard transform.isMove else {
      return WeightEntry(
        name: name, storedType: storedType.dtype.map(StoredType.init) ?? storedType, shape: shape, read: read)
    }
    return WeightEntry(
      name: name, storedType: storedType, shape: shape, storage: storage, requiresGradient: requiresGradient,
      readStored: { () throws(FirnError) in try source.storedBytes(movedBy: transform, to: shape) },
      read: read)
  }

  /// The stored elements, each where the transform puts it: it is asked to move their numbers.
  private func storedBytes(movedBy transform: WeightTransform, to target: [Int]) throws(FirnError) -> Bytes {
    let count = shape.elementCount
    guard let last = Int32(exactly: count), storedType.bitCount % 8 == 0 else {
      throw FirnError(
        .invalidArgument,
        "`\(name)` (\(storedType.rawValue), \(count) elements) cannot be put in another order",
        remedy: "give a map that only changes its name", place: name)
    }
    var numbers = try NDArray(zeros: shape, dtype: .i32)
    numbers.withUnsafeMutableBytes { raw in
      let numbers = raw.assumingMemoryBound(to: Int32.self)
      for number in 0..<last { numbers[Int(number)] = number }
    }
    let size = storedType.bitCount / 8
    let (moved, bytes) = (try transform(numbers), try storedBytes())
    let result = Storage(byteCount: target.elementCount * size)
    moved.withUnsafeBytes { moved in
      let moved = moved.assumingMemoryBound(to: Int32.self)
      bytes.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress else { return }
        for (position, number) in moved.enumerated() {
          (result.pointer + position * size).copyMemory(from: start + Int(number) * size, byteCount: size)
        }
      }
    }
    return Bytes(result)
  }
}
