import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining

/// Four dense layers, one above the other, with dropout between them: what is thawed and frozen layer by layer.
struct Tower {
  let graph = Graph()
  let x: Tensor
  let y: Tensor
  let logits: Tensor
  let loss: Tensor
  static let layers: [Selection] = ["layer1", "layer2", "layer3", "layer4"]

  init() {
    x = graph.placeholder("x", shape: ["batch", 5])
    y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
    var value = Dense(6, activation: .tanh, name: "layer1")(x)
    value = Dropout(0.2)(Dense(7, activation: .tanh, name: "layer2")(value))
    value = Dense(6, activation: .tanh, name: "layer3")(value)
    logits = Dense(3, name: "layer4")(value)
    loss = sparseSoftmaxCrossEntropy(logits: logits, labels: y).mean()
  }

  func data(_ count: Int, _ name: String = "data") throws -> DataSet {
    let rows = try noise([count, 5], name)
    return try DataSet([x: rows, y: NDArray(rows.rows.map { Int32($0[0] > 0.3 ? 2 : $0[1] > 0 ? 1 : 0) })])
  }

  func session(seed: UInt64 = 3) throws -> Session { try quietSession(graph, seed: seed) }
}
