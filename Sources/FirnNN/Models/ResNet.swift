public import FirnGraph
import FirnOps

/// A residual network for images, as torchvision builds it.
///
/// | | 18 | 34 | 50 |
/// | --- | --- | --- | --- |
/// | blocks of `layer1` … `layer4` | 2, 2, 2, 2 | 3, 4, 6, 3 | 3, 4, 6, 3 |
/// | convolutions a block | 3×3, 3×3 | 3×3, 3×3 | 1×1, 3×3, 1×1 |
/// | features | 512 | 512 | 2048 |
///
/// Scopes: `conv1`, `bn1`, `layer1/0/conv1` and so on, `layer2/0/downsample/0`, `fc`. Of a block of three convolutions
/// the second has the stride.
///
/// He et al., CVPR 2016, table 1.
public final class ResNet: ImageClassifier {
  /// Which columns of the paper's table are built.
  public enum Depth: Int, Hashable, Sendable, CaseIterable {
    /// Blocks of two convolutions, 2, 2, 2 and 2 of them; 11.7 million parameters for 1000 classes.
    case resNet18 = 18
    /// Blocks of two convolutions, 3, 4, 6 and 3 of them; 21.8 million parameters.
    case resNet34 = 34
    /// Blocks of three convolutions, 3, 4, 6 and 3 of them; 25.6 million parameters.
    case resNet50 = 50

    var blocks: [Int] { self == .resNet18 ? [2, 2, 2, 2] : [3, 4, 6, 3] }
    /// What a block's last convolution makes for each that its first does.
    var expansion: Int { self == .resNet50 ? 4 : 1 }
  }

  private let trunk: [any Layer]
  private var head: Dense
  private var scope: ModelScope

  /// The network with first values of its own; `NameMap.torchvisionResNet` loads torchvision's.
  ///
  /// - Parameters:
  ///   - depth: how many layers with weights it has.
  ///   - classes: how many scores it makes.
  ///   - name: the scope of the model; at the top of the graph without.
  public init(
    _ depth: Depth, classes: Int = 1000, name: String? = nil, file: StaticString = #fileID, line: UInt = #line
  ) {
    var layers: [any Layer] = [
      Self.convolution(64, 7, stride: 2, "conv1"), BatchNorm(name: "bn1"), Apply(.relu),
      MaxPool2D(3, stride: 2, padding: .symmetric(1, 1), name: "maxpool"),
    ]
    var channels = 64
    for (stage, count) in depth.blocks.enumerated() {
      let width = 64 << stage
      let blocks = (0..<count).map { number in
        let stride = stage > 0 && number == 0 ? 2 : 1
        defer { channels = width * depth.expansion }
        return Self.block(depth, width, stride: stride, from: channels)
      }
      layers.append(Sequential(blocks, name: "layer\(stage + 1)"))
    }
    trunk = layers + [GlobalAveragePool2D(name: "avgpool")]
    head = Dense(classes, name: "fc")
    scope = ModelScope(name, file, line)
  }

  /// Scores of classes, logits without softmax, `[batch, classes]`, of `images`.
  public func callAsFunction(_ images: Tensor) -> Tensor {
    scope.enterWhole(images) { head(trunk.reduce(images) { $1($0) }) }
  }

  /// What the head reads, `[batch, 512 or 2048]`, of `images`.
  public func features(_ images: Tensor) -> Tensor {
    scope.enter(images) { trunk.reduce(images) { $1($0) } }
  }

  /// Puts a new `fc` of `classes` outputs in the place of the last layer, for calls from now on.
  public func replaceHead(classes: Int) {
    scope.replacesHead()
    head = Dense(classes, name: "fc")
  }

  private static func convolution(
    _ features: Int, _ kernel: Int, stride: Int = 1, _ name: String = "conv"
  ) -> Conv2D {
    Conv2D(
      features, kernel: kernel, stride: stride, padding: .symmetric(kernel / 2, kernel / 2), usesBias: false,
      initializers: .heNormalFanOut, name: name)
  }

  private static func block(_ depth: Depth, _ width: Int, stride: Int, from channels: Int) -> ResidualBlock {
    let made = width * depth.expansion
    let body: [any Layer] =
      depth.expansion == 1
      ? [
        convolution(width, 3, stride: stride, "conv1"), BatchNorm(name: "bn1"), Apply(.relu),
        convolution(width, 3, "conv2"), BatchNorm(name: "bn2"),
      ]
      : [
        convolution(width, 1, "conv1"), BatchNorm(name: "bn1"), Apply(.relu),
        convolution(width, 3, stride: stride, "conv2"), BatchNorm(name: "bn2"), Apply(.relu),
        convolution(made, 1, "conv3"), BatchNorm(name: "bn3"),
      ]
    let shortcut =
      stride == 1 && channels == made
      ? nil
      : Sequential(
        [convolution(made, 1, stride: stride), BatchNorm()], name: "downsample")
    return ResidualBlock(body, shortcut: shortcut)
  }
}
