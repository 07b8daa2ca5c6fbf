import FirnGraph

extension NameMap {
  /// - Throws: `.invalidArgument` for rules that no tensor can come to, as one before them is about every name.
  func requireEveryRuleReachable() throws(FirnError) {
    switch form {
    case .rules(let rules):
      guard let position = rules.firstIndex(where: \.isAboutEveryName), position + 1 < rules.count else {
        return
      }
      throw Self.unreachable(NameMap(Array(rules[(position + 1)...])), after: NameMap([rules[position]]))
    case .first(let a, let b):
      if a.isAboutEveryName { throw Self.unreachable(b, after: a) }
      try a.requireEveryRuleReachable()
      try b.requireEveryRuleReachable()
    case .then(let a, let b):
      try a.requireEveryRuleReachable()
      try b.requireEveryRuleReachable()
    }
  }

  private var isAboutEveryName: Bool {
    switch form {
    case .rules(let rules): rules.contains(where: \.isAboutEveryName)
    case .first(let a, let b), .then(let a, let b): a.isAboutEveryName || b.isAboutEveryName
    }
  }

  private static func unreachable(_ rules: NameMap, after first: NameMap) -> FirnError {
    func line(_ map: NameMap) -> String { map.description.replacing("\n", with: "; ") }
    return FirnError(
      .invalidArgument,
      "the rule (\(line(rules))) has no effect: (\(line(first))) is about every name before it",
      remedy: "join them the other way round, or write `.then` for maps that run one after the other")
  }
}

extension NameMap.Rule {
  fileprivate var isAboutEveryName: Bool {
    switch self {
    case .modules, .rename(.prefix("", _), _): true
    case .rename(.regex(let source, _), _), .ignore(.regex(let source, _)):
      [".*", ".+", "(.*)", "(.+)"].contains(source)
    case .rename(.template(let source, _), _):
      source.hasPrefix("{") && source.hasSuffix("...}") && source.count { $0 == "{" } == 1
    case .ignore, .rename(.prefix, _), .combine, .paths, .recurrent: false
    }
  }
}
