public import FirnGraph

/// Half the square of small differences, and what grows by their size beyond; element by element and unreduced.
///
/// d² / 2 where |d| ≤ delta, else delta (|d| - delta / 2): PyTorch's `huber_loss`; divided by delta its
/// `smooth_l1_loss`.
///
/// Huber, "Robust Estimation of a Location Parameter", 1964.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point; (C4) delta is positive.
///
/// - Complexity: 6 FLOPs an element.
public func huberLoss(
  _ a: Tensor, _ b: Tensor, delta: Double = 1, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  guard delta > 0 else {
    return a.fault(
      .invalidArgument, "huberLoss: delta \(delta)", remedy: "give a positive number", constraint: "C4",
      location: CallSite(file, line))
  }
  return a.composing(file, line) { a in
    let difference = a - b
    if difference.isPoisoned { return difference }
    if delta == .infinity { return square(difference) * 0.5 }
    let size = abs(difference)
    // Both halves at once: a half that is not chosen would have a gradient of its own where differences are infinite.
    let near = minimum(size, delta)
    return near * (size - near * 0.5)
  }
}

/// The cosine of the angle between vectors along an axis: a·b / (max(‖a‖, ε) max(‖b‖, ε)).
///
/// PyTorch's `cosine_similarity`; ε keeps vectors of 0 from being divided by, and a vector shorter than it has the
/// gradient of the product alone.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type, floating point, and `axis` is one of the broadcast
/// axes.
///
/// - Parameters:
///   - a: vectors.
///   - b: vectors.
///   - axis: counts from the end where negative; the result lacks it.
///   - epsilon: ε.
/// - Complexity: 6 FLOPs an element.
public func cosineSimilarity(
  _ a: Tensor, _ b: Tensor, axis: Int = -1, epsilon: Double = 1e-8, file: StaticString = #fileID,
  line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  guard let (a, b) = aligned("cosineSimilarity", a, b, location: location),
    let axis = a.axis(axis, "cosineSimilarity", constraint: "C2", location: location)
  else { return .poisoned(in: a.graph) }
  return a.composing(file, line) { a in
    func length(_ x: Tensor) -> Tensor {
      let length = x.norm(axes: [axis])
      return length.isPoisoned ? length : clamp(length, min: epsilon)
    }
    let lengths = length(a) * length(b)
    return lengths.isPoisoned ? lengths : (a * b).sum(axes: [axis]) / lengths
  }
}

/// How much nearer an anchor is to what is like it than to what is not, for each example and unreduced.
///
/// max(0, ‖a - p‖ - ‖a - n‖ + margin), along the last axis: PyTorch's `triplet_margin_loss`.
///
/// Schroff, Kalenichenko and Philbin, "FaceNet", 2015, equation 2, with distances for their squares.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type, floating point, with an axis; (C3) p is positive.
///
/// - Parameters:
///   - anchor: a.
///   - positive: what is to be near.
///   - negative: what is to be far.
///   - margin: by how much.
///   - p: the order of the norm.
///   - epsilon: added to each difference, as in PyTorch, which keeps equal vectors from having no gradient.
///   - swapping: compares the negative with the nearer of anchor and positive.
/// - Complexity: 10 FLOPs an element.
public func tripletLoss(
  anchor: Tensor, positive: Tensor, negative: Tensor, margin: Double = 1, p: Double = 2,
  epsilon: Double = 1e-6, swapping: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  anchor.composing(file, line) { anchor in
    func distance(_ a: Tensor, _ b: Tensor) -> Tensor {
      let difference = a - b
      return difference.isPoisoned ? difference : (difference + epsilon).norm(p, axes: [-1])
    }
    let near = distance(anchor, positive)
    var far = distance(anchor, negative)
    if swapping { far = minimum(far, distance(positive, negative)) }
    let difference = near - far
    return difference.isPoisoned ? difference : relu(difference + margin)
  }
}

