public import FirnGraph
import FirnOps

/// The share of rows whose largest logit is that of the label: a scalar on 0...1, without gradient.
///
/// Of equal logits the first counts; a row with NaN counts as its first NaN's class. Of no rows it is NaN.
///
/// | operand | type |
/// | --- | --- |
/// | logits | `f32[…, classes]`, or `f64` |
/// | labels | `i32[…]` |
/// | result | `f32[]`, as the logits |
///
/// Constraints: (C1) the shapes of labels and of the rows broadcast, and logits are floating point; (C2) labels are
/// `i32`, and logits have an axis; (C3) of at least one class.
///
/// - Complexity: one pass over logits, 1 FLOP an element.
public func accuracy(
  logits: Tensor, labels: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  equal(logits.argmax(axis: -1, file: file, line: line), labels, file: file, line: line)
    .cast(to: logits.dtype).mean()
}
