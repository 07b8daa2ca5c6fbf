package import FirnGraph

/// What exchanging gradients costs in a step of one member, and what of it the backward pass hides.
///
/// A simulation of the exchange as it is made: a bucket can leave when the work before it is done, buckets leave one
/// after the other, and updates wait for the last. A sum takes each member 2·(n − 1) messages of 1/n of the bucket's
/// bytes.
package struct ExchangeCost: Sendable, Encodable {
  /// How many members there are.
  package let members: Int
  /// Bytes that a member hands in to be summed.
  package let bytes: Int
  /// Bytes that it sends.
  package let sentBytes: Int
  /// How many sums are made.
  package let sums: Int
  /// Seconds of arithmetic, of exchanging, and of waiting for the exchange when there is nothing else left to do.
  package let computing: Double
  package let exchanging: Double
  package let waiting: Double

  /// What a step costs that does as much whatever the number of members.
  ///
  /// - Parameters:
  ///   - graph: a compiled program, its dimensions bound.
  ///   - members: at least 1.
  ///   - bandwidth: bytes a second that a member can send.
  ///   - latency: seconds that a message takes beside its bytes.
  ///   - flops: floating-point operations a second of a member.
  package init(
    _ graph: GraphDef, members: Int, bandwidth: Double, latency: Double, flops rate: Double
  ) {
    let others = Double(max(1, members) - 1)
    let sums = Dictionary(
      graph.exchangedBytes.map { ($0.node, $0.bytes.value ?? 0) }, uniquingKeysWith: { $1 })
    var (clock, line, busy) = (0.0, 0.0, 0.0)
    var (bytes, sent) = (0, 0.0)
    var last = graph.nodes.startIndex
    for position in graph.nodes.indices where sums[position] != nil { last = position }
    var clockAtEnd = 0.0
    for (position, node) in graph.nodes.enumerated() {
      let types = node.inputs.map { graph.type(of: $0) }
      clock += Double(node.op.flops(of: types, results: node.types).value ?? 0) / rate
      if let own = sums[position] {
        let share = Double(own) / Double(max(1, members))
        let time = 2 * others * (latency + share / bandwidth)
        line = max(line, clock) + time
        busy += time
        bytes += own
        sent += 2 * others * share
      }
      if position == last { clockAtEnd = clock }
    }
    self.members = members
    self.bytes = bytes
    sentBytes = Int(sent)
    self.sums = sums.count
    computing = clock
    exchanging = busy
    waiting = max(0, line - clockAtEnd)
  }

  /// What of the time of a step is arithmetic.
  package var efficiency: Double { computing > 0 ? computing / (computing + waiting) : 0 }
}
