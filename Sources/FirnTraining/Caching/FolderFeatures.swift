import FirnFiles
import FirnGraph
internal import Foundation

/// Features in the files of a folder.
///
/// Every process adds to a file of its own and reads those that were there when it began, or when it looks again, so
/// any number may use one folder. A file is a header (magic, key of the group, bytes of a record) and records: the
/// example's key, its features, and a checksum of both. A record counts if it is whole and its checksum right, which
/// is looked at whenever it is read: a process that is killed, a disk that is full or bytes that turn over cost the
/// work of computing it again.
final class FolderFeatures: FeatureStore {
  private static let magic: [UInt8] = Array("FIRNFEA1".utf8)
  private static let checksumSize = 8

  private let folder: String
  private let group: FeatureKey
  private let recordSize: Int
  private let warn: (String) -> Void
  private var numbers: [FeatureKey: Int] = [:]
  private var places: [(file: RecordFile, offset: Int)] = []
  /// Files of others, each with how far its records are taken in.
  private var inherited: [(file: RecordFile, end: Int)] = []
  /// Those of them that have records, of which none was held against one that is computed here.
  private var doubtful: [RecordFile] = []
  /// The paths of those that are not to be looked at again, should they still be there.
  private var rejected: Set<String> = []
  /// The file of this process, made when there is something to write.
  private var own: RecordFile?
  private var isFull = false
  private var buffer: [UInt8]

  /// - Parameter warn: is told once why nothing more is stored.
  init(_ folder: String, group: FeatureKey, recordSize: Int, warn: @escaping (String) -> Void) {
    self.folder = folder
    self.group = group
    self.recordSize = recordSize
    self.warn = warn
    buffer = Array(repeating: 0, count: FeatureKey.byteCount + recordSize + Self.checksumSize)
    lookAgain()
  }

  var isSeenByOthers: Bool { true }

  func lookAgain() {
    for index in inherited.indices {
      inherited[index].file.follow()
      read(&inherited[index])
    }
    let known = rejected.union(inherited.map(\.file.path) + [own?.path].compactMap { $0 })
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    for name in names where name.hasSuffix(Self.suffix) && !known.contains(folder + "/" + name) {
      var head = header
      guard let file = RecordFile(reading: folder + "/" + name),
        head.withUnsafeMutableBytes({ file.read(at: 0, into: $0) }), head == header
      else { continue }
      inherited.append((file, head.count))
      read(&inherited[inherited.count - 1])
    }
  }

  private static let suffix = ".features"

  private var header: [UInt8] {
    Self.magic + group.bytes + withUnsafeBytes(of: UInt64(recordSize).littleEndian, Array.init)
  }

  // A process has one version of the kernels for all that it writes, and one file.

  func isDoubtful(_ record: Int) -> Bool { doubtful.contains { $0 === places[record].file } }

  func trustMaker(of record: Int) { doubtful.removeAll { $0 === places[record].file } }

  func rejectMaker(of record: Int) {
    let file = places[record].file
    try? FileManager.default.removeItem(atPath: file.path)
    rejected.insert(file.path)
    doubtful.removeAll { $0 === file }
    inherited.removeAll { $0.file === file }
    numbers = numbers.filter { places[$0.value].file !== file }
  }

  /// Takes in the keys of a file's whole records that are new.
  private func read(_ inherited: inout (file: RecordFile, end: Int)) {
    let (file, size, first) = (inherited.file, buffer.count, header.count)
    var key = [UInt8](repeating: 0, count: FeatureKey.byteCount)
    while inherited.end <= file.byteCount - size {
      let offset = inherited.end
      guard key.withUnsafeMutableBytes({ file.read(at: offset, into: $0) }) else { return }
      let found = key.withUnsafeBytes { FeatureKey($0) }
      if offset == first { doubtful.append(file) }
      numbers[found] = places.count
      places.append((file, offset))
      inherited.end += size
    }
  }

  func record(of key: FeatureKey) -> Int? { numbers[key] }

  func keep(_ bytes: UnsafeRawBufferPointer, under keys: [FeatureKey]) -> [Int]? {
    if isFull || keys.isEmpty { return nil }
    do throws(FirnError) {
      let file = try ownFile()
      var records: [UInt8] = []
      records.reserveCapacity(keys.count * buffer.count)
      for (place, key) in keys.enumerated() {
        let start = records.count
        records += key.bytes
        records += UnsafeRawBufferPointer(rebasing: bytes[place * recordSize..<(place + 1) * recordSize])
        let checksum = records[start...].withUnsafeBytes(Checksum.value)
        withUnsafeBytes(of: checksum.littleEndian) { records += $0 }
      }
      let offset = file.byteCount
      try Self.append(records, to: file)
      for (place, key) in keys.enumerated() {
        numbers[key] = places.count
        places.append((file, offset + place * buffer.count))
      }
      // Equal examples have one record: the last, by which they are known.
      return keys.compactMap { numbers[$0] }
    } catch {
      isFull = true
      warn("no more features are stored, so what is not yet is computed in every epoch: \(error.message)")
      return nil
    }
  }

  private func ownFile() throws(FirnError) -> RecordFile {
    if let own { return own }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw FirnError(
        .file, "cannot make the folder '\(folder)': \(FileReason.words(error, making: folder))",
        remedy: "choose another place, or allow writing")
    }
    let number = String(UInt64.random(in: .min ... .max), radix: 16)
    let file = try RecordFile(
      creating: "\(folder)/\(ProcessInfo.processInfo.processIdentifier)-\(number)\(Self.suffix)")
    try Self.append(header, to: file)
    own = file
    return file
  }

  /// `withUnsafeBytes` forgets the type of what its body throws.
  private static func append(_ bytes: [UInt8], to file: RecordFile) throws(FirnError) {
    let fault = bytes.withUnsafeBytes { bytes -> FirnError? in
      do throws(FirnError) {
        try file.append(bytes)
        return nil
      } catch { return error }
    }
    if let fault { throw fault }
  }

  // What is read may have changed since: its checksum is looked at each time.
  func bytes(of records: [Int]) -> [UnsafeRawPointer]? { nil }

  func read(_ record: Int, into target: UnsafeMutableRawBufferPointer) -> Bool {
    let (file, offset) = places[record]
    guard buffer.withUnsafeMutableBytes({ file.read(at: offset, into: $0) }) else { return false }
    let size = buffer.count - Self.checksumSize
    return buffer.withUnsafeBytes { bytes in
      let stored = bytes.loadUnaligned(fromByteOffset: size, as: UInt64.self)
      let content = UnsafeRawBufferPointer(rebasing: bytes[..<size])
      // Found by its key when the file was opened; that may have changed since.
      guard UInt64(littleEndian: stored) == Checksum.value(of: content),
        numbers[FeatureKey(content)] == record
      else { return false }
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: content[FeatureKey.byteCount...]))
      return true
    }
  }
}
