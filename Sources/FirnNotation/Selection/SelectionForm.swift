import FirnGraph

extension Selection {
  /// Whether it asks what variables hold, whether they were loaded for instance, so that its answer may change.
  package var asksForValues: Bool { form.asksForValues }

  /// What a selection says, as its text form spells it.
  indirect enum Form: Hashable, Sendable {
    case atom(Atom)
    case block(Form, BlockName)
    case not(Form)
    /// Of two or more parts, none of them `all`.
    case all(PartList)
    /// Of two or more parts, none of them `any`.
    case any(PartList)
    /// What is no selection; using it throws.
    case invalid(FirnError)

    /// The levels of forms in it: what recursion over it costs in stack.
    var depth: Int {
      switch self {
      case .atom, .invalid: 1
      case .block(let inner, _), .not(let inner): inner.depth + 1
      case .all(let parts), .any(let parts): 1 + (parts.lazy.map(\.depth).max() ?? 0)
      }
    }

    /// Whether it asks what variables hold, and not only what they are.
    var asksForValues: Bool {
      switch self {
      case .atom(.fact(let fact)): fact == .loaded || fact == .uninitialised
      case .atom, .invalid: false
      case .block(let inner, _), .not(let inner): inner.asksForValues
      case .all(let parts), .any(let parts): parts.contains { $0.asksForValues }
      }
    }

    /// Both of two forms, flat: a chain of `&` nests no deeper than its parts.
    static func both(_ a: Form, _ b: Form) -> Form {
      switch (a, b) {
      case (.all(let first), .all(let second)): .all(first + second)
      case (.all(let first), _): .all(first + [b])
      case (_, .all(let second)): .all([a] + second)
      default: .all([a, b])
      }
    }

    /// Either of two forms, flat.
    static func either(_ a: Form, _ b: Form) -> Form {
      switch (a, b) {
      case (.any(let first), .any(let second)): .any(first + second)
      case (.any(let first), _): .any(first + [b])
      case (_, .any(let second)): .any([a] + second)
      default: .any([a, b])
      }
    }
  }

  /// A part that names variables by itself.
  enum Atom: Hashable, Sendable {
    case path(PathPattern)
    case role(String)
    case fact(Fact)
    case rank(Relation, Double)
    case count(Relation, Double)
    case dtype(Relation, DType)
    /// The first or last children of a scope; the empty path is the root.
    case edge(Edge, Int, of: String)
    case children(of: String)
    case upstream(of: String)
    case downstream(of: String)
  }

  /// What is known of a variable beside its declaration's numbers; each is a word of the text form.
  enum Fact: String, Hashable, Sendable, CaseIterable {
    case trainable, frozen, loaded, uninitialised
  }

  enum Edge: String, Hashable, Sendable {
    case first, last
  }

  /// A part of each variable that the selection before it names.
  enum BlockName: Hashable, Sendable {
    case range(Block)
    case gate(String)
  }

  /// How two numbers or types compare.
  public enum Relation: String, Hashable, Sendable, Codable, CaseIterable {
    case equal = "="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    func holds(_ a: Double, _ b: Double) -> Bool {
      switch self {
      case .equal: a == b
      case .notEqual: a != b
      case .less: a < b
      case .lessOrEqual: a <= b
      case .greater: a > b
      case .greaterOrEqual: a >= b
      }
    }
  }
}
