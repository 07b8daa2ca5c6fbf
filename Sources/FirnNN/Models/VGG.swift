public import FirnGraph
import FirnOps

/// A network of 3×3 convolutions, as torchvision builds it.
///
/// Scopes: `features/0` and so on by torchvision's counting, `classifier/0`, `classifier/3`, `classifier/6`. Images
/// smaller than 32 by 32 are an error. What `classifier/0` reads is flattened channels last, torchvision flattens
/// channels first: `NameMap.torchvisionVGG` puts its rows in order.
///
/// Simonyan and Zisserman, ICLR 2015, table 1, columns A and D.
public final class VGG: ImageClassifier {
  /// Which columns of the paper's table are built.
  public enum Depth: Int, Hashable, Sendable, CaseIterable {
    /// Eight convolutions, column A; 133 million parameters for 1000 classes.
    case vgg11 = 11
    /// Thirteen convolutions, column D; 138 million parameters for 1000 classes.
    case vgg16 = 16

    /// Features of the convolutions between one pool and the next.
    var stages: [[Int]] {
      switch self {
      case .vgg11: [[64], [128], [256, 256], [512, 512], [512, 512]]
      case .vgg16: [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]]
      }
    }
  }

  private let trunk: [any Layer]
  private let classifier: Sequential
  private var scope: ModelScope

  /// The network with first values of its own; `NameMap.torchvisionVGG` loads torchvision's.
  ///
  /// - Parameters:
  ///   - depth: how many layers with weights it has.
  ///   - usesBatchNorm: whether one follows each convolution.
  ///   - classes: how many scores it makes.
  ///   - dropout: the rate after each hidden layer of the classifier, in training mode only.
  ///   - name: the scope of the model; at the top of the graph without.
  public init(
    _ depth: Depth, usesBatchNorm: Bool = false, classes: Int = 1000, dropout: Double = 0.5,
    name: String? = nil, file: StaticString = #fileID, line: UInt = #line
  ) {
    var layers: [any Layer] = []
    for stage in depth.stages {
      for features in stage {
        layers.append(
          Conv2D(features, kernel: 3, padding: .symmetric(1, 1), initializers: .heNormalFanOut))
        if usesBatchNorm { layers.append(BatchNorm()) }
        layers.append(Apply(.relu))
      }
      layers.append(MaxPool2D(2))
    }
    trunk = [
      Sequential(layers, name: "features"),
      Apply(name: "avgpool") { adaptiveAveragePool2d($0, to: (7, 7)) },
      Flatten(),
    ]
    classifier = Sequential(
      [
        Self.dense(4096), Apply(.relu), Dropout(dropout), Self.dense(4096), Apply(.relu), Dropout(dropout),
        Self.dense(classes),
      ], name: "classifier")
    scope = ModelScope(name, file, line)
  }

  /// Scores of classes, logits without softmax, `[batch, classes]`, of `images`.
  public func callAsFunction(_ images: Tensor) -> Tensor {
    scope.enterWhole(images) { classifier(trunk.reduce(images) { $1($0) }) }
  }

  /// What the classifier reads, `[batch, 25088]`, of `images`.
  public func features(_ images: Tensor) -> Tensor {
    scope.enter(images) { trunk.reduce(images) { $1($0) } }
  }

  /// Puts a new `classifier/6` of `classes` outputs in the place of the last layer, for calls from now on.
  public func replaceHead(classes: Int) {
    scope.replacesHead()
    classifier.replace(6, by: Self.dense(classes))
  }

  private static func dense(_ units: Int) -> Dense {
    Dense(units, initializers: WeightInitializers(kernel: .normal(deviation: 0.01)))
  }
}
