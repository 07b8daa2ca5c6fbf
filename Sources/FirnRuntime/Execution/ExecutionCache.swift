import FirnGraph

/// The executions of a session's programs, each with its memory.
///
/// Those of a program go when nobody holds it any more. Others stay while they are few and small enough together:
/// sequences of ever other lengths would otherwise fill the memory with plans.
struct ExecutionCache {
  /// Enough for the lengths of bucketed sequences; one more costs a plan, which takes about as long as a small step.
  static let bindingLimit = 32

  /// What a plan is of, besides the program.
  struct Key: Hashable {
    var binding: DimBinding
    var checksNumerics: Bool
  }

  private struct Entry {
    weak var program: ProgramIdentity?
    var key: Key
    var execution: Execution
    var byteCount: Int
  }

  /// The last used is last.
  private var entries: [Entry] = []

  private var live: [Entry] { entries.filter { $0.program != nil } }

  /// Lets go of what programs that nobody holds any more have left.
  mutating func removeUnneeded() { entries.removeAll { $0.program == nil } }

  var count: Int { live.count }
  /// Bytes of all that are held.
  var byteCount: Int { live.reduce(0) { $0.saturatingSum($1.byteCount) } }

  /// The execution of a program for a binding, where there is one; it is then the one last used.
  mutating func known(of program: ProgramIdentity, _ key: Key) -> Execution? {
    guard let place = entries.lastIndex(where: { $0.program === program && $0.key == key }) else {
      return nil
    }
    if place < entries.count - 1 { entries.append(entries.remove(at: place)) }
    return entries[entries.count - 1].execution
  }

  /// Holds an execution, and lets go of those used least recently where that makes too many of one program, or more bytes
  /// than `limit` besides it.
  mutating func keep(
    _ execution: Execution, of program: ProgramIdentity, _ key: Key, within limit: Int
  ) {
    entries.removeAll { $0.program == nil }
    let own = entries.indices.filter { entries[$0].program === program }
    if own.count >= Self.bindingLimit { entries.remove(at: own[0]) }
    var kept = 0
    let first = entries.lastIndex { entry in
      kept = kept.saturatingSum(entry.byteCount)
      return kept > max(limit, 0)
    }
    if let first { entries.removeFirst(first + 1) }
    entries.append(
      Entry(program: program, key: key, execution: execution, byteCount: execution.byteCount))
  }
}
