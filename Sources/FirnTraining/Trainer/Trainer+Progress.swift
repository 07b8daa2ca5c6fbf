import FirnNotation

extension Trainer.Progress: CustomStringConvertible {
  /// In one line: `step 12 of 300 (epoch 0): loss 0.6931`.
  public var description: String {
    "step \(NumberFormat.count(step)) of \(NumberFormat.count(stepCount)) (epoch \(epoch)): loss "
      + NumberFormat.fixed(loss, digits: 4)
  }
}
