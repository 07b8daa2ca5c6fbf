internal import Foundation

/// Why a file could not be had.
package enum FileReason {
  /// What an error of Foundation says, in the words of the system where it has them.
  package static func words(_ error: any Error) -> String { Platform.words(for: error) }

  /// Why a directory could not be made: Foundation has no words for a path through what is no directory.
  package static func words(_ error: any Error, making directory: String) -> String {
    var path = URL(filePath: directory).standardizedFileURL
    while path.path.count > 1 {
      var isDirectory: ObjCBool = false
      if FileManager.default.fileExists(atPath: path.path, isDirectory: &isDirectory) {
        return isDirectory.boolValue ? words(error) : "Not a directory: '\(path.path)'"
      }
      path.deleteLastPathComponent()
    }
    return words(error)
  }
}
