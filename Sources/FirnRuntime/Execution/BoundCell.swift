import FirnGraph

/// A value that bound programs make, kept until a variable that it is made of changes; programs that need equal ones share
/// it.
final class BoundCell {
  let type: ArrayType
  /// Where the variables that it is made of stand in the session's store, ascending.
  let variables: [Int]
  /// The value, in the same memory as long as this lives; nil until it is first made.
  private(set) var storage: Storage?
  /// What the variables' revisions were when it was made.
  private var revisions: [Int] = []

  init(_ type: ArrayType, of variables: [Int]) {
    self.type = type
    self.variables = variables
  }

  /// Whether it has to be made, or made again.
  func isStale(in store: borrowing VariableStore) -> Bool {
    guard storage != nil else { return true }
    for (number, position) in variables.enumerated()
    where store.entries[position].revision != revisions[number] {
      return true
    }
    return false
  }

  /// Takes over a value just made of what the variables are now.
  func fill(from bytes: UnsafeRawPointer, in store: borrowing VariableStore) {
    let target = storage ?? Storage(byteCount: type.byteCount)
    target.pointer.copyMemory(from: bytes, byteCount: type.byteCount)
    storage = target
    revisions = variables.map { store.entries[$0].revision }
  }

  /// Bytes it holds.
  var byteCount: Int { storage?.byteCount ?? 0 }
}
