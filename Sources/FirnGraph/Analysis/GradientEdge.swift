/// An edge a gradient travels against, by names so that it outlives rewriting.
public struct GradientEdge: Hashable, Sendable {
  /// The node that reads the value, and from which the gradient would come.
  public let consumer: String
  /// Which of its operands, from 0.
  public let operand: Int
  /// The node that makes the value, and to which the gradient would go.
  public let producer: String

  package init(consumer: String, operand: Int, producer: String) {
    self.consumer = consumer
    self.operand = operand
    self.producer = producer
  }
}
