package import FirnGraph

/// A loop over the leading axis: every iteration runs `body` on one step of the slices and the carries of the last.
///
/// | operands | type | |
/// | --- | --- | --- |
/// | carries | as in the body | state before the first iteration |
/// | slices | `[length, …]` | iteration t reads position t |
/// | captures | as in the body | the same in every iteration |
///
/// | results | type | |
/// | --- | --- | --- |
/// | carries | as in the body | state after the last iteration; the operands where length is 0 |
/// | outputs | `[length, …]` | iteration t writes position t |
///
/// The body's outputs are the next carries, then the outputs. A reversed scan visits the positions from the last to the
/// first; positions mean the same either way. One that `recomputes` keeps nothing but carries for its gradient.
///
/// Constraints: (C1) operand counts match the body, which is given nothing but loop inputs; (C2) carries and captures
/// have the types of their parameters and the next carries those of the carries; (C3) every slice's leading extent is
/// `length` and the rest its parameter's shape; (C7) where it is a number, `length` is in 0 ..< 2³¹, which the index
/// counts.
///
/// - Complexity: `length` times the body, run in order; one iteration's buffers are reused by the next.
///
/// Passes that ask other ops take loops apart themselves.
package struct Scan: LoopOp, OpaqueOp {
  package let body: GraphDef
  package let carries: Int
  package let slices: Int
  package let captures: Int
  package let length: Dim
  package let isReversed: Bool
  /// Whether its gradient computes again what a step computed, instead of keeping it; only carries are kept.
  package let recomputes: Bool
  /// For each operand, how the gradient of each result comes to it; found once, when the op is made.
  private let flow: [[GradientFlow]]

  package init(
    body: GraphDef, carries: Int, slices: Int, captures: Int, length: Dim, isReversed: Bool,
    recomputes: Bool = false
  ) {
    self.body = body
    self.carries = carries
    self.slices = slices
    self.captures = captures
    self.length = length
    self.isReversed = isReversed
    self.recomputes = recomputes
    flow = Self.flow(body: body, carries: carries, slices: slices, captures: captures)
  }

  package static func == (a: Scan, b: Scan) -> Bool {
    a.carries == b.carries && a.slices == b.slices && a.captures == b.captures && a.length == b.length
      && a.isReversed == b.isReversed && a.recomputes == b.recomputes && a.body == b.body
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(carries)
    hasher.combine(slices)
    hasher.combine(captures)
    hasher.combine(body)
  }

  /// Keeps what is made for each operand small where counts are read from text.
  private static let operandLimit = 1 << 16

  package static let mnemonics = ["scan"]
  package var mnemonic: String { "scan" }

  package var attributes: Attributes {
    let head: Attributes = [
      "carries": .int(carries), "slices": .int(slices), "captures": .int(captures),
      "length": length.value.map(AttributeValue.int) ?? .dimension(length), "reversed": .bool(isReversed),
    ]
    let kept: Attributes = recomputes ? ["recomputes": .bool(true)] : [:]
    let tail: Attributes = ["body": .graph(body)]
    return Attributes(head.entries + kept.entries + tail.entries)
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    let body = try attributes.graph("body")
    let counts = (try attributes.int("carries"), try attributes.int("slices"), try attributes.int("captures"))
    let bounds = 0...Self.operandLimit
    guard bounds.contains(counts.0), bounds.contains(counts.1), bounds.contains(counts.2),
      counts.0 <= body.outputs.count
    else {
      throw FirnError(.parse, "scan counts do not fit its body of \(body.outputs.count) outputs")
    }
    let limits: [LoopInput.Kind: Int] = [.index: 1, .carry: counts.0, .slice: counts.1, .capture: counts.2]
    for node in body.nodes {
      guard let parameter = node.op as? LoopInput else { continue }
      guard parameter.position >= 0, parameter.position < limits[parameter.kind] ?? 0 else {
        throw FirnError(.parse, "scan body input `\(node.name)` has position \(parameter.position)")
      }
    }
    self.init(
      body: body, carries: counts.0, slices: counts.1, captures: counts.2,
      length: try attributes.dimension("length"), isReversed: try attributes.bool("reversed"),
      recomputes: attributes["recomputes"] == nil ? false : try attributes.bool("recomputes"))
  }

  /// - Throws: `C7` for a number of iterations that no loop can do.
  static func require(_ length: Dim) throws(FirnError) {
    guard let count = length.value, !(0...Int(Int32.max)).contains(count) else { return }
    throw FirnError(
      .invalidArgument, "a loop of \(count) iterations",
      remedy: count < 0 ? "a length is 0 or more" : "loop over at most \(Int32.max) positions",
      constraint: "C7")
  }

  /// Operand positions by kind.
  package var carryRange: Range<Int> { 0..<carries }
  package var sliceRange: Range<Int> { carries..<carries + slices }
  package var captureRange: Range<Int> { carries + slices..<carries + slices + captures }
  package var operandCount: Int { carries + slices + captures }
  /// Stacked outputs.
  package var outputs: Int { body.outputs.count - carries }

  /// The operand a body parameter stands for; nil for the index.
  package func operand(of parameter: LoopInput) -> Int? {
    switch parameter.kind {
    case .index: nil
    case .carry: parameter.position
    case .slice: carries + parameter.position
    case .capture: carries + slices + parameter.position
    }
  }

  /// The same loop over another body; parameters keep their meaning.
  package func with(body: GraphDef) -> Scan {
    Scan(
      body: body, carries: carries, slices: slices, captures: captures, length: length,
      isReversed: isReversed,
      recomputes: recomputes)
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    guard operands.count == operandCount else {
      throw FirnError(
        .invalidArgument, "takes \(operandCount) operands, not \(operands.count)", constraint: "C1")
    }
    try Self.require(length)
    for node in body.nodes {
      guard node.traits.contains(.receives) else { continue }
      guard let parameter = node.op as? LoopInput else {
        throw FirnError(
          .invalidArgument, "`\(node.name)` is no input of a loop: `\(node.mnemonic)` is given by another op",
          remedy: "read what the loop is given by `loop_input`", constraint: "C1")
      }
      guard let operand = operand(of: parameter) else { continue }
      var type = operands[operand]
      if parameter.kind == .slice {
        guard type.shape.first == length else {
          throw FirnError(
            .shapeMismatch,
            "`\(node.name)` loops over \(type), whose leading extent is not the length \(length)",
            remedy: "put the looped axis first and give all sequences the same length", constraint: "C3")
        }
        type.shape = type.shape.removing([0])
      }
      guard type == parameter.type else {
        throw FirnError(
          .shapeMismatch, "`\(node.name)` is \(parameter.type) in the body but \(type) outside",
          constraint: "C2")
      }
    }
    for carry in carryRange {
      let next = body.type(of: body.outputs[carry])
      guard next == operands[carry] else {
        throw FirnError(
          .shapeMismatch, "carry \(carry) starts as \(operands[carry]) but the body returns \(next)",
          remedy: "return each carry with the type it started with", constraint: "C2")
      }
    }
    return Array(operands[carryRange])
      + body.outputs.dropFirst(carries).map { output in
        let type = body.type(of: output)
        return TensorType(type.dtype, Shape([length] + type.shape.dimensions))
      }
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    flow[operand][result]
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    length * body.flops
  }

  package var canFail: Bool { body.nodes.contains { $0.op.canFail } }

  package var aliasing: Aliasing { .none }

  /// What the body makes each result of, in any number of iterations.
  package func dependence(of operands: [Dependence], results: Int) -> [Dependence] {
    var carried = Array(operands[carryRange])
    while true {
      let analysis = DependenceAnalysis(body) { node in
        guard let input = node.op as? LoopInput, let operand = operand(of: input) else { return [] }
        return input.kind == .carry ? carried[input.position] : operands[operand]
      }
      let made = body.outputs.map { analysis[$0] }
      let next = carryRange.map { carried[$0].union(made[$0]) }
      if next == carried { return next + made.dropFirst(carries) }
      carried = next
    }
  }
}

extension GraphDef {
  /// Arithmetic of one run of all its nodes.
  package var flops: Dim {
    nodes.reduce(0) { sum, node in
      sum + node.op.flops(of: node.inputs.map { type(of: $0) }, results: node.types)
    }
  }
}
