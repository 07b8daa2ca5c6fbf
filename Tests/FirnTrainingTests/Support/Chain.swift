import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime

/// A classifier of three layers, each in a scope of its own: `lower`, `middle`, `upper`.
struct Chain {
  let graph = Graph()
  let input: Tensor
  let targets: Tensor
  let middle: Tensor
  let loss: Tensor
  let feeds: Feeds

  /// - Parameter lstm: whether the middle layer is a loop.
  init(lstm: Bool = false, dtype: DType = .f32) throws {
    input = graph.placeholder("input", shape: ["batch", "time", 3], dtype: dtype)
    targets = graph.placeholder("targets", shape: ["batch"], dtype: .i32)
    let lower = Dense(4, activation: .tanh, name: "lower")(input)
    middle =
      lstm
      ? LSTM(5, name: "middle")(lower) : Dense(5, activation: .tanh, name: "middle")(lower).mean(axes: [1])
    loss = sparseSoftmaxCrossEntropy(logits: Dense(6, name: "upper")(middle), labels: targets).mean()
    feeds = [
      "input": try noise([7, 2, 3], dtype: dtype), "targets": labels(7, classes: 6),
    ]
  }
}
