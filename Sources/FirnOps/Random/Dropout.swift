internal import CFirnKernels
public import FirnGraph

/// Drops elements at random and scales up the others, so that the expectation stays.
///
/// y[i] = u[i] ≥ rate ? x[i] / (1 - rate) : 0, u uniform on [0, 1)
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64` | any shape; the result has its type |
/// | state | `i32[4]` | seed low and high, run low and high, as bits |
/// | indices | `i32[]`, any number | positions of enclosing loops, outermost first |
///
/// C1: the state is `i32[4]`. C2: indices are `i32[]`. C3: x is floating point. C4: `rate` is in 0...1.
///
/// Linear in x: its gradient is itself with the same key, state and indices, so no mask is kept. Rate 1 gives zeros; a
/// dropped element is 0 whatever it was. In inference it is the identity. Srivastava et al., "Dropout", JMLR 15, 2014,
/// in the inverted form.
///
/// - Complexity: one pass, 1 FLOP an element.
package struct Dropout: KernelOp, ModalOp, OpaqueOp {
  @Exact package var rate: Double
  /// The path of the op where it was made; its hash is the stream's name.
  package var key: String

  package init(rate: Double, key: String) {
    self.rate = rate
    self.key = key
  }

  package static let mnemonics = ["dropout"]
  package var mnemonic: String { "dropout" }
  package var attributes: Attributes { ["rate": .double(rate), "key": .string(key)] }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    self.init(rate: try attributes.double("rate"), key: try attributes.string("key"))
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try requireRandomState(operands, from: 1)
    try operands[0].requireFloatingPoint("operand", "C3")
    try require(
      (0...1).contains(rate), "C4", .invalidArgument, "rate \(rate) is no probability",
      remedy: "choose 0...1: the part that is dropped")
    return [operands[0]]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    operand == 0 ? .passes : .notDifferentiable
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    var adjoints = [Tensor?](repeating: nil, count: context.operands.count)
    if context.wants[0] {
      adjoints[0] = Graph.apply(self, to: [context.cotangent] + context.operands.dropFirst())[0]
    }
    return adjoints
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount
  }

  package var canFail: Bool { false }

  package var aliasing: Aliasing { .inPlace([0]) }

  package func results(_ operands: [Tensor], inInference: Bool) -> [Tensor]? {
    inInference ? [operands[0]] : nil
  }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    let (count, inputs, name) = (results[0].elementCount, operands.count, Philox.hash(key))
    // The reference compares with the rate `f32` has, so that both drop the same elements.
    let (rate, threshold, isFast) = (rate, Double(Float(rate)), results[0].dtype == .f32)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let stream = RandomStream(call, name: name, first: 1, count: inputs)
      let (k, c) = (stream.key, stream.counter)
      if isFast {
        let x = call.operand(0, as: Float.self)
        let y = call.result(as: Float.self)
        call.inPieces(count) { start, n in
          firn_dropout_f32(k.0, k.1, c.0, c.1, c.2, start, Float(rate), x + start, y + start, n)
        }
      } else {
        let x = call.operand(0, as: Double.self)
        let y = call.result(as: Double.self)
        call.inPieces(count) { start, n in
          for i in start..<start + n { y[i] = stream.uniform(i) < threshold ? 0 : x[i] / (1 - rate) }
        }
      }
    }
  }
}

/// Drops elements with probability `rate` and scales the others by 1 / (1 - rate), in training mode; the identity in
/// inference.
///
/// y = u ≥ rate ? x / (1 - rate) : 0, u uniform on [0, 1). Frozen scopes are in inference mode unless
/// `keepingTrainingMode:` names them, others where `keepingInferenceMode:` does. A dropped element is 0 whatever it was, and so is its gradient; rate 1 gives
/// zeros.
///
/// Srivastava et al., JMLR 15 (2014), in the inverted form.
///
/// Masks differ from run to run and from iteration to iteration of a loop; the same seed gives the same ones, whatever
/// the number of threads. No mask is kept for the gradient.
///
/// Constraints: (C3) x is floating point; (C4) `rate` is in 0...1.
///
/// - Parameters:
///   - x: any shape; the result has its type.
///   - rate: the share dropped, as in PyTorch and Keras; TensorFlow 1 states what is kept.
///   - name: the node's; its path tells the masks of two dropouts apart.
/// - Complexity: 1 FLOP and 8 bytes moved an element in `f32`; nothing in inference.
public func dropout(
  _ x: Tensor, rate: Double, name: String = "dropout", file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  if x.isPoisoned { return x }
  let graph = x.graph.current
  let op = Dropout(rate: rate, key: graph.drawKey(name))
  return graph.append(
    op, [x, graph.randomState] + graph.loopIndices, name: name, location: CallSite(file, line))[0]
}
