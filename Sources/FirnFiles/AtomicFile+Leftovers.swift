package import FirnGraph
internal import Foundation

extension AtomicFile {
  /// A writer changes its temporary all the time; one that rested for so long, in seconds, is nobody's.
  private static let patience = 600.0

  /// The name a file has until it is whole: with the process that makes it.
  static func temporary(for path: String) -> String {
    "\(path).\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: 0 ... .max)).tmp"
  }

  /// Removes the temporaries of processes that died while they wrote.
  ///
  /// Those of living processes stay, unless they have not changed for ten minutes: a number may be another process's by
  /// now, and in a container it often is the same. What cannot be removed stays too.
  ///
  /// - Parameter ending: of the files that were to be made.
  package static func removeLeftovers(in folder: String, ending: String) {
    let files = FileManager.default
    for name in (try? files.contentsOfDirectory(atPath: folder).sorted()) ?? [] {
      guard name.hasSuffix(".tmp"), let end = name.range(of: ending + ".", options: .backwards) else {
        continue
      }
      let process = name[end.upperBound...].prefix { $0 != "-" }
      guard let identifier = Int32(process), identifier > 0 else { continue }
      let path = folder + "/" + name
      let changed = (try? files.attributesOfItem(atPath: path))?[.modificationDate] as? Date
      let isOld = changed.map { Date().timeIntervalSince($0) > patience } ?? false
      if isOld || !Platform.isAlive(identifier) { Platform.remove(path) }
    }
  }

  /// Gives a file another name; a file that had it is replaced.
  package static func move(_ old: String, to new: String) throws(FirnError) {
    switch Platform.kind(of: new) {
    case .file, nil: break
    case .folder, .pipe, .stream: throw fault(new, "it is no regular file", remedy: "move it away")
    }
    guard Platform.rename(old, to: new) else { throw fault(new, Platform.reason) }
  }
}