/// The loss of finding each query's own key among all of a batch: InfoNCE, a scalar.
///
/// The mean cross entropy of q k ᵀ / temperature, rows and columns being vectors of length 1, against the diagonal.
///
/// | operand | type |
/// | --- | --- |
/// | queries | `f32` or `f64`, [batch, width] |
/// | keys | as queries; row i belongs to query i |
/// | negatives | as queries, [count, width]: more keys that belong to none, such as MoCo's queue |
/// | result | [] |
///
/// With `isSymmetric` it is the mean of that and of finding each key's query, as in CLIP. A named batch is allowed.
///
/// Van den Oord, Li and Vinyals, "Representation Learning with Contrastive Predictive Coding", 2018, equation 4.
///
/// Constraints: (C1) queries and keys are of one type [batch, width], and negatives as wide; (C2) it is floating point;
/// (C3) the temperature is positive.
///
/// - Parameters:
///   - queries: what looks for a key.
///   - keys: what is looked for.
///   - negatives: nil for only the other queries' keys.
///   - temperature: what cosines are divided by.
///   - isSymmetric: whether keys look for their queries too; negatives are for queries alone.
/// - Complexity: 2 batch (batch + count) width FLOPs.
public func contrastiveLoss(
  queries: Tensor, keys: Tensor, negatives: Tensor? = nil, temperature: Double = 0.07,
  isSymmetric: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  if queries.isPoisoned || keys.isPoisoned || negatives?.isPoisoned == true {
    return .poisoned(in: queries.graph)
  }
  let isWide = negatives.map {
    $0.rank == 2 && $0.dtype == queries.dtype && $0.shape[1] == queries.shape.last
  }
  guard queries.rank == 2, keys.type == queries.type, isWide != false else {
    return queries.fault(
      .shapeMismatch,
      "contrastiveLoss: queries are \(queries.type), keys \(keys.type)"
        + (negatives.map { ", negatives \($0.type)" } ?? ""),
      remedy: "give one key for each query, all of one width", constraint: "C1", operands: [queries, keys],
      location: location)
  }
  guard queries.dtype.isFloatingPoint else {
    return queries.fault(
      .typeMismatch, "contrastiveLoss: queries are \(queries.type)", remedy: "cast them to f32",
      constraint: "C2", location: location)
  }
  guard temperature > 0 else {
    return queries.fault(
      .invalidArgument, "contrastiveLoss: a temperature of \(temperature)", remedy: "give a positive number",
      constraint: "C3", location: location)
  }
  return queries.composing(file, line) { queries in
    let (q, k) = (queries.unitVectors(), keys.unitVectors())
    let scores = matmul(q, k, transposeB: true) / temperature
    let others = negatives.map { matmul(q, $0.unitVectors(), transposeB: true) / temperature }
    let labels = queries.graph.iota(queries.shape[0])
    func loss(_ logits: Tensor) -> Tensor { sparseSoftmaxCrossEntropy(logits: logits, labels: labels).mean() }
    let found = loss(others.map { concatenate([scores, $0], axis: 1) } ?? scores)
    return isSymmetric ? (found + loss(scores.transposed())) * 0.5 : found
  }
}

extension Tensor {
  /// Vectors along the last axis divided by their lengths; those of 0 stay.
  fileprivate func unitVectors() -> Tensor {
    let length = norm(axes: [-1], keepingAxes: true)
    return length.isPoisoned ? length : self / clamp(length, min: 1e-12)
  }
}

/// How far a distribution is from a wanted one, for each row and unreduced: Σ p (log p - log q) along the last axis.
///
/// | operand | type |
/// | --- | --- |
/// | logProbabilities | `f32` or `f64`, [batch…, classes]: log q, as `logSoftmax` makes it |
/// | targets | as logProbabilities: p, which need not add up to one |
/// | result | [batch…] |
///
/// PyTorch's `kl_div` summed along the last axis: its mean is `reduction="batchmean"`. Where p is 0 the term is 0.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point, with an axis.
///
/// - Complexity: 9 FLOPs an element.
public func klDivergence(
  logProbabilities: Tensor, targets: Tensor, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  guard let (q, p) = aligned("klDivergence", logProbabilities, targets, location: location),
    let axis = q.axis(-1, "klDivergence", constraint: "C3", location: location)
  else { return .poisoned(in: logProbabilities.graph) }
  return q.composing(file, line) { q in
    let isPositive = greater(p, 0)
    let logarithm = log(select(where: isPositive, p, otherwise: p.filled(1)))
    if logarithm.isPoisoned { return logarithm }
    // p log p has gradient 0 at 0, where PyTorch's has none that is finite.
    let entropy = select(where: isPositive, p * logarithm, otherwise: p.filled(0))
    // A class that is masked in both is no product of 0 and infinity.
    let isMasked = logicalAnd(logicalNot(isPositive), equal(q, -.infinity))
    return (entropy - p * select(where: isMasked, q.filled(0), otherwise: q)).sum(axes: [axis])
  }
}

/// How far a student's softened answers are from its teacher's, for each row and unreduced.
///
/// T² Σ p (log p - log q) with p = softmax(teacher / T) and q = softmax(student / T): gradients pass to the student
/// alone, of a size that does not depend on T. Where p is 0, as of a logit of -∞, the term is 0.
///
/// | operand | type |
/// | --- | --- |
/// | student | `f32` or `f64`, [batch…, classes], logits |
/// | teacher | as student |
/// | result | [batch…]; its mean is PyTorch's `kl_div(…, reduction="batchmean") * T * T` |
///
/// Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2.
///
/// Constraints: (C1) the shapes broadcast; (C2) one element type; (C3) floating point, with an axis; (C4) the
/// temperature is positive.
///
/// - Complexity: 22 FLOPs an element.
public func distillationLoss(
  student: Tensor, teacher: Tensor, temperature: Double = 2, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let location = CallSite(file, line)
  guard temperature > 0 else {
    return student.fault(
      .invalidArgument, "distillationLoss: a temperature of \(temperature)",
      remedy: "give a positive number", constraint: "C4", location: location)
  }
  guard let (student, teacher) = aligned("distillationLoss", student, teacher, location: location),
    student.axis(-1, "distillationLoss", constraint: "C3", location: location) != nil
  else { return .poisoned(in: student.graph) }
  return student.composing(file, line) { student in
    let log = logSoftmax(teacher.stoppedInFormula() / temperature)
    if log.isPoisoned { return log }
    // To a class that is masked for the teacher the student owes nothing.
    let difference = select(
      where: equal(log, -.infinity), log.filled(0), otherwise: log - logSoftmax(student / temperature))
    return (exp(log) * difference).sum(axes: [-1]) * (temperature * temperature)
  }
}
