import FirnCompiler
import FirnGraph
import FirnNotation
import FirnRuntime

extension FrozenPrefix {
  /// The cut that is stored.
  ///
  /// - Throws: `.invalidArgument` where there is nothing to store, or it takes more than is allowed, with what could
  ///   be done.
  func cut(for caching: Caching, examples: Int) throws(FirnError) -> PrefixCut {
    let all = cuts().filter { savedFLOPs($0) != 0 }
    guard let first = all.first else { throw nothing }
    let limit = caching.place.limit
    func size(_ cut: PrefixCut) -> Int { bytesPerExample(cut).value ?? .max }
    func fits(_ cut: PrefixCut) -> Bool { size(cut).saturatingProduct(examples) <= limit }
    var wanted = first
    if let most = caching.bytesPerExample {
      guard let cut = all.first(where: { size($0) <= most }) else {
        throw FirnError(
          .invalidArgument,
          "no features take \(bytes(most)) an example or less: "
            + all.map { bytes(size($0)) }.joined(separator: ", ") + " can be stored",
          remedy: "allow \(all.last.map(size) ?? 0) bytes, or do without caching")
      }
      wanted = cut
    }
    if fits(wanted) { return wanted }
    let total = size(wanted).saturatingProduct(examples)
    // What reads the same is told to the byte.
    let isNear = bytes(total) == bytes(limit)
    func exact(_ count: Int) -> String { isNear ? "\(NumberFormat.count(count)) bytes" : bytes(count) }
    let need =
      "frozen features take \(bytes(size(wanted))) an example, "
      + "\(exact(total)) for \(NumberFormat.count(examples)), and the limit is \(exact(limit))"
    let next = all.first { size($0) < size(wanted) && fits($0) }
    let offer = next.map { cut in
      "store \(bytes(size(cut))) an example with `bytesPerExample: \(size(cut))`, at "
        + cut.stored.map { "`\(graph.name(of: $0.value))`" }.joined(separator: ", ")
        + ", which saves \(Quantity(savedFLOPs(cut)).asFLOPs) of \(Quantity(savedFLOPs(wanted)).asFLOPs) a step"
    }
    throw FirnError(
      .invalidArgument, need,
      remedy: offer.map { "allow more, or " + $0 }
        ?? (caching.place.isFolder
          ? "allow more; no cheaper cut fits either"
          : "allow more, or use a folder; no cheaper cut fits either"),
      causes: reasons)
  }

  private func bytes(_ count: Int) -> String { NumberFormat.bytes(count) }

  private var nothing: FirnError {
    FirnError(
      .invalidArgument, "there are no frozen features to cache",
      remedy: obstacles.isEmpty
        ? "freeze what stands next to the data, or do without caching"
        : "look at what keeps them from being cached",
      causes: reasons)
  }

  private var reasons: [FirnError] {
    obstacles.map { FirnError(.invalidArgument, "`\($0.node)` \($0.reason)", place: $0.node) }
  }
}
