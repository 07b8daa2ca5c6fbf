import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime

/// What can be wrong with a model. Building it goes on; compiling reports.
extension FaultyInput {
  static let building: [FaultyInput] = expressions + declarations + layers + loops

  /// The line at fault.
  private static let here = "BuildingFaults.swift:"
  /// Operators cannot know their line; their operands' are given.
  private static let made = "Workbench.swift:"

  private static let expressions: [FaultyInput] = [
    .building(
      "product of shapes that do not fit", .shapeMismatch, ["matmul", "f32[batch,3]", "f32[4,2]", here]
    ) { bench in
      matmul(bench.x, bench.graph.constant(try NDArray(zeros: [4, 2])))
    },
    .building("sum of shapes that do not fit", .shapeMismatch, ["add", "[batch,3]", "[4]", made]) { bench in
      bench.x + bench.graph.constant(try NDArray(zeros: [4]))
    },
    .building("mixed element types", .typeMismatch, ["f32[batch,3]", "i32[batch]", "cast", made]) { bench in
      bench.x + bench.ids
    },
    .building("operands of two graphs", .invalidGraph, ["another graph", "at add"]) { bench in
      bench.x + Graph().placeholder("x", shape: ["batch", 3])
    },
    .building("axis outside", .invalidArgument, ["axis 2", here]) { bench in bench.x.sum(axes: [2]) },
    .building("axis named twice", .invalidArgument, ["twice", here]) { bench in bench.x.sum(axes: [1, -1]) },
    .building("reshape to other elements", .shapeMismatch, ["reshape", here]) { bench in
      bench.x.reshaped(to: ["batch", 4])
    },
    .building("logits and labels of different kinds", .typeMismatch, ["labels", "i32", here]) { bench in
      sparseSoftmaxCrossEntropy(logits: bench.x, labels: bench.x.sum(axes: [1]))
    },
    .building("gradient of an integer", .typeMismatch, ["i32[batch]", "floating point", here]) { bench in
      bench.graph.gradients(of: [bench.ids], withRespectTo: [bench.x])[0]
    },
    .building("gradient of nothing", .invalidArgument, ["0 sources", here]) { bench in
      bench.graph.gradients(of: [], withRespectTo: [bench.x])[0]
    },
    .building("dropout at an impossible rate", .invalidArgument, ["2.0", "0...1"]) { bench in
      Dropout(2)(bench.x)
    },
    FaultyInput("concatenation of nothing", .unknownName, ["faulty"]) { bench in
      _ = try bench.session.compile(fetching: [concatenate([], axis: 0) + bench.x])
    },
  ]

  private static let declarations: [FaultyInput] = [
    .building("second variable of a name", .duplicateName, ["`w` exists already", "reuse", "first: w", here])
    { bench in
      _ = bench.graph.variable("w", shape: [2])
      return bench.graph.variable("w", shape: [2])
    },
    .building(
      "shared variable of another shape", .shapeMismatch, ["`s/w` is shared as f32[3] but is f32[2]", here]
    ) { bench in
      _ = bench.graph.scope("s") { bench.graph.variable("w", shape: [2]) }
      return bench.graph.scope("s", reuse: true) { bench.graph.variable("w", shape: [3]) }
    },
    .building("variable with a named dimension", .invalidArgument, ["[batch]", "numbers", here]) { bench in
      bench.graph.variable("w", shape: ["batch"])
    },
    .building("variable of negative extent", .invalidArgument, ["[-2]", here]) { bench in
      bench.graph.variable("w", shape: [-2])
    },
    .building("variable without end", .invalidArgument, ["more elements than can be held", here]) { bench in
      bench.graph.variable("w", shape: [1_099_511_627_776, 1_099_511_627_776])
    },
    .building("variable larger than memory", .invalidArgument, ["`w`", "bytes of memory"]) { bench in
      bench.graph.variable("w", shape: [1_073_741_824, 1_048_576])
    },
    .building("variable with blanks in its name", .invalidArgument, ["`my weight`", here]) { bench in
      bench.graph.variable("my weight", shape: [2])
    },
    .building("first value of another shape", .shapeMismatch, ["f32[2]", "f32[3]", "w"]) { bench in
      bench.graph.variable("w", shape: [3], initializer: .array(NDArray([1, 2] as [Float])))
    },
    .building("scope without a name", .invalidArgument, ["scope name ``", here]) { bench in
      bench.graph.scope("") { bench.x + 1 }
    },
    .building("placeholder of negative extent", .invalidArgument, ["extent -1", "named dimension", here]) {
      bench in
      bench.graph.placeholder("p", shape: [-1, 3])
    },
    .building("placeholder with a name that is none", .invalidArgument, ["`a b`", here]) { bench in
      bench.graph.placeholder("a b", shape: [3])
    },
    .building("assignment of another shape", .shapeMismatch, ["assign", "f32[3]", "f32[2]", here]) { bench in
      let w = bench.graph.variable("w", shape: [2])
      return bench.graph.assign(bench.graph.constant(try NDArray(zeros: [3])), to: w)
    },
    .building("assignment to an op", .invalidArgument, ["`risky/reduce_sum` is not a variable", here]) {
      bench in
      bench.graph.assign(bench.risky, to: bench.risky)
    },
  ]

