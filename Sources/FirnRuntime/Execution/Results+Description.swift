import FirnGraph

extension Results: CustomStringConvertible {
  /// What was fetched, a line each: name, type and the first elements.
  public var description: String {
    if names.isEmpty { return "nothing was fetched" }
    return zip(names, arrays).map { name, array in
      let summary = array?.summary ?? "no gradient"
      return "\(name): \(summary)"
    }.joined(separator: "\n")
  }
}

extension Feeds: CustomStringConvertible {
  /// What is fed, a line each: name, type and the first elements.
  public var description: String {
    if entries.isEmpty { return "nothing is fed" }
    return entries.map { "\($0.name): \($0.array.summary)" }.joined(separator: "\n")
  }
}
