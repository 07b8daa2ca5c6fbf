public import FirnGraph

/// Minus the logarithm of the probability of a sequence of labels, however they are spread over the steps; unreduced.
///
/// Each step gives a label or the blank; a label that follows itself needs a blank between: connectionist temporal
/// classification, PyTorch's `ctc_loss` with `reduction="none"`.
///
/// | operand | type |
/// | --- | --- |
/// | logProbabilities | `f32` or `f64`, [batch, time, classes], as `logSoftmax` makes them |
/// | labels | `i32`, [batch, length], of which the first `labelLengths` count |
/// | inputLengths | `i32`, [batch], each in 0...time: how many steps count; all for nil |
/// | labelLengths | `i32`, [batch], each in 0...length; all labels for nil |
/// | result | as logProbabilities, [batch] |
///
/// Where the steps are too few for the labels it is infinite, with gradient 0. Labels that do not count may be
/// anything.
///
/// Graves and others, "Connectionist Temporal Classification", 2006, equations 6 to 8; a loop over time.
///
/// Constraints: (C1) logProbabilities are floating point, of three axes; (C2) labels are `i32`, [batch, length]; (C3)
/// lengths are `i32`, [batch]; (C4) `blank` is one of the classes. A label or a length outside is an error of the run,
/// `.indexOutOfRange`.
///
/// - Parameters:
///   - logProbabilities: of the classes, step by step.
///   - labels: the sequence, without blanks.
///   - inputLengths: nil where all sequences have all steps.
///   - labelLengths: nil where all have as many labels.
///   - blank: the class that is no label.
/// - Complexity: about 30 batch time (2 length + 1) FLOPs.
public func ctcLoss(
  logProbabilities: Tensor, labels: Tensor, inputLengths: Tensor? = nil, labelLengths: Tensor? = nil,
  blank: Int = 0, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let (x, location) = (logProbabilities, CallSite(file, line))
  let lengths = [inputLengths, labelLengths].compactMap(\.self)
  if x.isPoisoned || labels.isPoisoned || lengths.contains(where: \.isPoisoned) {
    return .poisoned(in: x.graph)
  }
  guard x.rank == 3, x.dtype.isFloatingPoint else {
    return x.fault(
      x.rank == 3 ? .typeMismatch : .shapeMismatch, "ctcLoss: \(x.type) is not [batch, time, classes]",
      remedy: "give floating point logarithms of probabilities", constraint: "C1", location: location)
  }
  let batch = x.shape[0]
  guard labels.rank == 2, labels.dtype == .i32, labels.shape[0] == batch else {
    return x.fault(
      labels.dtype == .i32 ? .shapeMismatch : .typeMismatch,
      "ctcLoss: labels are \(labels.type) for \(x.type)", remedy: "give i32[\(batch), length]",
      constraint: "C2", operands: [x, labels], location: location)
  }
  if let other = lengths.first(where: { $0.type != TensorType(.i32, [batch]) }) {
    return x.fault(
      other.dtype == .i32 ? .shapeMismatch : .typeMismatch, "ctcLoss: lengths are \(other.type)",
      remedy: "give i32[\(batch)]", constraint: "C3", operands: [x, other], location: location)
  }
  guard (0..<(x.shape[2].value ?? Int(Int32.max))).contains(blank) else {
    return x.fault(
      .invalidArgument, "ctcLoss: the blank is class \(blank)", remedy: "name one of the classes",
      constraint: "C4", location: location)
  }
  return x.graph.at(location) {
    Alignment(x, labels, inputLengths, labelLengths, blank: blank).loss()
  }
}

/// Labels with a blank before, between and behind them, and how probable it is to have come to each of these states.
private struct Alignment {
  private let x: Tensor
  private let inputLengths: Tensor?
  /// [batch].
  private let labelLengths: Tensor
  /// [batch, states]: the class that each stands for.
  private let classes: Tensor
  /// [batch, states]: 0 where the blank before a state may be left out, else what makes that impossible.
  private let leap: Tensor

  /// In place of -∞, whose differences would be NaN: no sum of logarithms comes near, and it loses them all.
  private static let impossible = -1e30

