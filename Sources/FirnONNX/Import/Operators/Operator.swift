import FirnGraph

/// What is known of one operator of ONNX: how it is built, and how it folds where its inputs are integers that are
/// known.
struct Operator: Sendable {
  typealias Build = @Sendable (OperatorCall) throws(FirnError) -> [ImportedValue]
  typealias Fold = @Sendable (OperatorCall, [KnownIntegers?]) throws(FirnError) -> KnownIntegers?

  let name: String
  let domain: String
  /// What it becomes, for the documentation's table.
  let means: String
  /// What differs from ONNX, if anything.
  let differs: String
  let fold: Fold?
  let build: Build

  init(
    _ name: String, domain: String = "", means: String, differs: String = "", fold: Fold? = nil,
    _ build: @escaping Build
  ) {
    self.name = name
    self.domain = domain
    self.means = means
    self.differs = differs
    self.fold = fold
    self.build = build
  }
}

/// All operators, by domain and name.
enum OperatorTable {
  static let families: [(name: String, rows: [Operator])] = [
    ("Arithmetic", Operator.arithmetic),
    ("Activations", Operator.activations),
    ("Comparisons and logic", Operator.logic),
    ("Reductions", Operator.reductions),
    ("Products", Operator.products),
    ("Convolutions and pools", Operator.images),
    ("Sampling", Operator.sampling),
    ("Signals", Operator.signals),
    ("Norms", Operator.norms),
    ("Softmax and losses", Operator.losses),
    ("Shapes", Operator.shapes),
    ("Movement", Operator.movement),
    ("Indexing", Operator.indexing),
    ("Sequences", Operator.sequences),
    ("Lists", Operator.lists),
    ("Attention", Operator.attention),
    ("Control flow", Operator.control),
    ("Training", Operator.training),
  ]

  private static let rows: [String: Operator] = Dictionary(
    families.flatMap(\.rows).map { ("\($0.domain)::\($0.name)", $0) }, uniquingKeysWith: { first, _ in first }
  )

  static subscript(domain: String, name: String) -> Operator? { rows["\(domain)::\(name)"] }

  /// What to do about an operator that is not in the table.
  static func remedy(_ domain: String, _ name: String) -> String {
    if domain == "com.microsoft" {
      return "export the model without ONNX Runtime's optimisations, which put this operator in"
    }
    return remedies[name] ?? "cut the model before it, or write that part by hand"
  }

  private static let quantized = "export the model before it is quantised"
  private static let ragged = "its result has a shape that depends on data: move it out of the model"
  private static let remedies: [String: String] = [
    "QuantizeLinear": quantized, "DequantizeLinear": quantized, "QLinearConv": quantized,
    "QLinearMatMul": quantized, "ConvInteger": quantized, "MatMulInteger": quantized,
    "DynamicQuantizeLinear": quantized,
    "Unique": ragged, "NonMaxSuppression": ragged,
    "StringNormalizer": "prepare text before the model", "TfIdfVectorizer": "prepare text before the model",
    "SequenceMap": "export tensors, not sequences", "Optional": "export tensors, not optional values",
  ]
}
