/// How rows of a node's results are made of rows of its operands: whichever rows they are, and in the same way.
///
/// Given `count` consecutive positions along one axis of each result, `op` on the same positions of the operands makes
/// just these, bit for bit.
package struct RowRule: Sendable {
  /// What makes so many rows; the op itself where no attribute of it holds an extent.
  package var op: any Op
  /// For each operand the axis its rows are taken along; nil for one that is read whole, whatever rows are made.
  package var operands: [Int?]
  /// For each result the axis its rows lie along.
  package var results: [Int]
  /// Operands that are read whole in that any part may be wanted, but of which a row takes a little: a table that is
  /// looked up in.
  package var lookedUp: [Int]

  package init(_ op: any Op, operands: [Int?], results: [Int], lookedUp: [Int] = []) {
    self.op = op
    self.operands = operands
    self.results = results
    self.lookedUp = lookedUp
  }

  /// Rows of all operands, and of all results, along one and the same axis.
  package init(_ op: any Op, allAlong axis: Int, in node: NodeTypes) {
    self.init(op, operands: node.operands.map { _ in axis }, results: node.results.map { _ in axis })
  }
}

/// A result that is zeros but for the rows that indices name, to which rows of another operand are added.
package struct RowAddition: Sendable {
  /// The operand that names rows, `i32`.
  package var indices: Int
  /// The operand with what is added: the axes of the indices, then those of a row.
  package var updates: Int
  /// Given which rows are wanted, then indices and updates, each with one axis for the rows, makes just the wanted rows
  /// of the result, to the same bits.
  package var op: any Op

  package init(indices: Int, updates: Int, op: any Op) {
    (self.indices, self.updates, self.op) = (indices, updates, op)
  }
}

/// Another layout of an operand, and what reads that to the same bits.
package struct Arrangement: Sendable {
  /// Makes the other layout of the operand.
  package var arrange: any Op
  /// Reads it in place of the op.
  package var op: any Op

  package init(_ arrange: any Op, then op: any Op) {
    self.arrange = arrange
    self.op = op
  }
}

/// What a factor stands at.
package enum FactorPlace: Hashable, Sendable {
  /// The only result.
  case result
  case operand(Int)
}

/// An axis of an operand.
package struct OperandAxis: Hashable, Sendable {
  package var operand: Int
  package var axis: Int

  package init(_ operand: Int, _ axis: Int) { (self.operand, self.axis) = (operand, axis) }
}

/// How a block of a node's only result is made without the rest.
package enum Narrowing: Sendable {
  /// It is not, or it is not known how.
  case notKnown
  /// As `rows(along:of:count:in:)` says, of as many rows; not known where that says nothing.
  case byRows
  /// By this; a leaf alone says that nothing has to be computed, since what is wanted is a part of an operand.
  case expression(Expression<OperandPart>)
}

/// An operand, or a block of it.
package struct OperandPart: Hashable, Sendable {
  package var operand: Int
  package var block: Block?

  package init(_ operand: Int, _ block: Block? = nil) {
    self.operand = operand
    self.block = block
  }
}

/// How a node of a loop's body is computed for all steps at once.
///
/// Leaves are the node's operands by number: of one that varies from step to step all its steps, stacked along a new
/// first axis; of one that does not, the operand as it is. The result is stacked likewise.
package struct StepRule: Sendable {
  package var expression: Expression<Int>
  /// Whether all steps at once cost less than one after the other, so that moving it out of a loop is worth keeping
  /// what it reads: true of products, not of elementwise work, whose one step stays in the cache.
  package var isGain: Bool

  package init(_ expression: Expression<Int>, isGain: Bool = false) {
    self.expression = expression
    self.isGain = isGain
  }
}
