import FirnFiles
import FirnGraph
import Testing

@testable import FirnFormats

@Suite struct CheckedMemberTests {
  /// A zip file of one deflated member, ten times `a`.
  private func archive() throws -> ZipArchive {
    let file = FileParts.zip(
      [("a", WeightFixtures.bytes("4b4c840100"))], unpacked: ["a": Array("aaaaaaaaaa".utf8)])
    return try ZipArchive(Bytes(copying: file), fault: FileFault("file"))
  }

  @Test func sharedMembersAreUnpackedOnce() throws {
    let archive = try archive()
    let entry = try #require(archive["a"])
    let shared = CheckedMember(entry, of: archive, isKept: true)
    let first = try shared.contents()
    #expect(first.withUnsafeBytes { Array($0) } == Array("aaaaaaaaaa".utf8))
    #expect(try shared.contents().storage.pointer == first.storage.pointer)
    let own = CheckedMember(entry, of: archive, isKept: false)
    let other = try own.contents()
    #expect(try own.contents().storage.pointer != other.storage.pointer)
  }

  @Test func damageIsToldToAllWhoAsk() throws {
    var file = FileParts.zip([("a", [1, 2, 3])])
    file[31] = 9
    let archive = try ZipArchive(Bytes(copying: file), fault: FileFault("file"))
    let shared = CheckedMember(try #require(archive["a"]), of: archive, isKept: true)
    for _ in 0..<2 { #expect(throws: FirnError.self) { try shared.contents() } }
  }
}
