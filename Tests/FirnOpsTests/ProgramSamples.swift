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
]
