public import FirnGraph
import FirnOps

/// A network of two parts: a trunk that makes features of images, and a head that makes scores of classes.
///
/// Images are `[batch, height, width, 3]` (1 for digits), `f32`, channels last; torchvision's weights want them as its
/// transforms give them, but for the order of axes: each channel less its mean, divided by its deviation. Scores are
/// logits, for `sparseSoftmaxCrossEntropy`. Without a name a model's layers stand at the top of the graph, where their
/// paths are torchvision's: `layer1.0.conv1.weight` is `layer1/0/conv1/kernel`, of a batch norm `weight`, `bias`,
/// `running_mean` and `running_var` are `gamma`, `beta`, `moving_mean` and `moving_variance`; variables are made in the
/// order of its state dictionary.
///
/// Constraints: (C1) images are not `[batch, 3, height, width]` or `[batch, 1, height, width]`, channels first as PyTorch
/// has them: `images.transposed([0, 2, 3, 1])` puts them last; those of the layers.
public protocol ImageClassifier: Layer {
  /// What the head reads, `[batch, features]`: the model without its head.
  func features(_ images: Tensor) -> Tensor

  /// Puts a new layer in the place of the last one, for calls from now on.
  ///
  /// The new one reads the same features and begins with first values of its own: how transfer learning starts. Call it
  /// before the model: what a call has made stays as it is, which a warning says, and the next call puts the new head
  /// beside the old, as `fc_1`.
  func replaceHead(classes: Int)
}

/// The scope of a model, or none where it stands at the top.
struct ModelScope {
  private var scope: LayerScope?
  private let location: CallSite
  /// Where the model was called, head and all.
  private var caller: Graph?

  init(_ name: String?, _ file: StaticString, _ line: UInt) {
    scope = name.map { LayerScope($0, file, line) }
    location = CallSite(file, line)
  }

  /// Runs the whole model, its head included.
  mutating func enterWhole(_ input: Tensor, _ body: () -> Tensor) -> Tensor {
    caller = input.graph
    return enter(input, body)
  }

  /// Says that a head has been made already, where one has.
  func replacesHead() {
    caller?.warn(
      "`replaceHead` after the model was called changes nothing of what the call made: call it before the model, or use "
        + "what the model makes when it is called again, in which the new head stands beside the old")
  }

  mutating func enter(_ input: Tensor, _ body: () -> Tensor) -> Tensor {
    if input.isPoisoned { return input }
    if input.type.looksChannelsFirst {
      return input.graph.report(
        FirnError(
          .shapeMismatch, "the images \(input.type) seem to have their channels first",
          remedy: TensorType.channelsLastRemedy,
          constraint: "C1", location: location), operands: [input])
    }
    if scope == nil { return input.graph.current.at(location, body) }
    return scope?.enter(input) { _ in body() } ?? .poisoned(in: input.graph)
  }
}

extension WeightInitializers {
  /// He et al., ICCV 2015, by what a layer makes: torchvision's choice for convolutions.
  static let heNormalFanOut = WeightInitializers(
    kernel: .varianceScaling(scale: 2, mode: .fanOut, distribution: .normal))
}
