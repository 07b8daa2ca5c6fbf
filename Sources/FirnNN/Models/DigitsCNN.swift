public import FirnGraph
import FirnOps

/// A small network for images of digits, `[batch, 8, 8, 1]`.
///
/// | scope | | result |
/// | --- | --- | --- |
/// | `trunk/conv1`, `trunk/bn1` | 3×3, ReLU, pool 2 | `[batch, 4, 4, 16]` |
/// | `trunk/conv2`, `trunk/bn2` | 3×3, ReLU, pool 2 | `[batch, 2, 2, 32]` |
/// | `trunk/fc` | ReLU | `[batch, 64]` |
/// | `head` | | `[batch, classes]` |
///
/// 13,754 parameters for ten classes. Other sizes of images work from 4 by 4 up.
public final class DigitsCNN: ImageClassifier {
  private let trunk: Block
  private var head: Dense
  private var scope: ModelScope

  /// The network with first values of its own.
  ///
  /// - Parameters:
  ///   - classes: how many scores it makes.
  ///   - name: the scope of the model; at the top of the graph without.
  public init(
    classes: Int = 10, name: String? = nil, file: StaticString = #fileID, line: UInt = #line
  ) {
    trunk = Block(
      (1...2).flatMap { number -> [any Layer] in
        [
          Conv2D(
            16 * number, kernel: 3, padding: .same, usesBias: false, initializers: .heNormalFanOut,
            name: "conv\(number)"), BatchNorm(name: "bn\(number)"), Apply(.relu),
          MaxPool2D(2, name: "pool\(number)"),
        ]
      } + [Flatten(), Dense(64, activation: .relu, name: "fc")], name: "trunk")
    head = Dense(classes, name: "head")
    scope = ModelScope(name, file, line)
  }

  /// Scores of classes, logits without softmax, `[batch, classes]`, of `images`.
  public func callAsFunction(_ images: Tensor) -> Tensor { scope.enterWhole(images) { head(trunk(images)) } }

  /// What the head reads, `[batch, 64]`, of `images`.
  public func features(_ images: Tensor) -> Tensor { scope.enter(images) { trunk(images) } }

  /// Puts a new `head` of `classes` outputs in the place of the last layer, for calls from now on.
  public func replaceHead(classes: Int) {
    scope.replacesHead()
    head = Dense(classes, name: "head")
  }
}
