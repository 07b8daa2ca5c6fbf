import FirnGraph

/// Where what is built for a node stands, in the graph and in the file.
extension Importer {
  /// The scope a node stands in, relative to where it is built.
  func scope(of node: NodeMessage, _ environment: Environment) -> String {
    if let scope = node.metadata["firn.scope"] { return PathText.path(scope, separators: ["/"]) }
    if let list = node.metadata["pkg.torch.onnx.name_scopes"], let scope = PathText.scope(ofList: list) {
      return scope
    }
    if let scope = PathText.scope(ofNode: node.name) { return scope }
    for name in node.inputs where PathText.isDotted(name) {
      if case .stored? = environment[name] {
        return Path.parent(of: PathText.path(name, separators: ["."]))
      }
    }
    return ""
  }

  /// What errors and reports name as the place of what is built for a node: the file and the node, behind the one of
  /// the model's own graph that it stands in, which was asked for last.
  func source(of node: NodeMessage, _ number: Int, in environment: Environment) -> CallSite {
    let own = node.shownName
    if environment.depth == 0 { outermostName = own }
    let path = environment.depth == 0 ? own : "\(outermostName) › \(own)"
    return CallSite(file: "\(fileName), \(path), node", line: number)
  }
}

extension NodeMessage {
  /// Its operator and its name, or what it makes where it has none, on one line that is not long.
  var shownName: String {
    // Scalars, since what is one character may be megabytes of marks on one letter.
    func short(_ text: String) -> String {
      let start = String(text.unicodeScalars.prefix(80))
      return PlainText.singleLine(start) + (start.unicodeScalars.count < text.unicodeScalars.count ? "…" : "")
    }
    if !name.isEmpty { return "\(short(op)) `\(short(name))`" }
    guard let first = outputs.first(where: { !$0.isEmpty }) else { return short(op) }
    return "\(short(op)) of `\(short(first))`"
  }
}
