public import FirnGraph
import FirnOps

/// A table of vectors looked up by index.
///
/// PyTorch's `nn.Embedding`, whose weight is the table as it is; Keras's `Embedding`.
///
/// | | type | role |
/// | --- | --- | --- |
/// | indices | `i32[…]`, each in `0..<count` | |
/// | `table` | `f32[count, width]`, or `f64` | `table` |
/// | result | `[…, width]`, of the table's type | |
///
/// The gradient of the table is a `scatter_add` of the result's, rows looked up twice adding up. An optimiser that leaves
/// other rows alone (`SGD` without momentum and decay, `Adam(lazyRows: true)`) updates those looked up, and makes no
/// gradient of the table's size.
///
/// An index outside the table is an error of the run, `.indexOutOfRange`. Rows may freeze:
/// `freezing: "embedding/table[0..<100]"`.
///
/// The row of a padding index is zeros at first, unless the initialiser is an array, and has no gradient, as with
/// PyTorch's `padding_idx`; what is loaded or set there is looked up as it is. Keras's `mask_zero` is another thing: a mask for the layers above, here `lengths` of
/// a recurrent layer.
///
/// Constraints, the first `gather`'s: (C2) indices are `i32`; (C3) the table's type is `f32` or `f64`; (C4) the padding
/// index is a row of the table.
///
/// - Complexity: no FLOPs; as many rows read and written as there are indices.
public final class Embedding: Layer {
  private let count: Int
  private let width: Int
  private let paddingIndex: Int?
  private let dtype: DType?
  private let initializer: Initializer
  private let trainable: Bool?
  var scope: LayerScope
  /// The variable, once the layer has been called.
  public private(set) var table: Tensor?

  /// A table of `count` rows.
  ///
  /// - Parameters:
  ///   - count: how many rows; indices are below it.
  ///   - width: how long a row is.
  ///   - paddingIndex: the row that stands for no word, without gradient; counts from the end where negative, PyTorch's
  ///     `padding_idx`; nil for none.
  ///   - dtype: the table's element type, since indices tell none; as the scope says for nil, else `f32`.
  ///   - initializer: the table's first value; evenly from -0.05 to 0.05, as in Keras.
  ///   - trainable: false declares the table frozen, unless a compilation thaws it; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    count: Int, width: Int, paddingIndex: Int? = nil, dtype: DType? = nil,
    initializer: Initializer = .uniform(),
    trainable: Bool? = nil, name: String = "embedding", file: StaticString = #fileID, line: UInt = #line
  ) {
    self.count = count
    self.width = width
    self.paddingIndex = paddingIndex
    self.dtype = dtype
    self.initializer = initializer
    self.trainable = trainable
    scope = LayerScope(name, otherwise: "embedding", file, line)
  }

  /// `i32[…]` becomes `[…, width]`; constraints C2 to C4.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      if let dtype, !dtype.isFloatingPoint {
        return report(
          "embedding: a table of \(dtype)", remedy: "choose f32 or f64", code: .invalidArgument,
          constraint: "C3", input)
      }
      let padding = paddingIndex.map { $0 < 0 ? $0 + count : $0 }
      // Of a table without rows the variable says what is wrong.
      if let padding, count > 0, !(0..<count).contains(padding) {
        return report(
          "embedding: padding index \(paddingIndex ?? 0) of a table of \(count) rows",
          remedy: "choose one of -\(count)..<\(count)", code: .invalidArgument, constraint: "C4", input)
      }
      let table = table ?? makeTable(in: graph, padding: padding)
      self.table = table
      let rows = gather(table, indices: input)
      guard let padding, !rows.isPoisoned else { return rows }
      let isPadding = equal(input, Double(padding)).expandingAxis(at: -1)
      return select(where: isPadding, rows.stoppedInFormula(), otherwise: rows)
    } ?? .poisoned(in: input.graph)
  }

  private func makeTable(in graph: Graph, padding: Int?) -> Tensor {
    graph.variable(
      "table", shape: Shape([count, width]), dtype: dtype, role: "table",
      initializer: padding.map { initializer.isGiven ? initializer : initializer.zeroing(row: $0) }
        ?? initializer, trainable: trainable)
  }
}

extension Embedding: ScopedLayer {}
