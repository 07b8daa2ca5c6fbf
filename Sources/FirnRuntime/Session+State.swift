import FirnCompiler
package import FirnGraph

/// Going back, for loops that try something or guard against it.
extension Session {
  /// What the session holds now.
  package var state: SessionState {
    SessionState(store: store, ledger: ledger, runs: runs, moved: agreement.moved)
  }

  /// Puts variables and optimisers' memory back to what they were then, bit for bit.
  ///
  /// What joined the session since, as slots of programs compiled later, starts over.
  ///
  /// - Parameter keepingRuns: whether the count of runs, which drives random ops, goes on from where it is now.
  /// - Precondition: the state is one of this session.
  package func goBack(to state: SessionState, keepingRuns: Bool = false) {
    store.goBack(to: state.store)
    ledger = state.ledger
    // What was apart then is apart again, be it made the same since.
    agreement.moved.formUnion(state.moved)
    if !keepingRuns { runs = state.runs }
  }

  /// Does something and leaves no trace of it: neither in values and memory nor in random numbers.
  package func undoing<Result>(_ body: () throws(FirnError) -> Result) throws(FirnError) -> Result {
    let before = state
    defer { goBack(to: before) }
    return try body()
  }

  /// Makes a program the one compiled last, as compiling it again would, without compiling.
  ///
  /// - Returns: what becomes of its optimisers' memory (rule 6).
  /// - Throws: `.invalidArgument` for another session's program.
  package func activate(_ program: Program) throws(FirnError) -> [SlotReport] {
    try requireOwn(program)
    return try prepareSlots(of: program.compilation)
  }

  /// Has all optimisers' memory that a program uses start over.
  package func startOver(_ program: Program) throws(FirnError) {
    try requireOwn(program)
    for slot in program.compilation.slots {
      store.replace(slot.variable.name, with: nil, origin: .initialized)
    }
  }

  /// Whether these variables and slots are free of NaN and infinities.
  ///
  /// - Complexity: one pass over what was written since it was last asked.
  package func holdsFiniteNumbers(in names: [String]) throws(FirnError) -> Bool {
    for name in names where try store.firstNotFinite(in: name) != nil { return false }
    return true
  }
}
