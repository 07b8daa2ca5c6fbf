/// What a pickle describes; containers are named by their place in the unpickler's arena.
///
/// That way a container can hold itself, nothing is freed level by level, and depth costs no stack.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case bytes
  case list(Int)
  case tuple(Int)
  case dictionary(Int)
  case global(PickleGlobal)
  case storage(Int)
  case tensor(Int)
  /// A device or the like: nothing of it is used.
  case opaque
}
