/// What stands around the elements of a tensor that is padded.
public enum PaddingMode: Hashable, Sendable {
  /// A value.
  case constant(Double)
  /// The elements mirrored at the first and the last one, which are not repeated: c b | a b c | b a.
  case reflect
  /// The first and the last element, repeated: a a | a b c | c c.
  case edge
  /// The elements as if they went on from the other end: b c | a b c | a b.
  case wrap
}