  init(_ x: Tensor, _ labels: Tensor, _ inputLengths: Tensor?, _ labelLengths: Tensor?, blank: Int) {
    let (graph, batch, length) = (x.graph, x.shape[0], labels.shape[1])
    self.x = x
    // Checked in range, with the lengths themselves allowed.
    self.inputLengths = inputLengths?.checked(below: x.shape[1] + 1)
    let whole = graph.extent(length, dtype: .i32).repeated(to: [batch])
    self.labelLengths = labelLengths?.checked(below: length + 1) ?? whole
    let blanks = Tensor.filled(Double(blank), type: TensorType(.i32, [batch, length]), in: graph)
    let first = Tensor.filled(Double(blank), type: TensorType(.i32, [batch, 1]), in: graph)
    let isMeant = less(graph.iota(length), self.labelLengths.inserting([1]))
    let meant = select(where: isMeant, labels, otherwise: blanks).checked(below: x.shape[2])
    func betweenBlanks(_ values: Tensor, _ ends: Tensor, _ gaps: Tensor) -> Tensor {
      concatenate([ends, stack([values, gaps], axis: 2).withShape([batch, length + length])], axis: 1)
    }
    classes = betweenBlanks(meant, first, blanks)
    // A label may follow another one at once, but not itself.
    let before = concatenate([first, meant], axis: 1).sliced(axis: 1, from: 0, to: length)
    let (none, zero) = (
      Tensor.filled(Self.impossible, type: TensorType(x.dtype, [batch, length]), in: graph),
      Tensor.filled(0, type: TensorType(x.dtype, [batch, length]), in: graph)
    )
    let isFree = logicalAnd(notEqual(meant, before), notEqual(meant, Double(blank)))
    leap = betweenBlanks(
      select(where: isFree, zero, otherwise: none),
      Tensor.filled(Self.impossible, type: TensorType(x.dtype, [batch, 1]), in: graph), none)
  }

  func loss() -> Tensor {
    let (graph, batch, time, states) = (x.graph, x.shape[0], x.shape[1], classes.shape[1])
    let spread = classes.inserting([1]).repeated(to: [batch, time, states])
    let emissions = gatherElements(x, indices: spread, axis: 2).permuted([1, 0, 2])
    if emissions.isPoisoned || leap.isPoisoned { return .poisoned(in: graph) }
    func none(_ count: Dim) -> Tensor {
      Tensor.filled(Self.impossible, type: TensorType(x.dtype, [batch, count]), in: graph)
    }
    // Before the first step everything is at the first blank.
    let zero = Tensor.filled(0, type: TensorType(x.dtype, [batch, 1]), in: graph)
    let start = concatenate([zero, none(states - 1)], axis: 1)
    let leap = leap
    let final = scan(over: [emissions], initial: [start], name: "ctc") { step in
      let held = step.carries[0]
      let one = concatenate([none(1), held], axis: 1).sliced(axis: 1, from: 0, to: states)
      let two = concatenate([none(1), one], axis: 1).sliced(axis: 1, from: 0, to: states)
      let ways = stack([held, one, two + leap], axis: 2)
      let next = ways.logSumExp(axes: [2]) + step.slices[0]
      guard let inputLengths else { return ScanResult(carries: [next]) }
      let isOver = greaterEqual(step.index, inputLengths).inserting([1])
      return ScanResult(carries: [select(where: isOver, held, otherwise: next)])
    }.carries[0]
    // The last label, or the blank behind it.
    let end = (labelLengths * 2).inserting([1])
    let atBlank = gatherElements(final, indices: end, axis: 1)
    let hasLabel = greater(end, 0)
    let label = gatherElements(
      final, indices: select(where: hasLabel, end - 1, otherwise: end.filled(0)), axis: 1)
    let atLabel = select(where: hasLabel, label, otherwise: none(1))
    let total = -concatenate([atBlank, atLabel], axis: 1).logSumExp(axes: [1])
    if total.isPoisoned { return total }
    return select(
      where: greater(total, -0.5 * Self.impossible), total.filled(.infinity), otherwise: total)
  }
}
