/// An op that does something else in inference than in training, such as dropout.
package protocol ModalOp: Op {
  /// What stands for it in one mode, as nodes of the operands' graph; nil where it stays as it is.
  func results(_ operands: [Tensor], inInference: Bool) -> [Tensor]?
}

extension ModalOp {
  package var isModal: Bool { true }
}
