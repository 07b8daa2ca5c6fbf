import FirnGraph

extension Variable {
  /// Where a convolution's kernel reads more channels than the stored one of pictures, the likely cause: it was made by
  /// a call with images whose channels come first.
  func layoutSuspicion(stored shape: [Int]) -> String? {
    guard role == "kernel", let own = type.shape.extents, own.count == 4, shape.count == 4 else { return nil }
    let others = [0, 1, 3]
    guard others.allSatisfy({ own[$0] == shape[$0] }), [1, 3].contains(shape[2]), own[2] > 4 else {
      return nil
    }
    return "the layer was called with \(own[2]) channels, the file's reads \(shape[2]): are the images "
      + "[batch, channels, height, width]? Channels come last here"
  }
}
