public import FirnGraph

/// The loss of choosing one of several classes, with weights of classes, labels that do not count, and smoothing.
///
/// y = w[label] ((1 - ε) (-log p[label]) + …), p = softmax(logits): PyTorch's `cross_entropy` in all it can be told.
///
/// | operand | type |
/// | --- | --- |
/// | logits | `f32` or `f64`, [batch…, classes], before the softmax |
/// | labels | `i32`, [batch…], each in 0..<classes, or `ignoring` |
/// | classWeights | as logits, [classes] |
/// | result | as logits: [], or [batch…] of `.none` |
///
/// With smoothing ε the truth is (1 - ε) for the label and ε / classes for every class, each weighted by its class. The
/// mean is divided by the sum of the weights of the labels that count, as PyTorch does it; of none that counts it is
/// NaN. A label ignored has loss and gradient 0; where its logits are NaN, so is their gradient, as in PyTorch.
///
/// Szegedy and others, "Rethinking the Inception Architecture", 2016, section 7, for the smoothing.
///
/// Constraints: (C1) logits are floating point; (C2) labels are `i32`; (C3) labels have the shape of logits without its
/// last axis; (C4) there is one weight for each class, of the logits' type; (C5) smoothing is in 0...1. A label outside
/// is an error of the run, `.indexOutOfRange`.
///
/// - Parameters:
///   - logits: before the softmax.
///   - labels: which class is true.
///   - classWeights: nil for ones.
///   - ignored: a label whose examples do not count; PyTorch's -100.
///   - smoothing: ε, the share of the truth that all classes have.
///   - reduction: what becomes of the examples' losses.
/// - Complexity: 4 FLOPs an element of logits; 8 with smoothing.
public func crossEntropy(
  logits: Tensor, labels: Tensor, classWeights: Tensor? = nil, ignoring ignored: Int? = nil,
  smoothing: Double = 0, reduction: LossReduction = .mean, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  guard let labelled = Labelled("crossEntropy", logits, labels, classWeights, ignored, CallSite(file, line))
  else { return .poisoned(in: logits.graph) }
  guard (0...1).contains(smoothing) else {
    return logits.fault(
      .invalidArgument, "crossEntropy: a smoothing of \(smoothing)", remedy: "give a share in 0...1",
      constraint: "C5", location: CallSite(file, line))
  }
  return logits.composing(file, line) { logits in
    let ofLabel = sparseSoftmaxCrossEntropy(logits: logits, labels: labelled.labels)
    var losses = labelled.weights.map { ofLabel * $0 } ?? ofLabel
    if smoothing > 0, let classes = logits.shape.last {
      let all = classWeights.map { logSoftmax(logits) * $0 } ?? logSoftmax(logits)
      let uniform = all.sum(axes: [-1]) / logits.graph.extent(classes, dtype: logits.dtype)
      losses = losses * (1 - smoothing) - uniform * smoothing
    }
    return labelled.reduced(losses, reduction)
  }
}

