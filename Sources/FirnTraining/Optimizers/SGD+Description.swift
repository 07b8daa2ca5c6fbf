extension SGD: CustomStringConvertible {
  /// Name and hyperparameters, in one line; those that are 0 are left out.
  public var description: String {
    "\(name): rate \(learningRate)"
      + (momentum == 0 ? "" : ", \(usesNesterov ? "Nesterov's momentum" : "momentum") \(momentum)")
      + (weightDecay == 0 ? "" : ", weight decay \(weightDecay)")
  }
}
