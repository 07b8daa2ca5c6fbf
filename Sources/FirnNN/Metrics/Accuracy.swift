public import FirnGraph
import FirnOps

/// The share of rows whose largest logit is that of the label: a scalar on 0...1, without gradient.
///
/// | operand | type |
/// | --- | --- |
/// | logits | `f32[…, classes]` |
/// | labels | `i32[…]` |
public func accuracy(
  logits: Tensor, labels: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  equal(logits.argmax(axis: -1, file: file, line: line), labels, file: file, line: line)
    .cast(to: logits.dtype).mean()
}
