import FirnGraph
import FirnOps

/// A program made of a graph, whose placeholders are its inputs.
func program(
  _ domain: Shape, _ inputs: [(shape: Shape, dtype: DType)], _ build: ([Tensor]) -> [Tensor]
) -> Fused {
  let graph = Graph()
  let tensors = inputs.enumerated().map { number, input in
    graph.placeholder("x\(number)", shape: input.shape, dtype: input.dtype)
  }
  let outputs = build(tensors).map(\.value)
  var body = graph.definition
  body.outputs = outputs
  for (number, tensor) in tensors.enumerated() {
    body.nodes[tensor.value.node].op = FusedInput(number, type: tensor.type)
  }
  return Fused(body: body, domain: domain)
}

/// What an op makes of two tensors.
func applied(_ op: any Op, _ a: Tensor, _ b: Tensor) -> Tensor { a.graph.append(op, [a, b])[0] }

/// A convolution of the first two inputs, and what is done with its rows.
private func started(
  _ op: Convolution, _ shapes: [Shape], dtype: DType = .f32, _ build: (Tensor, [Tensor]) -> [Tensor]
) -> OpSample {
  let made = (try? op.resultTypes(of: shapes.prefix(2).map { TensorType(dtype, $0) }))?[0].shape ?? []
  return OpSample(
    program(made, shapes.map { ($0, dtype) }) { x in build(applied(op, x[0], x[1]), Array(x[2...])) },
    operands: shapes.map { .real($0.extents ?? []) }, tolerance: 2e-5)
}

/// Programs by what is special in them: chains that run in place, every kind of window, pieces put together, several
/// results, one value as two of them, an operand handed through, element types mixed.
let programSamples: [OpSample] = [
  OpSample(
    program([3, 7], [([3, 7], .f32), ([3, 7], .f32)]) { x in [tanh(x[0]) * x[1] + x[0]] },
    .real([3, 7]), .real([3, 7])),
  OpSample(
    program([5, 7], [([5, 7], .f32), ([7], .f32), ([5, 1], .f32), ([], .f32)]) { x in
      let sum = x[0] * x[1] + x[2]
      return [sigmoid(sum) * x[3], sum]
    }, .real([5, 7]), .real([7]), .real([5, 1]), .real([])),
  OpSample(
    program([5, 3], [([5, 12], .f32), ([12], .f32), ([5, 3], .f32)]) { x in
      let gates = (x[0] + x[1]).split(into: 4, axis: 1)
      let cell = sigmoid(gates[1]) * x[2] + sigmoid(gates[0]) * tanh(gates[2])
      return [sigmoid(gates[3]) * tanh(cell), cell]
    }, .real([5, 12]), .real([12]), .real([5, 3])),
  OpSample(
    program([4, 3], [([4, 3], .f32), ([4, 9], .f32)]) { x in
      let part = x[1].sliced(axis: 1, from: 2, to: 5)
      let both = concatenate([x[0] * part, tanh(x[0]), part], axis: 1)
      return [both, both + x[1], x[0]]
    }, .real([4, 3]), .real([4, 9])),
  OpSample(
    program([2, 5], [([6, 5], .f32), ([2, 5], .f32)]) { x in
      [concatenate([x[1] + x[0].sliced(axis: 0, to: 2), x[1] * x[1], x[1]], axis: 0) * x[0]]
    }, .real([6, 5]), .real([2, 5])),
  OpSample(
    program([4, 6], [([4, 6], .i32), ([4, 6], .f32), ([4, 6], .bool)]) { x in
      let isLess = logicalOr(less(x[0].cast(to: .f32), x[1]), x[2])
      return [select(where: isLess, x[1], otherwise: tanh(x[1])), isLess, x[0] * x[0]]
    }, .integers([4, 6], -2...2), .real([4, 6]), .truths([4, 6])),
  OpSample(
    program([1, 3000], [([1, 3000], .f32), ([1, 1], .f32)]) { x in [exp(x[0] * x[1]), x[0] - x[1]] },
    .real([1, 3000]), .real([1, 1])),
  OpSample(
    program([50, 90], [([50, 90], .f32), ([90], .f32), ([50, 1], .f32)]) { x in
      [(x[0] * x[1] + x[2]) * x[1], cos(x[0] - x[2])]
    }, .real([50, 90]), .real([90]), .real([50, 1])),
  started(Convolution(), [[2, 4, 5, 3], [3, 2, 3, 7], [7]]) { y, x in [tanh(y + x[0])] },
  started(
    Convolution(.forward, SlidingWindow(padding: [1, 1, 1, 1])),
    [[2, 4, 3, 5], [3, 3, 5, 5], [5], [4, 3, 5]]
  ) { y, x in
    let sum = y + x[0] * x[1]
    return [sigmoid(sum) * sum, sum]
  },
  started(
    Convolution(.inputGradient, SlidingWindow(strides: [2, 3], padding: [1, 0, 2, 1]), size: [4, 5]),
    [[2, 2, 3, 4], [3, 2, 3, 4], [2, 4, 5, 3]]
  ) { y, x in [y * x[0]] },
  OpSample(
    program([6, 35], [([6, 5], .f32), ([2, 5, 32], .f32), ([35], .f32)]) { x in
      let sum = applied(PackedMatMul(columns: 35), x[0], x[1]) + x[2]
      return [sigmoid(sum) * sum, sum]
    }, .real([6, 5]), .real([2, 5, 32]), .real([35]), tolerance: 2e-5),
  OpSample(
    program([3, 256], [([3, 1024], .f32), ([3, 256], .f32)]) { x in
      let gates = x[0].split(into: 4, axis: 1)
      let cell = sigmoid(gates[1]) * x[1] + gates[0] * gates[2]
      return [concatenate([cell * gates[3], cell], axis: 1), cell]
    }, .real([3, 1024]), .real([3, 256])),
  started(Convolution(groups: 3), [[2, 4, 5, 3], [2, 2, 1, 3], [3]]) { y, x in [tanh(y - x[0])] },
]
