/// All that a session holds besides its graph and its programs: variables, optimisers' memory and whose it is, the
/// number of runs.
///
/// It shares storage with the session until one of them writes, so taking one costs little, and holding one costs a
/// copy of what is written next.
package struct SessionState {
  let store: VariableStore
  let ledger: SlotLedger
  package let runs: UInt64
  /// State that had moved apart among the members of a world.
  let moved: Set<String>
}
