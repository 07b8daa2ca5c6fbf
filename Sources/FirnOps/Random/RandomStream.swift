internal import CFirnKernels
internal import FirnGraph

/// The part of the Philox stream one execution of a random op draws from.
struct RandomStream {
  let key: (UInt32, UInt32)
  let counter: (UInt32, UInt32, UInt32)

  /// - Parameters:
  ///   - name: the hash of the op's key.
  ///   - first: which operand is the random state; loop indices are those behind it.
  ///   - count: how many operands there are.
  init(_ call: borrowing KernelCall, name: UInt64, first: Int, count: Int) {
    let state = call.operand(first, as: UInt32.self)
    key = Philox.key(seedLow: state[0], seedHigh: state[1], name: name)
    var folded: UInt32 = 0
    for operand in first + 1..<count {
      folded = folded &* 0x9e37_79b1 &+ call.operand(operand, as: UInt32.self)[0] &+ 1
    }
    counter = (folded, state[2], state[3])
  }

  /// The uniform number of element `index`.
  func uniform(_ index: Int) -> Double {
    Philox(key: key).uniform(index, counter.0, counter.1, counter.2)
  }

  /// The standard normal number of element `index`.
  func normal(_ index: Int) -> Double {
    Philox(key: key).normal(index, counter.0, counter.1, counter.2)
  }
}

/// - Throws: unless `operands` from `first` on are a random state and loop indices.
func requireRandomState(_ operands: [TensorType], from first: Int) throws(FirnError) {
  guard operands.count > first else {
    throw FirnError(
      .invalidArgument, "lacks the random state", remedy: "pass a `random_state` node", constraint: "C0")
  }
  try require(
    operands[first] == RandomState.type, "C1", .typeMismatch,
    "the random state is \(operands[first]), not \(RandomState.type)", remedy: "pass a `random_state` node")
  for operand in operands[(first + 1)...] {
    try require(
      operand == TensorType(.i32, .scalar), "C2", .typeMismatch, "a loop index is \(operand), not i32[]",
      remedy: "pass the enclosing loops' positions")
  }
}