/// Minus the logarithm of the true class's probability, from logarithms: PyTorch's `nll_loss`.
///
/// y = -w[label] x[label], with x the logarithms of probabilities, as `logSoftmax` makes them; `crossEntropy` does
/// both.
///
/// | operand | type |
/// | --- | --- |
/// | logProbabilities | `f32` or `f64`, [batch…, classes] |
/// | labels | `i32`, [batch…], each in 0..<classes, or `ignoring` |
/// | classWeights | as logProbabilities, [classes] |
/// | result | as logProbabilities: [], or [batch…] of `.none` |
///
/// The mean is divided by the sum of the weights of the labels that count; of none that counts it is NaN.
///
/// Constraints: (C1) logProbabilities are floating point; (C2) labels are `i32`; (C3) labels have the shape of
/// logProbabilities without its last axis; (C4) there is one weight for each class, of their type. A label outside is
/// an error of the run, `.indexOutOfRange`.
///
/// - Parameters:
///   - logProbabilities: logarithms.
///   - labels: which class is true.
///   - classWeights: nil for ones.
///   - ignored: a label whose examples do not count; PyTorch's -100.
///   - reduction: what becomes of the examples' losses.
/// - Complexity: 5 FLOPs a label.
public func negativeLogLikelihood(
  logProbabilities: Tensor, labels: Tensor, classWeights: Tensor? = nil, ignoring ignored: Int? = nil,
  reduction: LossReduction = .mean, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  guard
    let labelled = Labelled(
      "negativeLogLikelihood", logProbabilities, labels, classWeights, ignored, CallSite(file, line))
  else { return .poisoned(in: logProbabilities.graph) }
  return logProbabilities.composing(file, line) { x in
    let checked = labelled.labels.checked(below: x.extent(-1))
    let chosen = gatherElements(x, indices: checked.inserting([labels.rank]), axis: -1)
    let losses = -chosen.withoutAxes([-1])
    return labelled.reduced(labelled.weights.map { losses * $0 } ?? losses, reduction)
  }
}

/// The loss of independent yes-or-no answers in which easy ones count less: focal loss, element by element, unreduced.
///
/// α (1 - p)^γ (-log p), with p the probability σ(x) gives the truth: torchvision's `sigmoid_focal_loss`.
///
/// Lin and others, "Focal Loss for Dense Object Detection", 2017, equation 5.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point; (C4) γ is not negative.
///
/// - Parameters:
///   - logits: x, before the sigmoid.
///   - labels: on 0...1; gradients pass to them as well.
///   - gamma: γ; of 0 it is the cross entropy.
///   - alpha: the weight of a label of 1, one minus that of a label of 0; nil for none.
/// - Complexity: 20 FLOPs an element.
public func focalLoss(
  logits: Tensor, labels: Tensor, gamma: Double = 2, alpha: Double? = 0.25, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  guard gamma >= 0 else {
    return logits.fault(
      .invalidArgument, "focalLoss: gamma \(gamma)", remedy: "give 0 or more", constraint: "C4",
      location: location)
  }
  guard let (x, z) = aligned("focalLoss", logits, labels, location: location) else {
    return .poisoned(in: logits.graph)
  }
  return x.composing(file, line) { x in
    let p = sigmoid(x)
    // 1 - p z - (1 - p) (1 - z)
    let missed = p + z - (p * z) * 2
    let focus = gamma == 2 ? square(missed) : gamma == 1 ? missed : pow(missed, gamma)
    var losses = sigmoidCrossEntropy(logits: x, labels: z)
    if gamma > 0 { losses = losses * focus }
    guard let alpha else { return losses }
    return losses * (z * (2 * alpha - 1) + (1 - alpha))
  }
}

/// The hinge loss of answers that are -1 or 1, element by element and unreduced: max(0, margin - y x).
///
/// Keras's `Hinge` before its mean. The gradient at the hinge is 0.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point.
///
/// - Parameters:
///   - scores: x.
///   - labels: y, -1 or 1.
///   - margin: how far a score is to be on the right side.
/// - Complexity: 3 FLOPs an element.
public func hingeLoss(
  scores: Tensor, labels: Tensor, margin: Double = 1, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  scores.composing(file, line) { scores in
    let product = scores * labels
    return product.isPoisoned ? product : relu(margin - product)
  }
}

