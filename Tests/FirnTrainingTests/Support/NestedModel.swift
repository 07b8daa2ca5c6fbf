import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime

/// A small model with every way gradients can be cut: scopes three deep, a loop with a stop inside and the layer below it,
/// weights tied between two scopes, and a scope starved by a `stop_gradient`.
struct NestedModel {
  let graph = Graph()
  let loss: Tensor
  let feeds: Feeds

  /// Scopes whose subsets are frozen, outer ones included.
  static let scopes = [
    "encoder", "encoder/embed", "encoder/embed/scale", "encoder/lstm", "tied", "starved", "head",
  ]

  init() throws {
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    let targets = graph.placeholder("targets", shape: ["batch"], dtype: .i32)
    let graph = graph
    let encoded = graph.scope("encoder") {
      let embedded = graph.scope("embed") {
        let embedded = Dense(4, activation: .tanh)(x)
        return graph.scope("scale") {
          embedded * graph.variable("factor", shape: [4], role: "scale", initializer: .ones)
        }
      }
      return LSTM(5)(embedded)
    }
    let shared = graph.scope("tied") { graph.variable("table", shape: [6, 5], role: "table") }
    let logits = graph.scope("head") { () -> Tensor in
      let gate = graph.variable("gate", shape: [5], initializer: .constant(0.5))
      let mixed = scan(over: [encoded.expandingAxis(at: 0)], initial: [encoded]) { step in
        let fed = step.slices[0] * gate
        return ScanResult(carries: [tanh(step.carries[0] * gate + stopGradient(fed))])
      }.carries[0]
      return Dense(6)(mixed) + matmul(mixed, shared, transposeB: true)
    }
    let side = graph.scope("starved") { stopGradient(Dense(5)(encoded)) }
    let rebuilt = matmul(softmax(logits), shared)
    loss =
      sparseSoftmaxCrossEntropy(logits: logits, labels: targets).mean()
      + meanSquaredError(rebuilt, side)
    feeds = ["x": try noise([7, 2, 3]), "targets": labels(7, classes: 6)]
  }
}
