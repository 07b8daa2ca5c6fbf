internal import FirnGraph
internal import FirnOps

/// A loss that `--loss` adds to a graph that has none, so that a model for inference can be asked about.
///
/// `crossEntropy(output, labels)` or `meanSquaredError(output, target)`. What the second name is not a tensor of
/// becomes a placeholder: one label for each row of the output, or a target of its shape.
struct AddedLoss {
  let graph: GraphDef
  /// The loss's name; nil where none was named.
  let name: String?

  /// - Parameter text: what `--loss` says; a name by itself adds nothing.
  /// - Throws: `.invalidArgument` for another function and for tensors that it is not of, `.unknownName` for an output
  ///   that is not there.
  init(_ text: String?, to definition: GraphDef) throws(FirnError) {
    guard let text, let open = text.firstIndex(of: "("), text.hasSuffix(")") else {
      (graph, name) = (definition, text)
      return
    }
    let function = text[..<open].filter { $0 != " " }
    let inside = text[text.index(after: open)...].dropLast()
    let names = inside.split(separator: ",").map { $0.filter { $0 != " " } }.map { String($0) }
    guard ["crossEntropy", "meanSquaredError"].contains(function), names.count == 2 else {
      throw FirnError(
        .invalidArgument, "--loss `\(text)` is no loss that the command adds",
        remedy: "write crossEntropy(OUTPUT, labels) or meanSquaredError(OUTPUT, target)")
    }
    let built = Graph(definition)
    guard let output = built.tensor(named: names[0]) else {
      throw FirnError(
        .unknownName, "the graph has no node `\(names[0])`",
        remedy: NearestNames(to: names[0], among: definition.nodes.map(\.name)).question
          ?? definition.lossOutputs.map { "its outputs are \($0)" })
    }
    let loss: Tensor
    if function == "crossEntropy" {
      let labels =
        built.tensor(named: names[1])
        ?? built.placeholder(names[1], shape: Shape(Array(output.shape.dropLast())), dtype: .i32)
      loss = sparseSoftmaxCrossEntropy(logits: output, labels: labels).mean()
    } else {
      let target =
        built.tensor(named: names[1]) ?? built.placeholder(names[1], shape: output.shape, dtype: output.dtype)
      loss = meanSquaredError(output, target)
    }
    let named = identity(loss, name: "loss")
    do throws(FirnError) {
      try built.validate()
    } catch {
      // The lines that are at fault are none of the user's.
      let fault = error.causes.first ?? error
      throw FirnError(
        .invalidArgument, "this loss cannot be added: \(fault.message)",
        remedy:
          "name an output with a number for each class and i32 labels, or an output and a target of its shape",
        place: "--loss '\(text)'",
        operands: fault.operands.map { .init(label: $0.label, name: $0.name, type: $0.type) })
    }
    (graph, name) = (built.definition, named.name)
  }
}
