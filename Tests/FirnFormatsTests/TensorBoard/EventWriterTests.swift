import FirnGraph
import FirnOps
import Foundation
import Testing

@testable import FirnFormats

/// Event files, byte by byte: `Fixtures/events.py` puts the stored one together from the formats alone, and
/// `.ci/tensorboard` asks the real TensorBoard for what it holds.
@Suite struct EventWriterTests {
  private static let stored = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/tensorboard/events.out.tfevents.0.firn")

  private func folder() throws -> URL {
    let url = FileManager.default.temporaryDirectory.appending(path: "firn-events-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
  }

  private var model: GraphDef {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 2])
    let h = graph.scope("encoder", trainable: false) { matmul(x, graph.variable("kernel", shape: [2, 3])) }
    _ = graph.scope("head") { matmul(tanh(h), graph.variable("kernel", shape: [3, 1])) }
    return graph.definition
  }

  private func write(_ events: EventWriter) throws {
    for (step, loss) in [2.5, 1.25, 0.5].enumerated() { try events.write("loss", loss, step: step) }
    try events.write(["validation/loss": .nan, "validation/accuracy": 0.5], step: 2)
    try events.write(histogram: "weights", NDArray([-1.0, 0, 0.5, 2, .infinity]), step: 2)
    try events.write(graph: model)
  }

  @Test func bytesAreThoseThatTensorBoardReads() throws {
    let place = try folder().appending(path: "events")
    let events = try EventWriter(creating: place.path) { 0 }
    try write(events)
    let bytes = try Data(contentsOf: place)
    #expect(try bytes == Data(contentsOf: Self.stored))
  }

  /// Length, its masked checksum, bytes and theirs; the numbers are TensorFlow's for this record.
  @Test func recordsAreFramed() throws {
    let record = EventWriter.record(Array("firn".utf8))
    #expect(record.count == 8 + 4 + 4 + 4)
    #expect(Array(record[..<8]) == [4, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(record[12..<16]) == Array("firn".utf8))
    // CRC-32C of "123456789" is 0xE3069283.
    let check = Array("123456789".utf8).withUnsafeBytes { CyclicRedundancyCheck.castagnoli.checksum($0) }
    #expect(check == 0xE306_9283)
    for (range, part) in [(0..<8, 8..<12), (12..<16, 16..<20)] {
      let sum = Array(record[range]).withUnsafeBytes { CyclicRedundancyCheck.castagnoli.checksum($0) }
      let masked = CyclicRedundancyCheck.masked(sum)
      #expect(
        record[part].enumerated().reduce(UInt32(0)) { $0 | UInt32($1.element) << (8 * UInt32($1.offset)) }
          == masked)
    }
  }

  @Test func eachWriterHasAFileOfItsOwn() throws {
    let place = try folder().appending(path: "runs/first").path
    let (one, two) = (try EventWriter(place), try EventWriter(place))
    #expect(one.path != two.path)
    #expect(one.path.contains("events.out.tfevents."))
    // What a call wrote is there when it returns.
    let before = try Data(contentsOf: URL(filePath: one.path)).count
    try one.write("loss", 1, step: 0)
    #expect(try Data(contentsOf: URL(filePath: one.path)).count > before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: place).count == 2)
  }

  @Test func bucketsHoldEachValueOnce() {
    let values = [-3.0, -1e-13, 0, 1e-13, 0.25, 0.25, 1e300, .nan, -.infinity]
    let histogram = Histogram(of: values)
    #expect(histogram.count == 7 && histogram.notFinite == 2)
    #expect(histogram.buckets.map(\.count).reduce(0, +) == 7)
    #expect(histogram.minimum == -3 && histogram.maximum == 1e300)
    let limits = histogram.buckets.map(\.limit)
    #expect(zip(limits, limits.dropFirst()).allSatisfy { $0 < $1 })
    // Each value lies below the limit of its bucket and not below the one before.
    let quarter = histogram.buckets.firstIndex { $0.limit > 0.25 } ?? 0
    #expect(histogram.buckets[quarter].count == 2 && histogram.buckets[quarter].limit < 0.25 * 1.1 + 1e-12)
    #expect(Histogram(of: []).buckets.isEmpty)
  }

  /// A disk that is full for a while: what did not go in whole is taken away, so what comes later can be read.
  @Test func failedWritesLeaveWholeEvents() throws {
    let place = try folder()
    let process = try OpeningProcess(under: "trap '' XFSZ; ulimit -f 8")
    let outcome = try process.open("events \(place.path)").outcome
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: place.path).first)
    let bytes = Array(try Data(contentsOf: place.appending(path: name)))
    var records: [[UInt8]] = []
    var rest = bytes[...]
    while rest.count >= 16 {
      let count = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      let record = Array(rest.dropFirst(12).prefix(count))
      try #require(Array(rest.prefix(16 + count)) == EventWriter.record(record))
      records.append(record)
      rest = rest.dropFirst(16 + count)
    }
    // Before the first stands the format's version.
    #expect(rest.isEmpty && outcome == "accepted \(records.count - 1)" && records.count > 3)
    #expect(records.last?.count ?? 0 < 100)
  }

  @Test func faultyEventsAreRefused() throws {
    let place = try folder()
    let events = try EventWriter(place.path)
    let size = try Data(contentsOf: URL(filePath: events.path)).count
    #expect(throws: FirnError.self) { try events.write("", 1, step: 0) }
    #expect(throws: FirnError.self) { try events.write("loss", 1, step: -1) }
    #expect(throws: FirnError.self) { try events.write(histogram: "w", NDArray([1.0]), step: -1) }
    #expect(try Data(contentsOf: URL(filePath: events.path)).count == size)
    try Data().write(to: place.appending(path: "file"))
    let refused = #expect(throws: FirnError.self) {
      try EventWriter(place.appending(path: "file/below").path)
    }
    #expect(refused?.code == .file)
  }
}
