public import FirnGraph
package import FirnFiles
import FirnFormats

/// A model of another library, read from an ONNX file into a graph.
///
///     let model = try ONNXModel(contentsOfFile: "resnet18.onnx")
///     let session = try Session(model.graph)
///     let program = try session.compile(minimizing: loss, with: .sgd(0.1), freezing: "layer1 | layer2")
///
/// Nodes become Firn's ops, initialisers variables with their values: those of floats are trainable unless the file's
/// metadata say otherwise (`firn.trainable`), all others constants. Weights lie as in Firn's own layers, so selections,
/// maps of names and reports are those of a model written by hand. Dimensions with names stay named.
public struct ONNXModel {
  /// What was read; more can be built on it.
  public let graph: Graph
  /// The model's inputs that are to be fed, in its order, by their names in the file.
  public let inputs: [(name: String, tensor: Tensor)]
  /// The model's outputs, in its order, by their names in the file.
  public let outputs: [(name: String, tensor: Tensor)]
  /// What is otherwise here than the file says, in words.
  public let notes: [String]

  /// Inputs of whole numbers of another size in the file, which are `i32` here.
  package let narrowedInputs: [String]

  /// Reads a model; data beside it may not lie outside its folder.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - binding: values of inputs that decide shapes, such as axes; these are then no inputs any more.
  /// - Throws: `.file` where it cannot be read, `.parse` where it is no model or a damaged one, `.unknownName` for a
  ///   binding of no input, `.invalidArgument` and `.shapeMismatch` for one that its type or shape does not admit,
  ///   `.missingFeed` naming an input that must be bound; and whatever of it has no counterpart in Firn, all at once,
  ///   each with its node.
  /// - Complexity: O(the file): weights that lie as Firn wants them are read where they are mapped.
  public init(contentsOfFile path: String, binding: [String: NDArray] = [:]) throws(FirnError) {
    try self.init(MappedFile.open(path), source: path, path: path, binding: binding)
  }

  /// - Parameter path: where it lies, for data beside it; nil for a stream.
  package init(
    _ bytes: Bytes, source: String, path: String?, binding: [String: NDArray] = [:]
  ) throws(FirnError) {
    let fault = FileFault(source)
    let importer = try Importer(
      ModelMessage(bytes, source: source), files: ExternalFiles(besides: path, fault: fault),
      binding: binding, fault: fault)
    try importer.run()
    (notes, narrowedInputs) = (importer.notes, importer.narrowedInputs)
    guard let named = Self.withOutputNames(importer) else {
      (graph, inputs, outputs) = (importer.graph, importer.inputs, importer.outputs)
      return
    }
    graph = named
    inputs = importer.inputs.map { ($0.name, Tensor(named, $0.tensor.value)) }
    outputs = importer.outputs.map { ($0.name, Tensor(named, $0.tensor.value)) }
  }

  /// The graph with the outputs' names at the outputs, where these were taken: a node that was called so has now the
  /// name that was made up for the output; nil where all are right.
  private static func withOutputNames(_ importer: Importer) -> Graph? {
    let definition = importer.graph.definition
    var nodes = definition.nodes
    var isSame = true
    for (name, tensor) in importer.outputs {
      let (wanted, output) = (PathText.path(name, separators: ["/"]), tensor.value.node)
      guard nodes[output].name != wanted, Path.isValid(wanted), tensor.value.result == 0,
        !nodes[output].inputs.isEmpty
      else { continue }
      // Where no node is called so, a scope is: that of the nodes that an output is made of.
      if let other = nodes.firstIndex(where: { $0.name == wanted }) {
        if (importer.inputs + importer.outputs).contains(where: { $0.tensor.value.node == other }) {
          continue
        }
        nodes[other].name = nodes[output].name
      }
      nodes[output].name = wanted
      isSame = false
    }
    if isSame { return nil }
    return Graph(
      GraphDef(nodes: nodes, variables: definition.variables, lossName: definition.lossName))
  }

  /// Whether bytes that begin so can be a model: with the version of the form, then what models have next.
  package static func mayBegin(_ bytes: Bytes) -> Bool {
    guard bytes[0] == 0x08, let version = bytes[1], (1...0x7F).contains(version), let next = bytes[2] else {
      return false
    }
    // Producer and its version, domain, the model's version, notes, graph, operator sets.
    return [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42].contains(next)
  }
}
