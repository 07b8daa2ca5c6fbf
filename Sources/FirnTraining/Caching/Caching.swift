/// What a training loop computes once for each example, instead of in every epoch.
///
///     let features = FeaturePlace.memory(limit: 1 << 30)
///     try trainer.fit(data, epochs: 10, batchSize: 32, caching: .frozenFeatures(in: features))
public struct Caching {
  let place: FeaturePlace
  /// The most bytes that are stored of one example; nil for what the boundary takes.
  let bytesPerExample: Int?

  /// Stores what frozen parts make of each example in the first epoch; later epochs compute the rest only.
  ///
  /// The program is divided at the ``FrozenBoundary`` that `program.frozenBoundary()` shows. Every trained variable
  /// has, after every step, the very bits that it has without caching.
  ///
  /// - Parameters:
  ///   - place: where features are kept.
  ///   - bytesPerExample: to store less: of the cuts that the boundary offers, the first that takes no more. By
  ///     default the boundary itself, and where that does not fit into `place` an error that names the next cheaper
  ///     cut.
  public static func frozenFeatures(in place: FeaturePlace, bytesPerExample: Int? = nil) -> Caching {
    Caching(place: place, bytesPerExample: bytesPerExample)
  }
}

extension Caching: CustomStringConvertible {
  /// In one line: `frozen features in memory`.
  public var description: String {
    "frozen features in \(place)" + (bytesPerExample.map { ", up to \($0) bytes an example" } ?? "")
  }
}
