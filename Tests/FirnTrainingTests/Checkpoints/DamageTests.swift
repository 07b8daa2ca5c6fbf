import FirnFormats
import FirnGraph
import FirnOps
import FirnRuntime
import Foundation
import Testing

@testable import FirnTraining

/// Checkpoints of which a bit has turned on the disk.
@Suite struct DamageTests {
  private struct Run {
    var model: Chain
    var folder: CheckpointFolder
    var session: Session
    /// By step, all that there was.
    var states: [Int: [String: NDArray]] = [:]

    /// A folder with the checkpoints of steps 1 to `steps`.
    init(_ path: String, steps: Int) throws {
      model = try Chain()
      folder = try CheckpointFolder(path, keepingLast: steps)
      folder.onWarning = { _ in }
      session = try quietSession(model.graph)
      let program = try session.compile(minimizing: model.loss, with: Adam())
      for step in 1...steps {
        try session.run(program, feeding: model.feeds)
        try folder.save(
          session, running: program, step: step, metric: Double(step))
        states[step] = try session.everything()
      }
    }

    func url(_ step: Int) -> URL {
      URL(fileURLWithPath: folder.path + "/step-00000000000\(step).safetensors")
    }
  }

  /// Three hundred single bits: the damaged one is passed over, in words, and never resumed from.
  @Test func flippedBitsResumeNoWrongBits() throws {
    try withFolder { url in
      let run = try Run(url.path, steps: 2)
      let whole = [UInt8](try Data(contentsOf: run.url(2)))
      let header = whole.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      let moments = Philox(seed: 12, name: "bits")
      var passedOver = 0
      for number in 0..<300 {
        // Every second one in the header, which is a small part.
        let range = number % 2 == 0 ? 8 + header : whole.count
        let bit = Int(moments.bits(number)) % (range * 8)
        var damaged = whole
        damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        try Data(damaged).write(to: run.url(2))
        var warnings: [String] = []
        run.folder.onWarning = { warnings.append($0) }
        let checkpoint = try #require(try run.folder.latest())
        let session = try quietSession(run.model.graph)
        let resumption = try checkpoint.resume(in: session)
        _ = try session.compile(minimizing: run.model.loss, with: Adam())
        #expect(try session.everything() == run.states[resumption.step], "bit \(bit)")
        if resumption.step == 1 {
          passedOver += 1
          #expect(warnings.count == 1 && warnings[0].contains("step-000000000002"), "bit \(bit): \(warnings)")
          #expect(warnings.first?.contains("step 1, the one before, is taken") == true)
        } else {
          #expect(warnings.isEmpty, "bit \(bit)")
        }
        let named = Result { try run.folder.checkpoint(ofStep: 2) }
        #expect((try? named.get()) == nil || resumption.step == 2, "bit \(bit)")
      }
      #expect(passedOver > 290, "\(passedOver)")
    }
  }

  @Test func anyStepIsOpenedByItsNumber() throws {
    try withFolder { url in
      let run = try Run(url.path, steps: 3)
      for step in 1...3 {
        let session = try quietSession(run.model.graph)
        try run.folder.checkpoint(ofStep: step).resume(in: session)
        _ = try session.compile(minimizing: run.model.loss, with: Adam())
        #expect(try session.everything() == run.states[step])
      }
      let missing = try error { _ = try run.folder.checkpoint(ofStep: 7) }
      #expect(missing.code == .unknownName && missing.remedy == "it has 1, 2, 3")
    }
  }

  /// Several damaged ones are all named; where none is whole, that is an error with a cause for each.
  @Test func allDamagedOnesAreNamed() throws {
    try withFolder { url in
      let run = try Run(url.path, steps: 3)
      var warnings: [String] = []
      run.folder.onWarning = { warnings.append($0) }
      try Data().write(to: run.url(3))
      try Data(contentsOf: run.url(2)).dropLast(1).write(to: run.url(2))
      #expect(try run.folder.latest()?.step == 1)
      #expect(
        warnings.count == 2 && warnings[0].contains("2.safetensors") != warnings[1].contains("2.safetensors"))
      var last = [UInt8](try Data(contentsOf: run.url(1)))
      last[last.count - 1] ^= 1
      try Data(last).write(to: run.url(1))
      let none = try error { _ = try run.folder.latest() }
      #expect(none.code == .parse && none.causes.count == 3 && none.message.contains("none of the 3"))
      #expect(none.causes[2].message.contains("is not what was written"), "\(none)")
    }
  }

  /// What is of another version, or cannot be read at all, is not damaged: it is said, and no older one taken instead.
  @Test func onlyDamageIsPassedOver() throws {
    try withFolder { url in
      let run = try Run(url.path, steps: 2)
      let record = #"{"version":99}"#
      let metadata = [
        Weights.Metadata(key: CheckpointRecord.key, value: record),
        Weights.Metadata(key: CheckpointRecord.digestKey, value: Checksum.text(of: record)),
      ]
      try Weights(source: "c", entries: [], metadata: metadata).write(to: run.url(2).path)
      let newer = try error { _ = try run.folder.latest() }
      #expect(newer.code == .parse && newer.message.contains("a newer version"), "\(newer)")
      // Of what is damaged nothing is known, its version neither.
      let damaged = [metadata[0], Weights.Metadata(key: CheckpointRecord.digestKey, value: "0")]
      try Weights(source: "c", entries: [], metadata: damaged).write(to: run.url(2).path)
      #expect(try run.folder.latest()?.step == 1)
      try FileManager.default.removeItem(at: run.url(2))
      try FileManager.default.createSymbolicLink(
        at: run.url(2), withDestinationURL: url.appendingPathComponent("nowhere"))
      #expect(try error { _ = try run.folder.latest() }.code == .file)
    }
  }

  /// A damaged one is set aside with the first save of the run that goes on without it.
  @Test func goingOnSetsTheDamagedAside() throws {
    try withFolder { url in
      let run = try Run(url.path, steps: 3)
      var damaged = [UInt8](try Data(contentsOf: run.url(3)))
      damaged[damaged.count - 5] ^= 16
      try Data(damaged).write(to: run.url(3))
      let session = try quietSession(run.model.graph)
      #expect(try run.folder.latest()?.resume(in: session).step == 2)
      let program = try session.compile(minimizing: run.model.loss, with: Adam())
      try run.folder.save(session, running: program, step: 2)
      #expect(try run.folder.steps() == [1, 2] && run.folder.latest()?.step == 2)
      try session.run(program, feeding: run.model.feeds)
      try run.folder.save(session, running: program, step: 3)
      #expect(try session.everything() == run.states[3])
      #expect(try run.folder.checkpoint(ofStep: 3).step == 3)
    }
  }

  /// The specification's own values, and one worked out by the reference for each length.
  @Test func checksumsAreThoseOfTheSpecification() {
    #expect(Checksum.text(of: "") == "ef46db3751d8e999")
    #expect(Checksum.text(of: "abc") == "44bc2cf5ad770999")
    #expect(Checksum.text(of: "Nobody inspects the spammish repetition") == "fbcea83c8a378bf1")
  }

  /// No bit of a short text turns without the digest turning, whatever its length.
  @Test func everyBitCounts() {
    for length in 0..<70 {
      var bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37) }
      let whole = bytes.withUnsafeBytes { Checksum.value(of: $0) }
      for bit in 0..<length * 8 {
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(bytes.withUnsafeBytes { Checksum.value(of: $0) } != whole)
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      }
    }
  }
}
