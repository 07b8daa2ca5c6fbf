/// An edge a gradient travels against, by names so that it outlives rewriting.
public struct GradientEdge: Hashable, Sendable {
  public let consumer: String
  public let operand: Int
  public let producer: String

  package init(consumer: String, operand: Int, producer: String) {
    self.consumer = consumer
    self.operand = operand
    self.producer = producer
  }
}
