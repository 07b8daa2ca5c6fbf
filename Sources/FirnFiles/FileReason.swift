/// Why a file could not be had.
package enum FileReason {
  /// What an error of Foundation says, in the words of the system where it has them.
  package static func words(_ error: any Error) -> String { Platform.words(for: error) }
}
