public import FirnGraph

extension Weights {
  /// The tensors below a prefix, without it: `below("state_dict.module")` has `conv.weight` for
  /// `state_dict.module.conv.weight`.
  ///
  /// What files of `DataParallel` (`module`), Lightning (`state_dict.model`), `torch.compile` (`_orig_mod`) or nested
  /// dictionaries put before names goes, and with it what stands beside them, such as an optimiser's state. Tensors keep
  /// their stored types and are still read where the file is mapped.
  ///
  /// - Parameter prefix: whole components, with or without the dot or slash behind them.
  /// - Throws: `.unknownName` where no name begins so.
  /// - Complexity: O(entries); no element is read.
  public func below(_ prefix: String) throws(FirnError) -> Weights {
    func rest(_ name: String) -> String? {
      guard name.hasPrefix(prefix) else { return nil }
      let rest = name.dropFirst(prefix.count)
      if prefix.isEmpty || prefix.hasSuffix(".") || prefix.hasSuffix("/") {
        return rest.isEmpty ? nil : String(rest)
      }
      guard rest.hasPrefix(".") || rest.hasPrefix("/"), rest.count > 1 else { return nil }
      return String(rest.dropFirst())
    }
    let below = entries.compactMap { entry in rest(entry.name).map { entry.renamed($0) } }
    guard !below.isEmpty else {
      var beginnings: [String] = []
      for entry in entries {
        let beginning = String(entry.name.prefix { $0 != "." && $0 != "/" })
        if !beginnings.contains(beginning) { beginnings.append(beginning) }
      }
      let listed = beginnings.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
      throw FirnError(
        .unknownName, "\(source) has nothing below `\(prefix)`",
        remedy: NearestNames(to: prefix, among: beginnings).question
          ?? (entries.isEmpty ? "it has no tensors" : "its names begin with \(listed)"), place: prefix)
    }
    return try Weights(
      source: source, entries: below, metadata: metadata,
      skipped: skipped.compactMap { item in rest(item.name).map { Skipped(name: $0, reason: item.reason) } })
  }
}
