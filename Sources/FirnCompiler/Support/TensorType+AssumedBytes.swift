import FirnGraph

extension TensorType {
  /// How many bytes a value has where every extent that is not known counts as `extent`, for choices that are made
  /// before names are bound.
  func bytes(assuming extent: Int) -> Int {
    var sizes = DimBinding()
    for name in byteCount.names { sizes[name] = extent }
    return byteCount.bound(by: sizes).value ?? .max
  }
}
