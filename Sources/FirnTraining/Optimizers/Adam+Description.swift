extension Adam: CustomStringConvertible {
  /// Name and hyperparameters, in one line.
  public var description: String {
    "\(name): rate \(learningRate), beta1 \(beta1), beta2 \(beta2), epsilon \(epsilon)"
      + (keepsMaximum ? ", AMSGrad" : "")
      + (weightDecay == 0 ? "" : ", \(couplesDecay ? "coupled " : "")weight decay \(weightDecay)")
      + (lazyRows ? ", lazy rows" : "") + groups.summary
  }
}
