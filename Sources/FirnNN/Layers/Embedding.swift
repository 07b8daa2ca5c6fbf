public import FirnGraph
import FirnOps

/// A table of vectors looked up by index.
///
/// PyTorch's `nn.Embedding`, whose weight is the table as it is; Keras's `Embedding`.
///
/// | | type | role |
/// | --- | --- | --- |
/// | indices | `i32[…]`, each in `0..<count` | |
/// | `table` | `f32[count, width]` | `table` |
/// | result | `f32[…, width]` | |
///
/// The gradient of the table is a `scatter_add` of the result's, rows looked up twice adding up. An index outside the
/// table is an error of the run, `.indexOutOfRange`. Rows may freeze: `freezing: "embedding/table[0..<100]"`.
///
/// Constraints, `gather`'s: (C2) indices are `i32`.
///
/// - Complexity: no FLOPs; as many rows read and written as there are indices.
public final class Embedding: Layer {
  private let count: Int
  private let width: Int
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
  ///   - initializer: the table's first value; evenly from -0.05 to 0.05, as in Keras.
  ///   - trainable: false declares the table frozen, unless a compilation thaws it; nil for as the scope says.
  ///   - name: the layer's scope.
  public init(
    count: Int, width: Int, initializer: Initializer = .uniform(), trainable: Bool? = nil,
    name: String = "embedding", file: StaticString = #fileID, line: UInt = #line
  ) {
    self.count = count
    self.width = width
    self.initializer = initializer
    self.trainable = trainable
    scope = LayerScope(name, otherwise: "embedding", file, line)
  }

  /// `i32[…]` becomes `f32[…, width]`; constraint C2.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    scope.enter(input) { graph in
      let table =
        table
        ?? graph.variable(
          "table", shape: Shape([count, width]), role: "table", initializer: initializer, trainable: trainable
        )
      self.table = table
      return gather(table, indices: input)
    } ?? .poisoned(in: input.graph)
  }
}

extension Embedding: ScopedLayer {}
