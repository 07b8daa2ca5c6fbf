/// Names variables: by path, by role, and by combinations of selections.
///
/// | text | selects |
/// | --- | --- |
/// | `encoder` | everything below the scope `encoder`, and a variable of that very path |
/// | `encoder/*/bias` | by components; `*` stands for part of one, `**` for any number of them |
/// | `role(bias)` | variables of that role |
/// | `a & b`, `a \| b`, `!a`, `(a)` | both, either, not; `!` binds tightest, then `&` |
///
/// Components match whole (`enc` never selects `encoder2`), and a pattern that matches nothing is an error when the
/// selection is used.
public struct Selection: Hashable, Sendable {
  indirect enum Form: Hashable, Sendable {
    case path(PathPattern)
    case role(String)
    case not(Form)
    case and(Form, Form)
    case or(Form, Form)
    /// A literal that is no selection; using it throws.
    case invalid(FirnError)
  }

  let form: Form

  init(form: Form) { self.form = form }

  /// Reads the text form.
  ///
  /// - Throws: `.invalidSelection` with the column of the fault.
  public init(_ text: String) throws(FirnError) {
    var parser = SelectionParser(text)
    form = try parser.parse()
  }

  /// Variables of this role.
  public static func role(_ role: String) -> Selection { Selection(form: .role(role)) }

  public static func & (a: Selection, b: Selection) -> Selection { Selection(form: .and(a.form, b.form)) }
  public static func | (a: Selection, b: Selection) -> Selection { Selection(form: .or(a.form, b.form)) }
  public static prefix func ! (a: Selection) -> Selection { Selection(form: .not(a.form)) }

  /// The variables it names, in creation order; optimiser slots are never named.
  ///
  /// - Throws: `.invalidSelection` where a part matches nothing, with the nearest paths.
  package func resolve(in variables: [Variable]) throws(FirnError) -> [Variable] {
    let candidates = variables.filter { $0.kind != .slot }
    try validate(among: candidates.map { Subject(path: $0.name, role: $0.role) })
    return candidates.filter { Self.matches(form, Subject(path: $0.name, role: $0.role)) }
  }

  /// The paths it names among `paths`, in their order.
  package func resolve(paths: [String]) throws(FirnError) -> [String] {
    try validate(among: paths.map { Subject(path: $0, role: "") })
    return paths.filter { Self.matches(form, Subject(path: $0, role: "")) }
  }

  private struct Subject {
    var path: String
    var role: String
  }

  private static func matches(_ form: Form, _ subject: Subject) -> Bool {
    switch form {
    case .path(let pattern): pattern.selects(subject.path)
    case .role(let role): subject.role == role
    case .not(let inner): !matches(inner, subject)
    case .and(let a, let b): matches(a, subject) && matches(b, subject)
    case .or(let a, let b): matches(a, subject) || matches(b, subject)
    case .invalid: false
    }
  }

  /// Every path and role in it must match something: a typo must not pass for an empty set.
  private func validate(among subjects: [Subject]) throws(FirnError) {
    var pending = [form]
    while let form = pending.popLast() {
      switch form {
      case .not(let inner): pending.append(inner)
      case .and(let a, let b), .or(let a, let b): pending += [b, a]
      case .invalid(let error): throw error
      case .path(let pattern):
        if subjects.contains(where: { pattern.selects($0.path) }) { continue }
        let paths = subjects.map(\.path)
        var names: [String] = []
        for path in paths {
          for name in Path.ancestors(of: path).reversed() + [path] where !names.contains(name) {
            names.append(name)
          }
        }
        throw FirnError(
          .invalidSelection, "selection `\(self)`: `\(pattern.text)` matches nothing",
          remedy: NearestNames(to: pattern.text, among: names).question
            ?? "there are: " + names.prefix(6).joined(separator: ", "))
      case .role(let role):
        if subjects.contains(where: { $0.role == role }) { continue }
        var roles: [String] = []
        for subject in subjects where !subject.role.isEmpty && !roles.contains(subject.role) {
          roles.append(subject.role)
        }
        throw FirnError(
          .invalidSelection, "selection `\(self)`: no variable has the role `\(role)`",
          remedy: roles.isEmpty ? "no variable has a role" : "the roles are " + roles.joined(separator: ", "))
      }
    }
  }
}

extension Selection: ExpressibleByStringLiteral {
  /// A literal that is no selection is kept and throws where it is used.
  public init(stringLiteral text: String) {
    var parser = SelectionParser(text)
    do {
      form = try parser.parse()
    } catch {
      form = .invalid(error)
    }
  }
}

extension Selection: CustomStringConvertible {
  /// The text form, with no more parentheses than it needs.
  public var description: String { Self.text(form, within: 0) }

  private static func text(_ form: Form, within level: Int) -> String {
    let (text, own): (String, Int) =
      switch form {
      case .path(let pattern): (pattern.text, 3)
      case .role(let role): ("role(\(role))", 3)
      case .not(let inner): ("!" + Self.text(inner, within: 3), 3)
      case .and(let a, let b): (Self.text(a, within: 2) + " & " + Self.text(b, within: 2), 2)
      case .or(let a, let b): (Self.text(a, within: 1) + " | " + Self.text(b, within: 1), 1)
      case .invalid(let error): ("<\(error.message)>", 3)
      }
    return own < level ? "(\(text))" : text
  }
}
