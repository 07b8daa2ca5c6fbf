import FirnGraph

/// Features in memory.
final class MemoryFeatures: FeatureStore {
  private let recordSize: Int
  private weak var place: FeaturePlace?
  private let warn: (String) -> Void
  private var isFull = false
  private var numbers: [FeatureKey: Int] = [:]
  /// What was kept at once lies together.
  private var chunks: [(first: Int, storage: Storage)] = []
  private var count = 0
  /// Of all records.
  private(set) var byteCount = 0

  /// - Parameters:
  ///   - place: what says how much room there is.
  ///   - warn: is told once why nothing more is stored.
  init(recordSize: Int, in place: FeaturePlace, warn: @escaping (String) -> Void) {
    (self.recordSize, self.place, self.warn) = (recordSize, place, warn)
  }

  // Of this process, and no kernel changes in it.
  var isInherited: Bool { false }

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
    chunks.append((count, storage))
    let made = keys.indices.map { count + $0 }
    for (key, number) in zip(keys, made) { numbers[key] = number }
    count += keys.count
    byteCount += bytes.count
    return made
  }

  func read(_ record: Int, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
    // What was discarded has numbers below those of the first that are there.
    guard let least = chunks.first?.first, (least..<count).contains(record) else { return false }
    guard let target = buffer.baseAddress else { return true }
    // The last chunk that begins at or before it.
    var (low, high) = (0, chunks.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if chunks[middle].first <= record { low = middle } else { high = middle - 1 }
    }
    let (first, storage) = chunks[low]
    target.copyMemory(from: storage.pointer + (record - first) * recordSize, byteCount: recordSize)
    return true
  }

  // Numbers go on: one that somebody remembers must not be another record's.
  func discard() { (numbers, chunks, byteCount) = ([:], [], 0) }
}
