import FirnGraph

/// The executions of a session's programs, each with its memory.
///
/// Those of a program go when nobody holds it any more. Of one program's bindings the last used stay: sequences of ever
/// other lengths would otherwise fill the memory with plans.
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
    /// The last used is last.
    var executions: [(key: Key, execution: Execution)] = []
  }

  private var entries: [Entry] = []

  var count: Int { entries.reduce(0) { $0 + ($1.program == nil ? 0 : $1.executions.count) } }

  /// The execution of a program for a binding, made if there is none.
  mutating func execution(
    of program: ProgramIdentity, _ key: Key, make: () throws(FirnError) -> Execution
  ) throws(FirnError) -> Execution {
    let place = entries.firstIndex { $0.program === program }
    if let place, let known = entries[place].executions.lastIndex(where: { $0.key == key }) {
      let found = entries[place].executions[known]
      if known < entries[place].executions.count - 1 {
        entries[place].executions.remove(at: known)
        entries[place].executions.append(found)
      }
      return found.execution
    }
    entries.removeAll { $0.program == nil }
    let made = try make()
    if let place = entries.firstIndex(where: { $0.program === program }) {
      if entries[place].executions.count >= Self.bindingLimit { entries[place].executions.removeFirst() }
      entries[place].executions.append((key, made))
    } else {
      entries.append(Entry(program: program, executions: [(key, made)]))
    }
    return made
  }
}
