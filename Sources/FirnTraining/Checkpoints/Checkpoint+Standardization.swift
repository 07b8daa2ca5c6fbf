extension Checkpoint {
  /// How the data was scaled, where the trainer was told.
  public var standardization: Standardization? { notes[Standardization.key].flatMap { PlainJSON.value($0) } }
}
