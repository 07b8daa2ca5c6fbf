/// How deep things may lie in one another.
package enum Nesting {
  /// Scopes in scopes, loops in loops (one that recomputes counts twice), lists in lists, parentheses and schedules.
  ///
  /// The same where a graph is built, where its text is read, and so where it is printed or drawn: what goes through such
  /// things calls itself level by level, and no stack is deep enough for every number.
  package static let limit = 64
}
