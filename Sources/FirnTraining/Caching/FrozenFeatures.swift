public import FirnCompiler
public import FirnGraph

/// What the frozen part of a model makes of each example of a data set.
///
/// For a linear probe, nearest neighbours, or to look at.
public struct FrozenFeatures: Sendable {
  /// Where the model was divided.
  public let cut: FrozenBoundary.Cut
  /// The features: each an array whose row i belongs to example i.
  public let values: [(name: String, array: NDArray)]

  /// The features of the value called `name`.
  ///
  /// - Throws: `.unknownName` where no such value is stored.
  public subscript(_ name: String) -> NDArray {
    get throws(FirnError) {
      if let found = values.first(where: { $0.name == name }) { return found.array }
      throw FirnError(
        .unknownName, "`\(name)` is not on the boundary",
        remedy: "on it are " + values.map(\.name).joined(separator: ", "))
    }
  }
}

extension FrozenFeatures: CustomStringConvertible {
  /// In one line: `features: encoder/tanh f32[250,64]`.
  public var description: String {
    "features: " + values.map { "\($0.name) \($0.array.type)" }.joined(separator: ", ")
  }
}
