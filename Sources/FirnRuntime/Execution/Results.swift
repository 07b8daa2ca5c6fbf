public import FirnGraph

/// What one run returned, by tensor or by name.
public struct Results: Sendable {
  let names: [String]
  let arrays: [NDArray?]
  /// The graph whose tensors they are.
  let home: GraphIdentity

  /// The value of a fetched tensor.
  ///
  /// - Throws: `.unknownName` for what was not fetched and for another graph's tensor, `.noGradient` for a gradient
  ///   that does not exist.
  /// - Complexity: O(1): the array is the caller's own, later runs do not change it.
  public subscript(_ reference: any TensorReference) -> NDArray {
    get throws(FirnError) {
      try home.require(reference)
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

  /// The value of a fetched tensor, or nil where it was not fetched, does not exist, or is another graph's.
  public func optional(_ reference: any TensorReference) -> NDArray? {
    if let other = reference.home, other !== home { return nil }
    return names.firstIndex(of: reference.tensorName).flatMap { arrays[$0] }
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
  /// The graph of what was named by a handle comes along.
  package typealias Entry = (name: String, array: NDArray, home: GraphIdentity?)
  package let entries: [Entry]

  /// Data for placeholders by their names; of two under one name the last is fed.
  public init(_ entries: [(name: String, array: NDArray)] = []) {
    self.entries = entries.map { ($0.name, $0.array, nil) }
  }

  package init(entries: [Entry]) { self.entries = entries }

  /// Data for placeholders, by tensor or by name.
  public init(dictionaryLiteral elements: (any TensorReference, NDArray)...) {
    entries = elements.map { ($0.0.tensorName, $0.1, $0.0.home) }
  }
}
