public import FirnGraph

/// Batches one after the other.
public struct BatchIterator {
  private let produce: () throws(FirnError) -> Batch?

  /// Batches that `produce` makes; nil ends them.
  public init(_ produce: @escaping () throws(FirnError) -> Batch?) { self.produce = produce }

  /// The next batch; nil where there are no more.
  ///
  /// - Throws: what the source throws, such as a fault of a file.
  public func next() throws(FirnError) -> Batch? { try produce() }
}
