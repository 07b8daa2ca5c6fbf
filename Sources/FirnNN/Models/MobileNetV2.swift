public import FirnGraph
import FirnOps

/// A network of inverted residuals with depthwise convolutions, as torchvision builds it (width 1).
///
/// Scopes: `features/0/0` (convolution) and `features/0/1` (norm), `features/1/conv/0/0` and so on, `features/18`,
/// `classifier/1`.
///
/// Sandler et al., CVPR 2018, table 2.
public final class MobileNetV2: ImageClassifier {
  /// Expansion, channels, blocks and the first one's stride.
  private static let stages = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
  ]

  private let trunk: [any Layer]
  private let classifier: Sequential
  private var scope: ModelScope

  /// The network with first values of its own; `NameMap.torchvisionMobileNetV2` loads torchvision's.
  ///
  /// - Parameters:
  ///   - classes: how many scores it makes.
  ///   - dropout: the rate before the last layer, in training mode only.
  ///   - name: the scope of the model; at the top of the graph without.
  public init(
    classes: Int = 1000, dropout: Double = 0.2, name: String? = nil, file: StaticString = #fileID,
    line: UInt = #line
  ) {
    var channels = 32
    var layers: [any Layer] = [Self.unit(channels, kernel: 3, stride: 2)]
    for (expansion, features, count, stride) in Self.stages {
      for number in 0..<count {
        layers.append(
          Self.block(channels, features, expansion: expansion, stride: number == 0 ? stride : 1))
        channels = features
      }
    }
    layers.append(Self.unit(1280, kernel: 1))
    trunk = [Sequential(layers, name: "features"), GlobalAveragePool2D(name: "avgpool")]
    classifier = Sequential([Dropout(dropout), Self.dense(classes)], name: "classifier")
    scope = ModelScope(name, file, line)
  }

  /// Scores of classes, logits without softmax, `[batch, classes]`, of `images`.
  public func callAsFunction(_ images: Tensor) -> Tensor {
    scope.enterWhole(images) { classifier(trunk.reduce(images) { $1($0) }) }
  }

  /// What the classifier reads, `[batch, 1280]`, of `images`.
  public func features(_ images: Tensor) -> Tensor {
    scope.enter(images) { trunk.reduce(images) { $1($0) } }
  }

  /// Puts a new `classifier/1` of `classes` outputs in the place of the last layer, for calls from now on.
  public func replaceHead(classes: Int) {
    scope.replacesHead()
    classifier.replace(1, by: Self.dense(classes))
  }

  private static func dense(_ units: Int) -> Dense {
    Dense(units, initializers: WeightInitializers(kernel: .normal(deviation: 0.01)))
  }

  private static func convolution(
    _ features: Int, kernel: Int, stride: Int = 1, groups: Int = 1
  ) -> Conv2D {
    Conv2D(
      features, kernel: kernel, stride: stride, padding: .symmetric(kernel / 2, kernel / 2), groups: groups,
      usesBias: false, initializers: .heNormalFanOut)
  }

  /// Convolution, norm and ReLU6.
  private static func unit(_ features: Int, kernel: Int, stride: Int = 1, groups: Int = 1) -> Sequential {
    Sequential([
      convolution(features, kernel: kernel, stride: stride, groups: groups), BatchNorm(),
      Apply { minimum(relu($0), 6) },
    ])
  }

  private static func block(
    _ channels: Int, _ features: Int, expansion: Int, stride: Int
  ) -> any Layer {
    let inner = channels * expansion
    var layers: [any Layer] = expansion == 1 ? [] : [unit(inner, kernel: 1)]
    layers += [
      unit(inner, kernel: 3, stride: stride, groups: inner), convolution(features, kernel: 1), BatchNorm(),
    ]
    let body = Sequential(layers, name: "conv")
    return stride == 1 && channels == features
      ? ResidualBlock([body], activation: .linear) : Block([body])
  }
}
