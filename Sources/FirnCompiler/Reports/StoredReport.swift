public import FirnGraph

/// What a program holds in a smaller type, what it does not, and why.
public struct StoredReport: Hashable, Sendable, Codable {
  /// A parameter that is held as `f32`.
  public struct Unstored: Hashable, Sendable, Codable {
    /// The variable's path.
    public let name: String
    /// Why, as a sentence's end.
    public let reason: String
  }

  /// How far a result is from what it would be with kernels in `f32`.
  public struct Deviation: Hashable, Sendable, Codable {
    /// What was fetched.
    public let name: String
    /// The largest distance of an element.
    public let largest: Double
    /// The Euclidean distance, divided by the length of what it would be; 0 where both are 0.
    public let relative: Double
  }

  /// The type that was asked for.
  public let type: FrozenStorage
  /// The variables whose values are held in it, or make kernels of their shape that are, in creation order.
  public let variables: [String]
  /// What the copies take together; some kernels have two, in two layouts, for what goes forward and back.
  public let bytes: Int
  /// What the same copies would take as `f32`.
  public let fullBytes: Int
  /// The other parameters that the program reads, in creation order.
  public let unstored: [Unstored]
  /// What rounding the kernels changed in the fetches of a batch; nothing where none was measured.
  public let deviations: [Deviation]
}
