internal import FirnFiles
internal import FirnGraph

/// The bytes of a storage, wherever a file keeps them.
struct PyTorchStorage: Sendable {
  let byteCount: Int
  /// All of them, fetched and checked when asked for.
  let bytes: @Sendable () throws(FirnError) -> Bytes
}
