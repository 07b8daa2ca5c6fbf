import FirnGraph

/// A file that is at fault, whatever the command line says.
struct FileFailure: Error {
  let error: FirnError
}
