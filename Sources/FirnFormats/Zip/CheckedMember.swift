internal import FirnFiles
internal import FirnGraph
internal import Synchronization

/// A zip file's member whose bytes are unpacked and checked once, however many ask for them.
final class CheckedMember: Sendable {
  private let member: ZipArchive.Entry
  private let archive: ZipArchive
  private let isKept: Bool
  private let checked = Mutex<Bytes?>(nil)

  /// - Parameter isKept: whether several will ask; what was deflated then stays in memory.
  init(_ member: ZipArchive.Entry, of archive: ZipArchive, isKept: Bool) {
    self.member = member
    self.archive = archive
    self.isKept = isKept
  }

  /// As ``ZipArchive/contents(of:)``; whoever asks meanwhile waits.
  func contents() throws(FirnError) -> Bytes {
    guard isKept else { return try archive.contents(of: member) }
    return try checked.withLock { (checked) throws(FirnError) in
      if let checked { return checked }
      let bytes = try archive.contents(of: member)
      checked = bytes
      return bytes
    }
  }
}
