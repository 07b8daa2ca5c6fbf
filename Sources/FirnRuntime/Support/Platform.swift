import FirnGraph
internal import Foundation

/// What the machine and its environment say.
enum Platform {
  static var coreCount: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// How many members of a world share this machine, as its launcher says; all of them where it says nothing.
  static func neighbourCount(of members: Int) -> Int {
    let names = ["MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE"]
    let said = members > 1 ? names.lazy.compactMap { environment($0).flatMap { Int($0) } }.first : nil
    return max(1, min(members, said ?? members))
  }

  static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }
}

/// The default place of warnings.
package enum StandardError {
  package static func write(_ message: String) {
    FileHandle.standardError.write(Data("firn: warning: \(PlainText.singleLine(message))\n".utf8))
  }
}
