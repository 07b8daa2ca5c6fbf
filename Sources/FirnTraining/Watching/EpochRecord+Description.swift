import FirnNotation

extension EpochRecord: CustomStringConvertible {
  /// In one line: `epoch 3: training loss 0.3121, loss 0.3412, accuracy 0.9040`.
  public var description: String {
    "epoch \(epoch): training loss \(NumberFormat.fixed(trainingLoss, digits: 4))"
      + validation.map { ", \($0)" }.joined()
  }
}
