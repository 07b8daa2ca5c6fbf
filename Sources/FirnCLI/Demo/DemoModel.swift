internal import FirnGraph
internal import FirnNN
internal import FirnOps

/// An LSTM that reads an image row by row, and a classifier on its last state.
struct DemoModel {
  static let units = 128
  static let batchSize = 32

  let graph = Graph()
  let images: Tensor
  let labels: Tensor
  let loss: Tensor
  let accuracy: Tensor

  /// - Parameters:
  ///   - head: the scope of the classifier; a new name is a new classifier.
  ///   - stopsAtEncoder: whether a `stop_gradient` node stands between encoder and head.
  init(head: String, stopsAtEncoder: Bool = false) {
    let images = graph.placeholder("images", shape: ["batch", 8, 8])
    labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    self.images = images
    var code = graph.scope("encoder") { LSTM(DemoModel.units)(images) }
    if stopsAtEncoder { code = stopGradient(code) }
    let logits = graph.scope(head) { Dense(5)(Dropout(0.1)(code)) }
    loss = graph.scope("loss") { [labels] in sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean()
    }
    accuracy = graph.scope("accuracy") { [labels] in FirnNN.accuracy(logits: logits, labels: labels) }
  }
}
