public import FirnGraph

/// What one iteration of a `scan` sees: its position, the state, and its part of each sequence.
public struct ScanStep {
  /// The position along the looped axis, `i32[]`.
  public let index: Tensor
  /// The state as the last iteration left it, in the order and of the types of `initial`.
  public let carries: [Tensor]
  /// This position of each sequence, without the looped axis.
  public let slices: [Tensor]
}

/// What one iteration of a `scan` hands on.
public struct ScanResult {
  /// The next state, as many tensors as there are carries, of their types.
  public var carries: [Tensor]
  /// What is stacked along the looped axis; any number, of any types.
  public var outputs: [Tensor]

  /// What the next iteration and the results are to have.
  ///
  /// - Parameters:
  ///   - carries: the next state, typed as the state is.
  ///   - outputs: what is stacked along the looped axis.
  public init(carries: [Tensor], outputs: [Tensor] = []) {
    self.carries = carries
    self.outputs = outputs
  }
}

/// Loops over the leading axis of `sequences`, carrying state: TensorFlow's `while_loop` and `scan`, JAX's `lax.scan`.
///
///     let (carries, outputs) = scan(over: [x], initial: [start]) { step in    // x: [time, batch, 8]
///       let next = tanh(matmul(step.slices[0], w) + step.carries[0])          // [batch, 8]
///       return ScanResult(carries: [next], outputs: [next])                   // outputs: [time, batch, 8]
///     }
///
/// | | type | |
/// | --- | --- | --- |
/// | sequences | `[length, …]` | iteration t reads position t |
/// | carries | any | of a length of 0 the initial ones |
/// | outputs | `[length, …]` | iteration t writes position t |
///
/// `body` is called once, to build what every iteration does. It may use any tensor made before, and make variables;
/// both belong to the graph around the loop. Gradients pass to carries, sequences and all the body uses, at any order. A
/// loop made in the body of another is run once, outside, where it reads nothing of that one's iterations.
///
/// Constraints: (C1) the body returns as many carries as go in; (C2) each of the type it started with; (C3) all
/// sequences have one leading extent, the `length` where that is given, and without any a length is given; (C4) a
/// sequence, a carry or `graph` tells the graph; (C5) what the body returns belongs to this loop or to the graph around
/// it; (C6) segments to recompute have a positive number of steps and fill a named length; (C7) where it is a number, the
/// length is in 0 ..< 2³¹; (C8) loops nest at most 64 deep.
///
/// - Parameters:
///   - sequences: operands `[length, …]`, all of one length.
///   - initial: state before the first iteration.
///   - length: the number of iterations; needed only without sequences.
///   - reversed: visits positions from the last to the first; outputs stay at their positions.
///   - recomputation: what is kept for the gradient.
///   - graph: the graph around the loop; needed only without sequences and state.
///   - name: the node's; what the body makes stands below it.
///   - body: what an iteration does.
/// - Returns: state after the last iteration, and each output stacked to `[length, …]`.
/// - Complexity: `length` times the body. The gradient is a loop the other way; the steps' values it reads are stacked
///   unless `recomputation` says otherwise.
public func scan(
  over sequences: [Tensor] = [], initial: [Tensor] = [], length: Dim? = nil, reversed: Bool = false,
  recomputation: Recomputation = .none, in graph: Graph? = nil, name: String = "scan",
  file: StaticString = #fileID, line: UInt = #line,
  _ body: (ScanStep) -> ScanResult
) -> (carries: [Tensor], outputs: [Tensor]) {
  let location = CallSite(file, line)
  // In the body of another loop it may read what that one has, whatever its operands are.
  guard let outer = (graph ?? Graph.innermost(sequences + initial))?.current else {
    // The fault is kept by a graph of its own, where compiling what is made of the loop finds it.
    let stray = Graph()
    let poison = stray.report(
      FirnError(
        .invalidArgument, "scan: without sequences and state nothing tells its graph",
        remedy: "pass `in: graph`", constraint: "C4"), name: name, location: location)
    let result = body(ScanStep(index: poison, carries: [], slices: []))
    return (result.carries.map { _ in poison }, result.outputs.map { _ in poison })
  }
  let levels = recomputation == .none ? 1 : 2
  if let error = loopFault(length, outer.loopDepth + levels) {
    let poison = outer.report(error, operands: sequences + initial, name: name, location: location)
    let result = body(
      ScanStep(index: poison, carries: initial.map { _ in poison }, slices: sequences.map { _ in poison }))
    return (result.carries.map { _ in poison }, result.outputs.map { _ in poison })
  }
  let inner = Graph(bodyIn: outer, levels: levels)
  let index = inner.loopInput(.index, 0, type: TensorType(.i32, .scalar), name: "index")
  inner.loopIndex = index.value
  let fault = (sequences + initial).contains(where: \.isPoisoned)
  let length = length ?? sequences.first?.shape.first
  guard !fault, let length, sequences.allSatisfy({ $0.shape.first == length }) else {
    let poison = outer.report(
      FirnError(
        .shapeMismatch, "scan: sequences must share their leading extent, and without any a length is needed",
        remedy: "put the looped axis first in every sequence, or pass `length:`", constraint: "C3"),
      operands: sequences + initial, name: name, location: location)
    let step = ScanStep(
      index: index, carries: initial.map { _ in poison }, slices: sequences.map { _ in poison })
    let result = body(step)
    return (result.carries.map { _ in poison }, result.outputs.map { _ in poison })
  }
  let step = ScanStep(
    index: index,
    carries: initial.enumerated().map { inner.loopInput(.carry, $0, type: $1.type, name: "carry_\($0)") },
    slices: sequences.enumerated().map { position, sequence in
      let type = TensorType(sequence.dtype, sequence.shape.removing([0]))
      return inner.loopInput(.slice, position, type: type, name: "slice_\(position)")
    })
  let result = outer.building(inner, at: location) { body(step) }
  let results = (result.carries + result.outputs).map { inner.local($0) ?? $0 }
  let poison = Tensor.poisoned(in: outer)
  guard result.carries.count == initial.count, results.allSatisfy({ $0.graph === inner && !$0.isPoisoned })
  else {
    if result.carries.count != initial.count {
      outer.report(
        FirnError(
          .invalidArgument, "scan: \(initial.count) carries go in, the body returns \(result.carries.count)",
          remedy: "return every carry, changed or not", constraint: "C1"), name: name, location: location)
    } else if let stranger = results.first(where: { $0.graph !== inner }) {
      outer.report(
        FirnError(
          .invalidGraph, "scan: the body returns `\(stranger.name)`, which belongs to another graph",
          remedy: "return values of this loop or of the graph around it", constraint: "C5"), name: name,
        location: location)
    }
    return (initial.map { _ in poison }, result.outputs.map { _ in poison })
  }
  var definition = inner.definition
  definition.outputs = results.map(\.value)
  let op = Scan(
    body: definition, carries: initial.count, slices: sequences.count, captures: inner.captures.count,
    length: length, isReversed: reversed)
  let (loop, place) = PreparedLoop(
    op: op, initial: initial, sequences: sequences, captures: inner.captures.map(\.outer), name: name,
    location: location
  ).movedOut(of: outer)
  let tensors =
    switch recomputation {
    case .none: loop.append(op, in: place)
    case .every(let count): loop.appendSegments(of: count, in: place)
    }
  return (Array(tensors.prefix(initial.count)), Array(tensors.dropFirst(initial.count)))
}

/// What is wrong with a loop before it is built.
private func loopFault(_ length: Dim?, _ depth: Int) -> FirnError? {
  if depth > Nesting.limit {
    return FirnError(
      .invalidArgument, "scan: more than \(Nesting.limit) loops in one another",
      remedy: "make one loop of several, over reshaped sequences", constraint: "C8")
  }
  do throws(FirnError) {
    if let length { try Scan.require(length) }
    return nil
  } catch {
    var error = error
    error.message = "scan: \(error.message)"
    return error
  }
}
