/// A closed box: what a class or function of which Firn builds nothing would have made.
///
/// Nothing is called. What the pickle puts into it is kept, as items and elements are data whatever the class.
struct PickleObject {
  /// What was called: `argparse.Namespace`.
  var type: String
  /// What it was called with.
  var arguments: PickleValue
  /// What was put in by keys, as a dictionary's place in the unpickler's arena; nil where nothing was.
  var items: Int?
  /// What was appended or added, as a sequence's place; nil where nothing was.
  var elements: Int?
  /// What `__setstate__` or `__dict__` would have got.
  var state: PickleValue?
}
