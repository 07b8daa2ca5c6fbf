import FirnGraph

extension GraphDef {
  /// The body of a loop whose operands have other numbers.
  ///
  /// - Parameter number: the new number of what the node at a position stands for; nil where it keeps its own.
  func numberingLoopInputs(_ number: (LoopInput, _ position: Int) -> Int?) -> GraphDef {
    rewritten { rewriter, position in
      guard var input = nodes[position].loopInput, let number = number(input, position),
        number != input.position
      else { return }
      input.position = number
      rewriter.keep(position, as: input)
    }
  }
}
