public import FirnGraph

/// Where a program can be divided into what is computed once for each example and what every step computes.
///
/// Behind the boundary everything depends on data, frozen variables and constants only, and nothing is random. It is
/// the cheapest such cut where a byte that is stored for an example is held worth one operation that a step makes for
/// it.
public struct FrozenBoundary: Hashable, Sendable, Codable {
  /// A value that is stored.
  public struct StoredValue: Hashable, Sendable, Codable {
    /// The path of the node that computes it; `:1` and so on for further results.
    public let name: String
    /// Element type and shape of what one example has of it, as text: `f32[7,7,512]`.
    public let type: String
    /// What it takes for one example.
    public let bytes: Quantity
  }

  /// A way to divide the program.
  public struct Cut: Hashable, Sendable, Codable {
    /// What is stored, in the order of the graph.
    public let values: [StoredValue]
    /// What one example takes in the store.
    public let bytesPerExample: Quantity
    /// Arithmetic that a step need not do once the values of its batch are stored.
    public let savedFLOPs: Quantity
  }

  /// A place where caching ends although nothing trained comes in there.
  public struct Obstacle: Hashable, Sendable, Codable {
    /// The node's path.
    public let node: String
    /// Why its results cannot be stored.
    public let reason: String
  }

  /// The cut that `caching:` takes; nil where nothing can be saved.
  public let cut: Cut?
  /// Cuts that store less and leave more to each step, each cheaper in bytes than the one before.
  public let cheaper: [Cut]
  /// Arithmetic of a step without caching.
  public let stepFLOPs: Quantity
  /// What keeps more from being cached, in the order of the graph.
  public let obstacles: [Obstacle]
}

extension FrozenBoundary {
  /// The boundary with every name of `binding` replaced by its number; other names stay.
  public func bound(by binding: DimBinding) -> FrozenBoundary {
    FrozenBoundary(
      cut: cut?.bound(by: binding), cheaper: cheaper.map { $0.bound(by: binding) },
      stepFLOPs: stepFLOPs.bound(by: binding), obstacles: obstacles)
  }
}

extension FrozenBoundary.Cut {
  fileprivate func bound(by binding: DimBinding) -> FrozenBoundary.Cut {
    FrozenBoundary.Cut(
      values: values.map { .init(name: $0.name, type: $0.type, bytes: $0.bytes.bound(by: binding)) },
      bytesPerExample: bytesPerExample.bound(by: binding), savedFLOPs: savedFLOPs.bound(by: binding))
  }
}
