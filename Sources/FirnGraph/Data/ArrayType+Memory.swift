extension ArrayType {
  /// - Throws: `.invalidArgument` where no array of this type can be, or the process cannot have the memory for it.
  package func requireMemory(for what: @autoclosure () -> String = "") throws(FirnError) {
    guard let count = NDArray.elementCount(of: shape) else {
      throw FirnError(
        .invalidArgument,
        "\(self) has \(shape.contains { $0 < 0 } ? "an extent below 0" : "more elements than can be held")",
        remedy: "check the extents")
    }
    try FreeMemory.require(
      count.saturatingProduct(dtype.byteCount), for: what().isEmpty ? "an array of \(self)" : what())
  }
}
