extension SGD: CustomStringConvertible {
  /// Name and hyperparameters, in one line; those that are 0 are left out.
  public var description: String {
    "\(name): rate \(learningRate)"
      + (momentum == 0 ? "" : ", \(usesNesterov ? "Nesterov's momentum" : "momentum") \(momentum)")
      + (dampening == 0 ? "" : ", dampening \(dampening)")
      + (weightDecay == 0 ? "" : ", weight decay \(weightDecay)") + groups.summary
  }
}
