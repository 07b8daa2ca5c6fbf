import Firn

// A recurrent cell of one's own: h' = tanh(x · W_fixed + h · W_trainable).
//
// In TensorFlow it would be an `RNNCell` with `trainable=False` on one variable, in PyTorch a loop in Python over a module
// with a buffer; neither is fused. Here the loop is a `scan`; its body is called once, to build what every step does.
// Freezing one of the two matrices by name leaves no product for its gradient anywhere in the program. (`RecurrentCell`
// makes layers of such cells: see Docs/FromTensorFlow.md.)
reportingErrors {
  let graph = Graph()
  let sequence = graph.placeholder("sequence", shape: ["batch", "time", 3])
  let target = graph.placeholder("target", shape: ["batch", 8])

  let state = graph.scope("cell") {
    let fixed = graph.variable("W_fixed", shape: [3, 8], role: "kernel")
    let trainable = graph.variable(
      "W_trainable", shape: [8, 8], role: "recurrent_kernel", initializer: .orthogonal())
    let zeros = graph.constant(0).broadcast(to: [sequence.extent(0), 8])
    return scan(over: [sequence.transposed([1, 0, 2])], initial: [zeros]) { step in
      let next = tanh(matmul(step.slices[0], fixed) + matmul(step.carries[0], trainable))
      return ScanResult(carries: [next])
    }.carries[0]
  }
  let loss = meanSquaredError(state, target)

  let session = try Session(graph, seed: 4)
  session.onWarning = { print("warning:", $0) }
  let everything = try session.compile(minimizing: loss, with: SGD(learningRate: 0.5))
  let partly = try session.compile(minimizing: loss, with: SGD(learningRate: 0.5), freezing: "cell/W_fixed")

  let batch = try Initializer.normal(deviation: 1).values(shape: [16, 10, 3], seed: 5)
  let goal = try Initializer.uniform(-0.5, 0.5).values(shape: [16, 8], seed: 6)
  let before = try session.value(of: "cell/W_fixed")
  for number in 1...60 {
    let results = try session.run(partly, feeding: [sequence: batch, target: goal])
    if number % 20 == 0 { print("step", number, "loss", try results.scalar(loss)) }
  }
  let after = try session.value(of: "cell/W_fixed")

  let size: DimBinding = ["batch": 16, "time": 10]
  print("W_fixed is bit for bit what it was:", before.isBitwiseEqual(to: after))
  print("backward FLOPs, nothing frozen:", everything.cost.flops(.backward, binding: size) ?? 0)
  print("backward FLOPs, W_fixed frozen:", partly.cost.flops(.backward, binding: size) ?? 0)
}
