/// What a pickle describes; containers are named by their place in the unpickler's arena.
///
/// That way a container can hold itself, nothing is freed level by level, and depth costs no stack.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  /// A whole number beyond 64 bits, in decimal digits: nothing of a tensor is one.
  case long(String)
  case number(Double)
  case text(String)
  case bytes
  case list(Int)
  case tuple(Int)
  case dictionary(Int)
  case global(PickleGlobal)
  /// A class or function that is none of those, by its place among the unpickler's names.
  case name(Int)
  /// What such a name was called to make, by its place among the unpickler's objects.
  case object(Int)
  case storage(Int)
  case tensor(Int)
  /// What nothing is made of, in words: `a device`.
  case opaque(String)
}
