/// What variables made inside a scope get where they do not say otherwise; inner scopes override outer ones.
public struct ScopeDefaults: Sendable {
  /// First values; nil leaves it to the scope around, and at the top to Glorot's uniform.
  public var initializer: Initializer?
  /// Element type; nil leaves it to the scope around, and at the top to `f32`.
  public var dtype: DType?
  /// False declares everything inside frozen; a compilation can thaw it by name.
  public var trainable: Bool?
  /// Whether making a variable whose name exists shares it instead of being an error; then making one whose name does
  /// not exist is.
  public var reuse: Bool?

  /// Defaults that override those around where they are given.
  public init(
    initializer: Initializer? = nil, dtype: DType? = nil, trainable: Bool? = nil, reuse: Bool? = nil
  ) {
    self.initializer = initializer
    self.dtype = dtype
    self.trainable = trainable
    self.reuse = reuse
  }

  func overridden(by inner: ScopeDefaults) -> ScopeDefaults {
    ScopeDefaults(
      initializer: inner.initializer ?? initializer, dtype: inner.dtype ?? dtype,
      trainable: trainable == false ? false : inner.trainable ?? trainable, reuse: inner.reuse ?? reuse)
  }
}
