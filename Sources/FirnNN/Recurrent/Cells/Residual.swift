public import FirnGraph
import FirnOps

/// A cell whose output has its input added.
///
///     y = cell(x) + x
///
/// The state is the cell's own. Wu et al., "Google's Neural Machine Translation System" (2016), equation 6.
///
/// | | shape |
/// | --- | --- |
/// | x | `[batch, in]` |
/// | y | `[batch, in]` |
///
/// Constraints: (C1) the input is as wide as the cell's output; those of `RNN`.
///
/// - Complexity: the cell's, and batch·in FLOPs a step.
public struct Residual<Cell: RecurrentCell>: RecurrentCell {
  private let cell: Cell

  /// `cell` with its input added to its output; it has the cell's variables and no others.
  public init(_ cell: Cell) { self.cell = cell }

  /// The cell's.
  public var name: String { cell.name }
  /// The cell's.
  public var stateShapes: [Shape] { cell.stateShapes }
  /// The cell's, which is not its first state any more.
  public var outputShape: Shape? { cell.outputShape ?? cell.stateShapes.first }

  /// Makes the cell's variables, under the names they have without.
  public func makeWeights(_ make: CellVariables) -> Cell.Weights { cell.makeWeights(make) }

  /// The cell's next states, and its output plus `input`; constraint C1.
  public func step(_ input: Tensor, _ state: CellState, _ weights: Cell.Weights) -> CellStep {
    let next = cell.step(input, state, weights)
    guard let output = next.output ?? next.state.first else { return next }
    guard output.isPoisoned || output.shape == input.shape else {
      return CellStep(
        next.state,
        output: report(
          "\(name): a residual connection adds an input \(input.type) to an output \(output.type)",
          remedy: "use it where both are of one width, from the second layer of a stack on", constraint: "C1",
          input, output))
    }
    return CellStep(next.state, output: output + input)
  }
}
