/// A view of a storage, as a pickle describes it.
struct PyTorchTensor {
  /// Names the piece of the file that holds it.
  struct Storage {
    var key: String
    /// Nil for bytes without a type.
    var type: StoredType?
    /// In elements, of bytes where there is no type.
    var count: Int
    /// How many of these it has itself, where it lies within another.
    var viewCount: Int?
    /// Where in that piece it begins, in elements: files of before PyTorch 0.4 hold storages within storages.
    var start = 0
  }

  /// PyTorch's own limit.
  static let largestRank = 64

  var storage: Storage
  var type: StoredType
  /// In elements.
  var offset: Int
  var shape: [Int]
  var strides: [Int]
  var requiresGradient: Bool
  /// The negative and the conjugate bit: of a tensor whose elements are stored before that was done.
  var signs = StoredArray.Signs()
}
