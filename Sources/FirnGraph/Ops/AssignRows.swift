/// Gives rows of a variable new values when the run ends; the others stay as they are and are not touched.
///
/// | operand | type | |
/// | --- | --- | --- |
/// | values | `[n, …]`, the variable's but for the number of rows | what the next run reads of these rows |
/// | indices | `i32[n]`, or left out | which row of the variable each is; where outside of `rows`, it is passed over |
///
/// Without indices the values are all of `rows`, in order. Of rows that are named twice the last stays.
///
/// C1: values have an axis, and without indices as many rows as are written. C2: indices are `i32[n]`.
///
/// Writers of one variable have no order, so the rows they write must be apart. The result is the values.
package struct AssignRows: OpaqueOp {
  package var variable: String
  package var rows: Range<Int>

  package init(_ variable: String, _ rows: Range<Int>) { (self.variable, self.rows) = (variable, rows) }

  package static let mnemonics = ["assign_rows"]
  package var mnemonic: String { "assign_rows" }
  package var attributes: Attributes {
    ["variable": .string(variable), "start": .int(rows.lowerBound), "limit": .int(rows.upperBound)]
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    variable = try attributes.string("variable")
    let (start, limit) = (try attributes.int("start"), try attributes.int("limit"))
    guard 0 <= start, start <= limit else {
      throw FirnError(.parse, "rows \(start)..<\(limit) are none of any variable")
    }
    rows = start..<limit
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(operands.count == 2 ? 2 : 1)
    let values = operands[0]
    guard let count = values.shape.first, operands.count == 2 || count == Dim(rows.count) else {
      throw FirnError(
        .shapeMismatch, "\(values) are not the values of rows \(rows.lowerBound)..<\(rows.upperBound)",
        remedy: "give one row of values for each", constraint: "C1")
    }
    if operands.count == 2, operands[1] != TensorType(.i32, [count]) {
      throw FirnError(
        .shapeMismatch, "\(operands[1]) does not name the rows of \(values)",
        remedy: "give an index for each row of values", constraint: "C2")
    }
    return [values]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow {
    operand == 0 ? .passes : .notDifferentiable
  }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    context.wants.indices.map { $0 == 0 && context.wants[0] ? context.cotangent : nil }
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim { 0 }
  package var canFail: Bool { false }
  package var aliasing: Aliasing { .view(of: 0) }
  package var effect: Effect { .writes(variable) }
  package var writtenRows: Range<Int>? { rows }
}

extension Op {
  /// Whether a value of this type can be what is read of, or written to, a variable of that type.
  package func fits(_ value: TensorType?, variable: TensorType) -> Bool {
    guard let rows = writtenRows else { return value == variable }
    guard let value, let count = variable.shape.first?.value, rows.upperBound <= count else { return false }
    return value.dtype == variable.dtype && value.shape.rank == variable.shape.rank
      && value.shape.dropFirst().elementsEqual(variable.shape.dropFirst())
  }
}
