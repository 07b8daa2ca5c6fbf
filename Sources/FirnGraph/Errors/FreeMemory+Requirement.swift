extension FreeMemory {
  /// Bytes that are always asked for without looking; looking takes some 50 µs.
  package static let smallBytes = 1 << 20

  /// - Throws: where that many bytes are more than this process can still have. Where that is not known, as on macOS,
  ///   which makes room on disk as it goes, they are held against all that the machine has.
  package static func require(_ byteCount: Int, for what: @autoclosure () -> String) throws(FirnError) {
    if (0...smallBytes).contains(byteCount) { return }
    let bound = FreeMemory().bound ?? .physical
    if (0...bound.byteCount).contains(byteCount) { return }
    // A number no longer counted is not said.
    let wanted = byteCount == .max || byteCount < 0 ? "more than \(Int.max)" : "\(byteCount)"
    throw FirnError(
      .invalidArgument,
      "\(what()) takes \(wanted) bytes of memory, and \(bound.byteCount) are free \(bound.reason)",
      remedy: "check the extents, or use smaller batches")
  }
}
