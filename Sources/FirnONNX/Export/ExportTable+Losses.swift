import FirnGraph
import FirnOps

extension ExportTable {
  /// Losses, and what only changes gradients.
  static let losses: [String: Entry] = [
    "softmax": { (e, _, x) throws(FirnError) in [e.add("Softmax", x, ["axis": .int(-1)])] },
    "log_softmax": { (e, _, x) throws(FirnError) in [e.add("LogSoftmax", x, ["axis": .int(-1)])] },
    "sparse_cross_entropy": { (e, node, x) throws(FirnError) in
      let rank = e.operands[0].shape.rank
      if rank == 2 {
        // Classes are the second axis there too.
        return [e.add("SoftmaxCrossEntropyLoss", [x[0], e.wide(x[1])], ["reduction": .text("none")])]
      }
      let logarithms = e.add("LogSoftmax", [x[0]], ["axis": .int(-1)])
      let places = e.add("Unsqueeze", [e.wide(x[1]), e.integers([-1])])
      let chosen = e.add("GatherElements", [logarithms, places], ["axis": .int(-1)])
      return [e.add("Neg", [e.add("Squeeze", [chosen, e.integers([-1])])])]
    },
    "cross_entropy": { (e, node, x) throws(FirnError) in
      let logarithms = e.add("LogSoftmax", [x[0]], ["axis": .int(-1)])
      let products = e.add("Mul", [logarithms, x[1]])
      return [e.add("Neg", [e.add("ReduceSum", [products, e.integers([-1])], ["keepdims": .int(0)])])]
    },
    "sigmoid_cross_entropy": { (e, _, x) throws(FirnError) in
      [e.add("Sub", [e.add("Softplus", [x[0]]), e.add("Mul", [x[0], x[1]])])]
    },
    "mean_squared_error": { (e, _, x) throws(FirnError) in
      let difference = e.add("Sub", x)
      let squares = e.add("Mul", [difference, difference])
      return [e.add("ReduceMean", [squares], ["keepdims": .int(0)])]
    },
    "scale_gradient": { (e, _, x) throws(FirnError) in [e.add("Identity", [x[0]])] },
    "straight_through": { (e, _, x) throws(FirnError) in [e.add("Identity", [x[0]])] },
    "sample_count": { (e, node, _) throws(FirnError) in
      [try e.scalar(try node.op.attributes.dimension("dimension"), node.types[0].dtype)]
    },
  ]
}
