import FirnGraph
import FirnOps

/// What a loop's body computes, as a formula: sums and products without an order, parts of sums as sums of parts.
///
/// Two bodies that compute the same in another order of nodes have equal formulas.
indirect enum LoopTerm: Hashable {
  case carry(Int)
  case slice(Int)
  case capture(Int)
  case number(Double)
  case function(String, [LoopTerm])
  /// Summands in a fixed order.
  case sum([LoopTerm])
  /// Factors in a fixed order.
  case product([LoopTerm])
  /// Elements of the last axis.
  case part(LoopTerm, from: Int, to: Int)

  /// Formulas by value of a body; nil for what they cannot say.
  ///
  /// - Parameter captures: what each capture is, by its position.
  static func all(in body: GraphDef, captures: [LoopTerm]) -> [Value: LoopTerm] {
    var terms: [Value: LoopTerm] = [:]
    for (position, node) in body.nodes.enumerated() {
      if let input = node.op as? LoopInput, input.kind == .capture {
        terms[Value(position)] = captures.indices.contains(input.position) ? captures[input.position] : nil
      } else if let split = node.op as? Split {
        for result in parts(of: node, split, terms) { terms[Value(position, result.index)] = result.term }
      } else {
        terms[Value(position)] = term(of: node, terms)
      }
    }
    return terms
  }

  private static func term(of node: Node, _ terms: [Value: LoopTerm]) -> LoopTerm? {
    if let input = node.op as? LoopInput {
      switch input.kind {
      case .index, .capture: return nil
      case .carry: return .carry(input.position)
      case .slice: return .slice(input.position)
      }
    }
    if let constant = node.op as? Constant { return constant.array.scalar.map { .number($0) } }
    let operands = node.inputs.compactMap { terms[$0] }
    guard operands.count == node.inputs.count else { return nil }
    let attributes = node.op.attributes
    switch node.mnemonic {
    case "add": return adding(operands)
    case "sub": return adding([operands[0], multiplying([.number(-1), operands[1]])])
    case "neg": return multiplying([.number(-1), operands[0]])
    case "mul": return multiplying(operands)
    case "broadcast", "identity": return operands[0]
    // Which sequences a step is within, with an axis for the units.
    case "reshape" where node.types[0].dtype == .bool && node.types[0].shape.last == 1:
      return .function("column", operands)
    case "select": return .function("select", operands)
    case "sigmoid", "tanh", "relu": return .function(node.mnemonic, operands)
    case "matmul":
      guard (try? attributes.bool("transpose_a")) == false, (try? attributes.bool("transpose_b")) == false
      else {
        return nil
      }
      return multiplying(operands[0], byMatrix: operands[1])
    case "slice":
      guard let starts = try? attributes.shape("starts").dimensions,
        let limits = try? attributes.shape("limits").dimensions, let steps = try? attributes.ints("steps"),
        steps.allSatisfy({ $0 == 1 }), starts.dropLast().allSatisfy({ $0 == 0 }),
        limits.dropLast() == node.types[0].shape.dimensions.dropLast(), let from = starts.last?.value,
        let to = limits.last?.value
      else { return nil }
      return operands[0].part(from, to)
    default: return nil
    }
  }

  private static func parts(
    of node: Node, _ split: Split, _ terms: [Value: LoopTerm]
  ) -> [(index: Int, term: LoopTerm)] {
    guard let whole = terms[node.inputs[0]], split.axis == node.types[0].shape.rank - 1 else { return [] }
    var start = 0
    var result: [(index: Int, term: LoopTerm)] = []
    for (index, type) in node.types.enumerated() {
      guard let extent = type.shape.last?.value else { return [] }
      result.append((index, whole.part(start, start + extent)))
      start += extent
    }
    return result
  }

  /// What it is a part of.
  var whole: LoopTerm { if case .part(let inner, _, _) = self { inner.whole } else { self } }

  // MARK: Building

  static func adding(_ terms: [LoopTerm]) -> LoopTerm {
    let flat = terms.flatMap { term -> [LoopTerm] in if case .sum(let inner) = term { inner } else { [term] }
    }
    return flat.count == 1 ? flat[0] : .sum(sorted(flat))
  }

  static func multiplying(_ terms: [LoopTerm]) -> LoopTerm {
    let flat = terms.flatMap { term -> [LoopTerm] in
      if case .product(let inner) = term { inner } else { [term] }
    }
    return flat.count == 1 ? flat[0] : .product(sorted(flat))
  }

  /// A product with some columns of a matrix is those columns of the product.
  static func multiplying(_ rows: LoopTerm, byMatrix matrix: LoopTerm) -> LoopTerm {
    guard case .part(let whole, let from, let to) = matrix else {
      return .function("matmul", [rows, matrix])
    }
    return multiplying(rows, byMatrix: whole).part(from, to)
  }

  private static func sorted(_ terms: [LoopTerm]) -> [LoopTerm] {
    terms.map { ("\($0)", $0) }.sorted { $0.0 < $1.0 }.map(\.1)
  }

  func part(_ from: Int, _ to: Int) -> LoopTerm {
    switch self {
    case .sum(let terms): .sum(Self.sorted(terms.map { $0.part(from, to) }))
    case .part(let inner, let start, _): .part(inner, from: start + from, to: start + to)
    default: .part(self, from: from, to: to)
    }
  }
}