  private static let layers: [FaultyInput] = [
    .building("dense layer of negative width", .invalidGraph, ["[3,-4]", "[-4]", "0 or more", here]) {
      bench in Dense(-4)(bench.x)
    },
    .building("dense layer on a scalar", .shapeMismatch, ["dense", "f32[]", "C1", here]) { bench in
      Dense(4)(bench.risky)
    },
    .building("dense layer on an open number of features", .shapeMismatch, ["f32[3,batch]", here]) { bench in
      Dense(4)(bench.x.transposed([1, 0]))
    },
    .building("dense layer called with other features", .shapeMismatch, ["matmul", "f32[time,2]", here]) {
      bench in
      let layer = Dense(4)
      _ = layer(bench.x)
      return layer(bench.series)
    },
    .building(
      "recurrent layer without a time axis", .shapeMismatch, ["lstm", "[batch, time, features]", here]
    ) { bench in
      LSTM(4)(bench.x)
    },
    .building("recurrent layer of negative width", .invalidGraph, ["[3,-4]", "0 or more", here]) { bench in
      LSTM(-1)(bench.x.expandingAxis(at: 1))
    },
    .building("embedding of real numbers", .typeMismatch, ["gather", "i32", here]) { bench in
      Embedding(count: 5, width: 2)(bench.x)
    },
    FaultyInput(
      "layer in two graphs", .invalidGraph,
      ["layer `dense`", "another graph", "one layer for each graph", here]
    ) { bench in
      let layer = Dense(4)
      let other = Graph()
      _ = layer(other.placeholder("x", shape: ["batch", 3]))
      _ = try bench.session.compile(fetching: [layer(bench.x)])
    },
  ]

  private static let loops: [FaultyInput] = [
    .building(
      "sequences of different lengths", .shapeMismatch,
      ["leading extent", "f32[time,2]", "f32[batch,3]", here]
    ) { bench in
      scan(over: [bench.series, bench.x], initial: []) { ScanResult(carries: [], outputs: $0.slices) }
        .outputs[0]
    },
    .building("state that changes its type", .shapeMismatch, ["carry 0 starts as f32[]", "f32[2]", here]) {
      bench in
      scan(over: [bench.series], initial: [bench.risky]) { step in
        ScanResult(carries: [step.carries[0] + step.slices[0]])
      }.carries[0]
    },
    .building("state that is lost", .invalidArgument, ["1 carries go in, the body returns 0", here]) {
      bench in
      scan(over: [bench.series], initial: [bench.risky]) { _ in ScanResult(carries: []) }.carries[0]
    },
    .building("loop over a scalar", .shapeMismatch, ["leading extent", here]) { bench in
      scan(over: [bench.risky], initial: []) { ScanResult(carries: [], outputs: $0.slices) }.outputs[0]
    },
    .building("fault inside a loop", .shapeMismatch, ["add", "[2]", "[3]", here]) { bench in
      let three = try NDArray(zeros: [3])
      return scan(over: [bench.series], initial: []) { step in
        ScanResult(carries: [], outputs: [step.slices[0] + bench.graph.constant(three)])
      }.outputs[0]
    },
    .building("value of a loop used outside", .invalidGraph, ["another graph", "inside its body", here]) {
      bench in
      var leaked: Tensor?
      _ = scan(over: [bench.series], initial: []) { step in
        leaked = step.slices[0] * 2
        return ScanResult(carries: [], outputs: step.slices)
      }
      return bench.graph.gradients(of: [leaked ?? bench.x], withRespectTo: [bench.x])[0]
    },
    .building("value of a loop used in another", .invalidGraph, ["another graph", here]) { bench in
      var leaked: Tensor?
      _ = scan(over: [bench.series], initial: []) { step in
        leaked = step.slices[0] * 2
        return ScanResult(carries: [], outputs: step.slices)
      }
      return scan(over: [bench.series], initial: []) { step in
        ScanResult(carries: [], outputs: [step.slices[0] + (leaked ?? bench.x)])
      }.outputs[0]
    },
    .building("loop without a graph", .invalidArgument, ["`in: graph`", here]) { bench in
      let count = scan(length: 3) { ScanResult(carries: [], outputs: [$0.index]) }.outputs[0]
      return count + bench.ids
    },
  ]
}
