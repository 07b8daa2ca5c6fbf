package import FirnGraph
package import FirnRuntime
import FirnWorlds

/// The batches of a measurement: in a world shared out among its members, batch b to the one of rank b mod n, and what
/// each made of its own handed to all.
///
/// So what is measured is added up in the order of batches, whoever ran them.
package final class MeasuredBatches {
  /// What a program made of a batch, and the batch's examples.
  package typealias Made = (arrays: [NDArray], count: Int)

  private let session: Session
  private let nextRound: () throws(FirnError) -> (own: Batch?, count: Int)

  /// Batches of the first epoch of a source.
  package init(_ source: any BatchSource, in session: Session) throws(FirnError) {
    self.session = session
    let (rank, members) = (session.world.rank, session.world.size)
    guard members > 1, let data = source as? DataBatches else {
      let batches = try source.batches(ofEpoch: 0, from: 0)
      nextRound = { () throws(FirnError) in
        var (own, count) = (Batch?.none, 0)
        while count < members, let batch = try batches.next() {
          if count == rank { own = batch }
          count += 1
        }
        return (own, count)
      }
      return
    }
    // Rows of batches that others run are not copied.
    let own = data.everyBatch(members, from: rank)
    var left = data.batchCount(ofEpoch: 0) ?? 0
    nextRound = { () throws(FirnError) in
      let count = min(members, left)
      left -= count
      return (try own.next(), count)
    }
  }

  /// What all members made of one batch each, in the order of batches; nil where there are no more.
  ///
  /// - Parameter run: runs a batch.
  package func next(running run: (Batch) throws(FirnError) -> [NDArray]) throws(FirnError) -> [Made]? {
    let (own, count) = try nextRound()
    guard count > 0 else { return nil }
    guard session.world.size > 1 else {
      guard let own else { return nil }
      try own.requireExamples()
      return [(try run(own), own.count)]
    }
    var bytes: [UInt8] = []
    if let own {
      do throws(FirnError) {
        try own.requireExamples()
        bytes = ArrayBytes.written(try run(own), own.count)
      } catch {
        // The others wait for it.
        throw session.told(error)
      }
    }
    return try session.collecting(bytes).prefix(count).map { bytes throws(FirnError) in
      guard let made = ArrayBytes.read(bytes) else { firnBug("evaluation", "a member sent no arrays") }
      return made
    }
  }
}

/// Arrays as bytes, for members of a world that run the same build.
enum ArrayBytes {
  static func written(_ arrays: [NDArray], _ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    func add(_ number: Int) { withUnsafeBytes(of: Int64(number).littleEndian) { bytes += $0 } }
    add(count)
    add(arrays.count)
    for array in arrays {
      add(DType.allCases.firstIndex(of: array.dtype) ?? 0)
      add(array.shape.count)
      array.shape.forEach(add)
      array.withUnsafeBytes { bytes += $0 }
    }
    return bytes
  }

  /// Nil where they are none of ``written(_:_:)``.
  static func read(_ bytes: [UInt8]) -> (arrays: [NDArray], count: Int)? {
    var place = 0
    func number() -> Int? {
      guard bytes.count - place >= 8 else { return nil }
      defer { place += 8 }
      return bytes.withUnsafeBytes {
        Int(Int64(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: Int64.self)))
      }
    }
    guard let count = number(), let arrays = number(), arrays >= 0 else { return nil }
    var read: [NDArray] = []
    for _ in 0..<arrays {
      guard let dtype = number(), DType.allCases.indices.contains(dtype), let rank = number(), rank >= 0
      else {
        return nil
      }
      var shape: [Int] = []
      for _ in 0..<rank {
        guard let extent = number(), extent >= 0 else { return nil }
        shape.append(extent)
      }
      let type = ArrayType(DType.allCases[dtype], shape)
      let size = type.byteCount
      guard bytes.count - place >= size else { return nil }
      read.append(bytes.withUnsafeBytes { NDArray(type, copying: $0, from: place) })
      place += size
    }
    return place == bytes.count ? (read, count) : nil
  }
}

extension NDArray {
  fileprivate init(_ type: ArrayType, copying bytes: UnsafeRawBufferPointer, from place: Int) {
    let storage = Storage(byteCount: type.byteCount)
    if let start = bytes.baseAddress, type.byteCount > 0 {
      storage.pointer.copyMemory(from: start + place, byteCount: type.byteCount)
    }
    self.init(type, in: storage)
  }
}
