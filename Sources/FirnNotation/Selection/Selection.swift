public import FirnGraph

/// Names variables, whole or in part: by path, role, what is known of them, structure, and combinations of these.
///
/// | text | Swift | selects |
/// | --- | --- | --- |
/// | `encoder` | `.path("encoder")` | everything below the scope, and a variable of that very path |
/// | `encoder/*/bias` | `.path("encoder/*/bias")` | by components; `*` is part of one, `**` any number of them |
/// | `role(bias)` | `.role("bias")` | variables of that role |
/// | `trainable`, `frozen` | `.trainable`, `.frozen` | parameters declared so |
/// | `loaded` | `.loaded` | variables given a value |
/// | `uninitialised` | `.uninitialised` | variables never given a value and never trained |
/// | `rank = 1`, `count > 1e6` | `.rank(.equal, 1)` | by number of axes or elements; `= != < <= > >=` |
/// | `dtype = f32` | `.dtype(.equal, .f32)` | by element type; `=` and `!=` |
/// | `first(2, encoder)`, `last(…)` | `.first(2, of: "encoder")` | a scope's first children, with all below; `.` is the root |
/// | `children(encoder)` | `.children(of: "encoder")` | variables right in the scope, in no scope below it |
/// | `upstream(node)` | `.upstream(of: tensor)` | variables the node is computed from |
/// | `downstream(node)` | `.downstream(of: tensor)` | variables that enter the graph behind the node |
/// | `a[0..<3]`, `a[axis 1: 0..<4]` | `a[rows: 0..<3]` | those positions of each variable |
/// | `a[gate: forget]` | `a[gate: "forget"]` | the block of that name of each variable |
/// | `a & b`, `a \| b`, `!a`, `(a)` | `a & b`, … | both, either, not; blocks bind tightest, then `!`, then `&` |
///
/// Components match whole (`enc` never selects `encoder2`), and a part that matches nothing is an error when the
/// selection is used. `trainable`, `frozen`, `loaded` and `uninitialised` stand for what they say; a path of such
/// a name is written `./trainable`.
public struct Selection: Hashable, Sendable {
  let form: Form

  /// Reads the text form.
  ///
  /// - Throws: `.invalidSelection` with the column of the fault.
  public init(_ text: String) throws(FirnError) {
    var parser = SelectionParser(text)
    form = try parser.parse()
    depth = form.depth
    homes = []
  }

  /// Kept, so that combining selections need not walk them.
  private let depth: Int

  /// Tensors that were named by handles, one for each graph they are of; no part of what the selection says.
  private let homes: [Home]

  private struct Home: Sendable {
    let name: String
    let graph: GraphIdentity
  }

  init(_ atom: Atom, of reference: (any TensorReference)? = nil) {
    form = .atom(atom)
    depth = 1
    homes =
      reference.flatMap { reference in
        reference.home.map { [Home(name: reference.tensorName, graph: $0)] }
      } ?? []
  }

  init(invalid error: FirnError) {
    form = .invalid(error)
    depth = 1
    homes = []
  }

  /// - Throws: `.unknownName` where a tensor it names by its handle is another graph's.
  package func requireHome(_ graph: GraphIdentity) throws(FirnError) {
    for home in homes { try graph.require(home.name, of: home.graph) }
  }

  /// A form over others, refused where it nests deeper than its text could be read.
  private init(form: Form, depth: Int, homes: [Home]) {
    self.homes = homes
    if depth > Self.depthLimit {
      self.form = .invalid(
        FirnError(
          .invalidSelection, "selection: nested more than \(Self.depthLimit) deep",
          remedy: "combine fewer selections in one another"))
      self.depth = 1
    } else {
      self.form = form
      self.depth = depth
    }
  }

  private static let depthLimit = SelectionParser.depthLimit - 4

  /// What both select.
  public static func & (a: Selection, b: Selection) -> Selection {
    Selection(
      form: .both(a.form, b.form),
      depth: max(a.depthAmong(conjunctions: true), b.depthAmong(conjunctions: true)) + 1,
      homes: a.homes(with: b))
  }

  /// What either selects, in creation order.
  public static func | (a: Selection, b: Selection) -> Selection {
    Selection(
      form: .either(a.form, b.form),
      depth: max(a.depthAmong(conjunctions: false), b.depthAmong(conjunctions: false)) + 1,
      homes: a.homes(with: b))
  }

  /// All variables, and parts of them, that it does not select.
  public static prefix func ! (a: Selection) -> Selection {
    Selection(form: .not(a.form), depth: a.depth + 1, homes: a.homes)
  }

  func restricted(to block: BlockName) -> Selection {
    Selection(form: .block(form, block), depth: depth + 1, homes: homes)
  }

  private func homes(with other: Selection) -> [Home] {
    homes + other.homes.filter { theirs in !homes.contains { $0.graph === theirs.graph } }
  }

  /// The depth of its parts where they become parts of a longer chain, else its own.
  private func depthAmong(conjunctions: Bool) -> Int {
    switch form {
    case .all where conjunctions: depth - 1
    case .any where !conjunctions: depth - 1
    default: depth
    }
  }
}

extension Selection: ExpressibleByStringLiteral {
  /// A literal that is no selection is kept and throws where it is used.
  public init(stringLiteral text: String) {
    do {
      try self.init(text)
    } catch {
      self.init(invalid: error)
    }
  }
}

extension Selection {
  /// Whether both say the same, in the same order.
  public static func == (a: Selection, b: Selection) -> Bool { a.form == b.form }

  /// Of what it says.
  public func hash(into hasher: inout Hasher) { hasher.combine(form) }
}
