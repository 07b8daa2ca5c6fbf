public import FirnGraph

/// What one run returned, by tensor or by name.
public struct Results: Sendable {
  let names: [String]
  let arrays: [NDArray?]

  /// The value of a fetched tensor.
  ///
  /// - Throws: `.unknownName` for what was not fetched, `.noGradient` for a gradient that does not exist.
  /// - Complexity: O(1): the array is the caller's own, later runs do not change it.
  public subscript(_ reference: any TensorReference) -> NDArray {
    get throws(FirnError) {
      let name = reference.tensorName
      guard let index = names.firstIndex(of: name) else {
        throw FirnError(
          .unknownName, "`\(name)` was not fetched",
          remedy: "list it in `fetching:` when compiling; fetched were " + names.joined(separator: ", "))
      }
      guard let array = arrays[index] else {
        throw FirnError(
          .noGradient, "the gradient `\(name)` does not exist in this program",
          remedy: "ask for it with `unconnected: .zero`, or use `optional(_:)`")
      }
      return array
    }
  }

  /// The value of a fetched tensor, or nil where it was not fetched or does not exist.
  public func optional(_ reference: any TensorReference) -> NDArray? {
    names.firstIndex(of: reference.tensorName).flatMap { arrays[$0] }
  }

  /// The value of a fetched scalar.
  ///
  /// - Throws: `.unknownName` or `.noGradient` as the subscript does, `.notScalar` where it has not exactly one
  ///   element.
  public func scalar(_ reference: any TensorReference) throws(FirnError) -> Double {
    let array = try self[reference]
    guard let value = array.scalar else {
      throw FirnError(
        .notScalar, "`\(reference.tensorName)` is \(Shape(array.shape)), not a scalar",
        remedy: "read it as an array")
    }
    return value
  }
}

/// Data for placeholders, by tensor or by name: `[x: images, "labels": digits]`.
///
/// Element types are as declared, never converted; extents are as declared where those are numbers, and a named
/// dimension is the same number wherever it stands.
public struct Feeds: Sendable, ExpressibleByDictionaryLiteral {
  let entries: [(name: String, array: NDArray)]

  /// Data for placeholders by their names; of two under one name the last is fed.
  public init(_ entries: [(name: String, array: NDArray)] = []) { self.entries = entries }

  /// Data for placeholders, by tensor or by name.
  public init(dictionaryLiteral elements: (any TensorReference, NDArray)...) {
    entries = elements.map { ($0.0.tensorName, $0.1) }
  }
}
