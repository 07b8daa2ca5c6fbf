extension NameMap: CustomStringConvertible {
  /// The rules in words, a line for each in the order in which they are tried.
  public var description: String {
    switch form {
    case .rules(let rules):
      rules.isEmpty ? "names as they are" : rules.map(\.description).joined(separator: "\n")
    case .first(let a, let b): "\(a)\n\(b)"
    case .then(let a, let b): "\(a)\nthen \(b)"
    }
  }
}

extension NameMap.Rule: CustomStringConvertible {
  /// In one line: `h.{n}.weight becomes layer_{n}/kernel, transposed`.
  var description: String {
    switch self {
    case .rename(let pattern, let transform):
      pattern.description + (transform.isNone ? "" : ", \(transform)")
    case .ignore(.regex(let source, _)): "/\(source)/ is left out"
    case .ignore(let pattern): "\(pattern), left out"
    case .combine(let patterns, let combination):
      patterns.map(\.source).joined(separator: " and ")
        + " become \(patterns.first?.target ?? "nothing"), \(combination)"
    case .modules: "names of PyTorch modules become paths"
    case .paths: "`:0` goes, embeddings become table"
    case .recurrent(let network, let names):
      "\(names.prefixes.joined(separator: "…, "))… becomes \(names.scope)/…, \(network), from \(names.layout)"
    }
  }
}

extension NamePattern: CustomStringConvertible {
  /// In one line: `/(.*):0/ becomes $1`.
  var description: String {
    switch self {
    case .template(let source, let target): "\(source) becomes \(target)"
    case .regex(let source, let target): "/\(source)/ becomes \(target)"
    case .prefix(let old, let new): "\(old)… becomes \(new)…"
    }
  }

  /// The names it is about, as they were written.
  var source: String {
    switch self {
    case .template(let source, _), .regex(let source, _), .prefix(let source, _): source
    }
  }

  /// What they become, as it was written.
  var target: String {
    switch self {
    case .template(_, let target), .regex(_, let target), .prefix(_, let target): target
    }
  }
}
