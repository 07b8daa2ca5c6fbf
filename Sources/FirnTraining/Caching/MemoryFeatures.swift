import FirnGraph

/// Features in memory.
final class MemoryFeatures: FeatureStore {
  private let recordSize: Int
  private weak var place: FeaturePlace?
  private let warn: (String) -> Void
  private var isFull = false
  private var numbers: [FeatureKey: Int] = [:]
  /// What was kept at once lies together.
  private var chunks: [Storage] = []
  /// By number, less that of the first, where a record lies.
  private var places: [UnsafeRawPointer] = []
  private var first = 0
  /// Of all records.
  private(set) var byteCount = 0

  /// - Parameters:
  ///   - place: what says how much room there is.
  ///   - warn: is told once why nothing more is stored.
  init(recordSize: Int, in place: FeaturePlace, warn: @escaping (String) -> Void) {
    (self.recordSize, self.place, self.warn) = (recordSize, place, warn)
  }

  // All are of this process, and no kernel changes in it.
  func isDoubtful(_ record: Int) -> Bool { false }

  func trustMaker(of record: Int) {}

  func rejectMaker(of record: Int) {}

  var isSeenByOthers: Bool { false }

  func lookAgain() {}

  func record(of key: FeatureKey) -> Int? { numbers[key] }

  func keep(_ bytes: UnsafeRawBufferPointer, under keys: [FeatureKey]) -> [Int]? {
    guard place?.makeRoom(for: bytes.count, in: self) == true else {
      if !isFull {
        warn("no more features fit into \(place?.limit ?? 0) bytes: what is not stored is computed again")
      }
      isFull = true
      return nil
    }
    let storage = Storage(byteCount: bytes.count)
    if let base = bytes.baseAddress { storage.pointer.copyMemory(from: base, byteCount: bytes.count) }
    chunks.append(storage)
    let made = keys.indices.map { first + places.count + $0 }
    for (key, number) in zip(keys, made) { numbers[key] = number }
    places += keys.indices.map { UnsafeRawPointer(storage.pointer + $0 * recordSize) }
    byteCount += bytes.count
    return made
  }

  func bytes(of records: [Int]) -> [UnsafeRawPointer]? {
    let (places, first) = (places, first)
    var result: [UnsafeRawPointer] = []
    result.reserveCapacity(records.count)
    for record in records {
      // What was discarded has numbers below those of the first that are there.
      guard places.indices.contains(record - first) else { return nil }
      result.append(places[record - first])
    }
    return result
  }

  func read(_ record: Int, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
    guard let source = bytes(of: [record])?.first else { return false }
    if let target = buffer.baseAddress { target.copyMemory(from: source, byteCount: recordSize) }
    return true
  }

  /// Forgets all records, for good; numbers go on, since one that somebody remembers must not be another record's.
  func discard() {
    first += places.count
    (numbers, chunks, places, byteCount) = ([:], [], [], 0)
  }
}
