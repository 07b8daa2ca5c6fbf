import FirnGraph

extension Node {
  /// Its path without the `gradients`, `update` or `recomputed` that marks it as belonging to that path.
  var forwardPath: String {
    phase == .forward ? name : name.firstIndex(of: "/").map { String(name[name.index(after: $0)...]) } ?? name
  }
}
