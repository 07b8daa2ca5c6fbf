import FirnNotation

extension DataPosition: CustomStringConvertible {
  /// In one line: `step 1,312, epoch 3, after 12 batches of 32`.
  public var description: String {
    "step \(NumberFormat.count(step)), epoch \(epoch), after \(NumberFormat.count(batch)) batches of \(batchSize)"
  }
}
