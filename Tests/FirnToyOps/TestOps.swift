import FirnGraph
import FirnNotation

/// Ops just real enough to build graphs with; the catalogue proper lives in another target.
enum TestOps {
  static let catalogue = OpCatalogue(
    OpCatalogue.graphOps + [
      Map.self, Combine.self, MatMul.self, Split.self, Loop.self, Draw.self, Tagged.self,
    ])
}

/// A family of ops on one operand that differ in what they do to gradients.
struct Map: Op {
  enum Kind: String, CaseIterable {
    case neg, tanh, floor
    case rank
  }

  var kind: Kind

  static let mnemonics = Kind.allCases.map(\.rawValue)
  var mnemonic: String { kind.rawValue }
  var attributes: Attributes { [:] }

  init(_ kind: Kind) { self.kind = kind }
  init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    guard let kind = Kind(rawValue: mnemonic) else { throw FirnError(.parse, "no such map") }
    self.kind = kind
  }

  func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    return [kind == .rank ? TensorType(.i32, operands[0].shape) : operands[0]]
  }

  func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    switch kind {
    case .neg, .tanh: .passes
    case .floor: .zero
    case .rank: .notDifferentiable
    }
  }
}

/// Two operands of one type; `pick` has a derivative by the first only.
struct Combine: Op {
  var mnemonic: String

  static let mnemonics = ["add", "mul", "pick"]
  var attributes: Attributes { [:] }

  init(_ mnemonic: String) { self.mnemonic = mnemonic }
  init(mnemonic: String, attributes: Attributes) throws(FirnError) { self.mnemonic = mnemonic }

  func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    guard operands[0] == operands[1] else {
      throw FirnError(
        .shapeMismatch, "\(mnemonic): \(operands[0]) and \(operands[1]) differ", remedy: "reshape one",
        constraint: "C1")
    }
    return [operands[0]]
  }

  func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    mnemonic == "pick" && operand == 1 ? .notDifferentiable : .passes
  }
}

struct MatMul: Op {
  var transposeA = false
  var transposeB = false

  static let mnemonics = ["matmul"]
  var mnemonic: String { "matmul" }
  var attributes: Attributes {
    ["transpose_a": .bool(transposeA), "transpose_b": .bool(transposeB)]
  }

  init() {}
  init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    transposeA = try attributes.bool("transpose_a")
    transposeB = try attributes.bool("transpose_b")
  }

  func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    guard operands.allSatisfy({ $0.shape.rank == 2 }) else {
      throw FirnError(.shapeMismatch, "matmul: operands must be matrices", constraint: "C1")
    }
    let left = transposeA ? operands[0].shape.reversed() : Array(operands[0].shape)
    let right = transposeB ? operands[1].shape.reversed() : Array(operands[1].shape)
    guard left[1] == right[0] else {
      throw FirnError(
        .shapeMismatch, "matmul: \(left[1]) columns meet \(right[0]) rows", remedy: "transpose one",
        constraint: "C2")
    }
    return [TensorType(operands[0].dtype, [left[0], right[1]])]
  }
}

/// Equal parts of the last axis, one result each.
struct Split: Op {
  var parts: Int

  static let mnemonics = ["split"]
  var mnemonic: String { "split" }
  var attributes: Attributes { ["parts": .int(parts)] }

  init(_ parts: Int) { self.parts = parts }
  init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    parts = try attributes.int("parts")
    guard (0...64).contains(parts) else { throw FirnError(.parse, "`parts` must be 0 to 64") }
  }

  func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(1)
    if parts == 0 { return [] }
    guard let width = operands[0].shape.last?.divided(exactlyBy: Dim(parts)) else {
      throw FirnError(.shapeMismatch, "split: the last axis has no \(parts) equal parts", constraint: "C1")
    }
    var type = operands[0]
    type.shape[type.shape.rank - 1] = width
    return Array(repeating: type, count: parts)
  }
}

/// A loop over axis 0 of its slices: carries, slices, captures in this order.
struct Loop: BodyOp {
  var carries: Int
  var body: GraphDef

  static let mnemonics = ["scan"]
  var mnemonic: String { "scan" }
  var attributes: Attributes { ["carries": .int(carries), "body": .graph(body)] }

  init(carries: Int, body: GraphDef) {
    self.carries = carries
    self.body = body
  }
  func with(body: GraphDef) -> Loop { Loop(carries: carries, body: body) }
  init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    carries = try attributes.int("carries")
    body = try attributes.graph("body")
    guard (0...body.outputs.count).contains(carries) else {
      throw FirnError(.parse, "`carries` is not the number of carries")
    }
  }

  func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    guard carries < operands.count, let time = operands[carries].shape.first else {
      throw FirnError(.shapeMismatch, "scan: there is nothing to loop over", constraint: "C1")
    }
    return body.outputs.enumerated().map { index, output in
      var type = body.type(of: output)
      if index >= carries { type.shape.dimensions.insert(time, at: 0) }
      return type
    }
  }
}

/// Noise of the shape of its operand.
struct Draw: Op {
  static let mnemonics = ["dropout"]
  var mnemonic: String { "dropout" }
  var rate: Double
  var attributes: Attributes { ["rate": .double(rate)] }

  init(rate: Double) { self.rate = rate }
  init(mnemonic: String, attributes: Attributes) throws(FirnError) { rate = try attributes.double("rate") }

  func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    return [operands[0]]
  }

  func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    operand == 0 ? .passes : .notDifferentiable
  }
}

/// Carries any attributes at all.
struct Tagged: Op {
  static let mnemonics = ["tagged"]
  var mnemonic: String { "tagged" }
  var attributes: Attributes

  init(_ attributes: Attributes) { self.attributes = attributes }
  init(mnemonic: String, attributes: Attributes) throws(FirnError) { self.attributes = attributes }

  func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    operands.isEmpty ? [TensorType(.f32, [])] : operands
  }
}

extension Op {
  func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }
  func gradient(_ context: GradientContext) -> [Tensor?] { context.operands.map { _ in nil } }
  func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  var aliasing: Aliasing { .none }
  var canFail: Bool { false }
  var isElementwise: Bool { false }
  func rows(along axis: Int, of result: Int, count: Dim, in node: NodeTypes) -> RowRule? { nil }
  func narrowed(to block: Block, in node: NodeTypes) -> Narrowing { .notKnown }
  func overSteps(_ length: Dim, varying: [Bool], in node: NodeTypes) -> StepRule? { nil }
  func simplified(in node: NodeView) -> Expression<Value>? { nil }
}

extension Graph {
  /// Appends a test op with one result.
  func apply(_ op: any Op, _ operands: Tensor..., name: String? = nil) -> Tensor {
    append(op, operands, name: name)[0]
  }
}

func parsed(_ text: String) throws(FirnError) -> GraphDef {
  try GraphDef(parsing: text, catalogue: TestOps.catalogue)
}

/// The error `body` throws; nil where it throws none.
func thrown(_ body: () throws(FirnError) -> Void) -> FirnError? {
  do {
    try body()
    return nil
  } catch {
    return error
  }
}
