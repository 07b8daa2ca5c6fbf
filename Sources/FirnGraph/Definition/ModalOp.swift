/// An op that does something else in inference than in training, such as dropout.
package protocol ModalOp: Op {
  /// The results in inference mode, as nodes of the operands' graph.
  func inferenceResults(_ operands: [Tensor]) -> [Tensor]
}
