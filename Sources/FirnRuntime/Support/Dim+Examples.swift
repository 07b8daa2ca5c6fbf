package import FirnGraph

extension Dim {
  /// The dimension that counts examples in what is fed: `batch` wherever it stands, or else the only named first one;
  /// nil where there is neither.
  ///
  /// - Parameters:
  ///   - shapes: of placeholders, as they are declared.
  ///   - remedy: what else can be done than calling it `batch`.
  /// - Throws: `.invalidArgument` where several may be it.
  package static func ofExamples(in shapes: [Shape], remedy: String) throws(FirnError) -> Dim? {
    if shapes.contains(where: { $0.contains("batch") }) { return "batch" }
    var named: [Dim] = []
    for case let first? in shapes.map(\.first) where first.value == nil && !named.contains(first) {
      named.append(first)
    }
    guard named.count > 1 else { return named.first }
    throw FirnError(
      .invalidArgument,
      "placeholders begin with \(named.map { "`\($0)`" }.joined(separator: " and ")): which counts examples is not known",
      remedy: "call that dimension `batch`, or \(remedy)")
  }
}
