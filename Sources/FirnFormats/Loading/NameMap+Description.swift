extension NameMap: CustomStringConvertible {
  /// The rules in words, a line for each in the order in which they are tried.
  public var description: String {
    rules.isEmpty ? "names as they are" : rules.map(\.description).joined(separator: "\n")
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
    case .modules: "names of PyTorch modules become paths"
    case .recurrent(let network, let layout, let prefix, let scope):
      "\(prefix)… becomes \(scope)/…, \(network), from \(layout)"
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
}
