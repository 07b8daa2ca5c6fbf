package import FirnGraph

/// Makes the errors of the one file that is being read.
package struct FileFault: Sendable {
  package let source: String

  package init(_ source: String) { self.source = source }

  /// - Parameter message: goes on after the file's name.
  package func callAsFunction(
    _ message: String, remedy: String = "it is damaged or not what it seems: get the file anew",
    place: String? = nil
  ) -> FirnError {
    FirnError(.parse, "'\(source)' \(message)", remedy: remedy, place: place)
  }
}