/// The hinge loss of choosing one of several classes, for each row and unreduced: PyTorch's `multi_margin_loss`.
///
/// y = Σ_{c ≠ label} max(0, margin - x[label] + x[c])^p / classes
///
/// | operand | type |
/// | --- | --- |
/// | scores | `f32` or `f64`, [batch…, classes] |
/// | labels | `i32`, [batch…], each in 0..<classes |
/// | result | as scores, [batch…] |
///
/// Constraints: (C1) scores are floating point; (C2) labels are `i32`; (C3) labels have the shape of scores without its
/// last axis; (C4) p is 1 or 2. A label outside is an error of the run, `.indexOutOfRange`.
///
/// - Complexity: 5 FLOPs an element of scores.
public func multiMarginLoss(
  scores: Tensor, labels: Tensor, margin: Double = 1, p: Int = 1, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  guard (1...2).contains(p) else {
    return scores.fault(
      .invalidArgument, "multiMarginLoss: p is \(p)", remedy: "give 1 or 2", constraint: "C4",
      location: location)
  }
  guard let labelled = Labelled("multiMarginLoss", scores, labels, nil, nil, location) else {
    return .poisoned(in: scores.graph)
  }
  return scores.composing(file, line) { x in
    let indices = labelled.labels.checked(below: x.extent(-1)).inserting([labels.rank])
    let missed = relu(x - gatherElements(x, indices: indices, axis: -1) + margin)
    let losses = p == 1 ? missed : square(missed)
    let classes = x.extent(-1)
    let others = select(
      where: oneHot(labelled.labels, depth: classes, dtype: .bool), x.filled(0), otherwise: losses)
    return others.sum(axes: [-1]) / x.graph.extent(classes, dtype: x.dtype)
  }
}

/// Labels ready to be looked up, and what each weighs.
private struct Labelled {
  /// Those ignored are 0.
  let labels: Tensor
  /// Nil where each weighs 1; 0 for those ignored.
  let weights: Tensor?
  /// Whether each counts; nil where all do.
  let counts: Tensor?

  /// Nil, with the fault on record, where operands do not fit.
  init?(
    _ what: String, _ scores: Tensor, _ labels: Tensor, _ classWeights: Tensor?, _ ignored: Int?,
    _ location: CallSite
  ) {
    if scores.isPoisoned || labels.isPoisoned || classWeights?.isPoisoned == true { return nil }
    func refuse(_ code: FirnError.Code, _ message: String, _ remedy: String, _ constraint: String) {
      _ = scores.fault(
        code, "\(what): \(message)", remedy: remedy, constraint: constraint, operands: [scores, labels],
        location: location)
    }
    guard scores.dtype.isFloatingPoint else {
      refuse(.typeMismatch, "scores are \(scores.type), not floating point", "cast them to f32", "C1")
      return nil
    }
    guard labels.dtype == .i32 else {
      refuse(.typeMismatch, "labels are \(labels.type), not i32", "cast them to i32", "C2")
      return nil
    }
    guard scores.rank >= 1, scores.shape.dropLast().elementsEqual(labels.shape) else {
      refuse(
        .shapeMismatch, "scores are \(scores.type), labels \(labels.type)",
        "give one label for each row of scores", "C3")
      return nil
    }
    if let classWeights, classWeights.type != TensorType(scores.dtype, [scores.extent(-1)]) {
      refuse(
        .shapeMismatch, "weights are \(classWeights.type) for \(scores.extent(-1)) classes",
        "give one for each class, of the scores' type", "C4")
      return nil
    }
    let graph = scores.graph
    let result = graph.at(location) { () -> (Tensor, Tensor?, Tensor?) in
      guard let ignored else {
        return (labels, classWeights.map { gather($0, indices: labels) }, nil)
      }
      let counts = notEqual(labels, Double(ignored))
      let safe = select(where: counts, labels, otherwise: labels.filled(0))
      let weights =
        classWeights.map { weights in
          let chosen = gather(weights, indices: safe)
          return select(where: counts, chosen, otherwise: chosen.filled(0))
        } ?? counts.cast(to: scores.dtype)
      return (safe, weights, counts)
    }
    (self.labels, weights, counts) = result
  }

  /// Losses, weighted already, of the labels that count.
  func reduced(_ losses: Tensor, _ reduction: LossReduction) -> Tensor {
    if losses.isPoisoned { return losses }
    let counted = counts.map { select(where: $0, losses, otherwise: losses.filled(0)) } ?? losses
    guard reduction == .mean, let weights else { return reduction(counted) }
    return counted.sum() / weights.sum()
  }
}
