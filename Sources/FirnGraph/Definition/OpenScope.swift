/// A scope that is entered now.
struct OpenScope {
  let path: String
  var defaults = ScopeDefaults()
  /// Where variables are shared: the names its layers have got since it was entered, so that they are numbered as they
  /// were the first time.
  var sharedNames = UniqueNames()
  /// Whether a scope entered here was refused, as it stood too deep.
  var isTooDeep = false
}
