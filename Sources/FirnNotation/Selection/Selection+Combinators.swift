public import FirnGraph

/// The atoms in Swift.
///
/// An argument that no selection can have (a path with an empty component, an empty block) is kept and throws where
/// the selection is used, as a faulty literal does.
extension Selection {
  /// Variables a path glob matches, and those below scopes it matches.
  public static func path(_ pattern: String) -> Selection {
    let valid = !pattern.isEmpty && Path.isValid(pattern.replacing("*", with: "_"))
    return valid
      ? Selection(.path(PathPattern(pattern)))
      : refused("`\(pattern.prefix(80))` is not a path", "write paths as `scope/name`, with `*` and `**`")
  }

  /// Variables of this role.
  public static func role(_ role: String) -> Selection {
    role.isEmpty
      ? refused("a role without a name", "write for instance .role(\"bias\")") : Selection(.role(role))
  }

  /// Parameters declared trainable.
  public static let trainable = Selection(.fact(.trainable))
  /// Parameters declared frozen, or of a type no gradient has.
  public static let frozen = Selection(.fact(.frozen))
  /// Variables that were given a value.
  public static let loaded = Selection(.fact(.loaded))
  /// Variables that were never given a value and never trained.
  public static let uninitialised = Selection(.fact(.uninitialised))

  /// By the number of axes.
  public static func rank(_ relation: Relation, _ rank: Int) -> Selection {
    Selection(.rank(relation, Double(rank)))
  }

  /// By the number of elements.
  public static func count(_ relation: Relation, _ count: Double) -> Selection {
    count.isFinite
      ? Selection(.count(relation, count))
      : refused("count \(relation.rawValue) \(count)", "give a finite number")
  }

  /// By the element type, `.equal` or `.notEqual`.
  public static func dtype(_ relation: Relation, _ dtype: DType) -> Selection {
    relation == .equal || relation == .notEqual
      ? Selection(.dtype(relation, dtype))
      : refused("element types have no order", "use .equal or .notEqual")
  }

  /// The first children of a scope in creation order, variables or scopes with all below; `""` is the root.
  public static func first(_ count: Int, of scope: String) -> Selection {
    structure(scope) { count > 0 ? .edge(.first, count, of: scope) : nil }
  }

  /// The last children of a scope in creation order, variables or scopes with all below; `""` is the root.
  public static func last(_ count: Int, of scope: String) -> Selection {
    structure(scope) { count > 0 ? .edge(.last, count, of: scope) : nil }
  }

  /// The variables right in a scope, in no scope below it; `""` is the root.
  public static func children(of scope: String) -> Selection { structure(scope) { .children(of: scope) } }

  /// The variables a tensor is computed from.
  public static func upstream(of tensor: any TensorReference) -> Selection {
    reach(tensor) { .upstream(of: $0) }
  }

  /// The variables that enter the graph behind a tensor: weights of what is computed from it.
  public static func downstream(of tensor: any TensorReference) -> Selection {
    reach(tensor) { .downstream(of: $0) }
  }

  /// These positions along the first axis of each variable.
  public subscript(rows rows: Range<Int>) -> Selection { self[axis: 0, rows] }

  /// These positions along an axis of each variable.
  public subscript(axis axis: Int, range: Range<Int>) -> Selection {
    guard axis >= 0, range.lowerBound >= 0, !range.isEmpty else {
      return Self.refused(
        "no variable has a block \(Block(axis: axis, range: range))", "axes and positions count from 0")
    }
    return restricted(to: .range(Block(axis: axis, range: range)))
  }

  /// The block of this name of each variable, such as one gate of an LSTM's kernel.
  public subscript(gate gate: String) -> Selection {
    gate.isEmpty
      ? Self.refused("a gate without a name", "write for instance [gate: \"forget\"]")
      : restricted(to: .gate(gate))
  }

  private static func structure(_ scope: String, _ atom: () -> Atom?) -> Selection {
    guard scope.isEmpty || Path.isValid(scope) else {
      return refused("`\(scope.prefix(80))` is not a scope", "give one path without wildcards")
    }
    return atom().map { Selection($0) } ?? refused("fewer than one child of `\(scope)`", "count from 1")
  }

  private static func reach(_ tensor: any TensorReference, _ atom: (String) -> Atom) -> Selection {
    let name = tensor.tensorName
    guard let node = NodeReference(name), node.text == name else {
      return refused("`\(name.prefix(80))` is not a node", "name a tensor of the graph")
    }
    return Selection(atom(name), of: tensor)
  }

  private static func refused(_ message: String, _ remedy: String) -> Selection {
    Selection(invalid: FirnError(.invalidSelection, "selection: \(message)", remedy: remedy))
  }
}

/// A node by its path, with the number of a result where it is written `split:1`.
struct NodeReference {
  let path: String
  let result: Int?

  init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, let first = parts.first, Path.isValid(String(first)) else { return nil }
    path = String(first)
    result = parts.count == 2 ? Int(parts[1]) : nil
    if parts.count == 2, result.map({ $0 < 0 }) ?? true { return nil }
  }

  var text: String { result.map { "\(path):\($0)" } ?? path }
}
