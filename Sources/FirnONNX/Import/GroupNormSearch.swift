import FirnFormats
import FirnGraph

/// Looks for group norms that an exporter has taken apart: who makes and who reads what, in one graph.
struct GroupNormSearch {
  /// A group norm that an exporter has taken apart.
  ///
  /// PyTorch's write `nn.GroupNorm` as a reshaping to groups, an instance norm of these by ones and zeros, a reshaping
  /// back, and a product and a sum with weights that are shaped for that.
  struct Parts {
    /// The places of the nodes, but the last.
    var places: [Int]
    var last: Int
    var input: String
    var groups: Int
    var epsilon: AttributeMessage?
    /// The shape that it reshapes back to; nil where that is the input's own, computed.
    var shape: [Int]?
    /// How many axes the weights have: one fewer than what they scale.
    var rank: Int
    /// The names of the weights, and of each what it is called as a vector.
    var weights: [String]
  }

  private let nodes: [NodeMessage]
  private let initializers: [String: TensorMessage]
  private var makers: [String: Int] = [:]
  /// -1 stands for the graph's outputs.
  private var readers: [String: [Int]] = [:]
  private let files: ExternalFiles
  private let fault: FileFault

  init(_ graph: GraphMessage, files: ExternalFiles, fault: FileFault) {
    (nodes, self.files, self.fault) = (graph.nodes, files, fault)
    initializers = Dictionary(
      graph.initializers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for output in graph.outputs { readers[output.name, default: []].append(-1) }
    for (place, node) in nodes.enumerated() {
      for output in node.outputs where makers[output] == nil { makers[output] = place }
      var read: Set<String> = []
      node.addRead(to: &read)
      for name in read { readers[name, default: []].append(place) }
    }
  }

  /// What belongs to the instance norm at a place; nil where it is what it says.
  func parts(around place: Int) -> Parts? {
    let norm = nodes[place]
    guard norm.op == "InstanceNormalization", norm.domain.isEmpty, norm.inputs.count == 3,
      let first = makers[norm.inputs[0]], nodes[first].op == "Reshape", nodes[first].domain.isEmpty,
      nodes[first].inputs.count == 2,
      nodes[first].attributes.allSatisfy({ $0.name == "allowzero" && ($0.integer ?? 0) == 0 }),
      only(reader: norm.inputs[0]) == place, let input = nodes[first].inputs.first, !input.isEmpty,
      // Of other sizes the batch would be among what is normed, or a part of a group would be one.
      let sizes = integers(nodes[first].inputs[1]), sizes.count == 3, sizes[0] == 0, sizes[1] >= 1,
      sizes[2] == -1,
      isFilled(norm.inputs[1], 1), isFilled(norm.inputs[2], 0),
      let back = reader(of: norm, "Reshape"), nodes[back].inputs.count == 2,
      let product = reader(of: nodes[back], "Mul"),
      let gain = weight(beside: nodes[back], in: nodes[product]),
      let sum = reader(of: nodes[product], "Add"), let bias = weight(beside: nodes[product], in: nodes[sum]),
      gain.count == bias.count, gain.rank == bias.rank, gain.count % sizes[1] == 0
    else { return nil }
    var parts = Parts(
      places: [first, place, back, product], last: sum, input: input, groups: sizes[1],
      epsilon: norm.attributes.first { $0.name == "epsilon" }, shape: nil, rank: gain.rank,
      weights: [gain.name, bias.name])
    if let shape = integers(nodes[back].inputs[1]) {
      guard shape.count == gain.rank + 1, shape.allSatisfy({ $0 > 0 }), shape[1] == gain.count else {
        return nil
      }
      parts.shape = shape
    } else {
      guard let maker = makers[nodes[back].inputs[1]], nodes[maker].op == "Shape",
        nodes[maker].domain.isEmpty, nodes[maker].inputs == [input],
        nodes[maker].attributes.allSatisfy({ $0.name == "start" && $0.integer == 0 })
      else { return nil }
    }
    return parts
  }

  private func only(reader name: String) -> Int? {
    guard let all = readers[name], all.count == 1, all[0] >= 0 else { return nil }
    return all[0]
  }

  /// The only node that reads the only output of a node, where it is of this operator.
  private func reader(of node: NodeMessage, _ op: String) -> Int? {
    guard node.outputs.count == 1, let place = only(reader: node.outputs[0]), nodes[place].op == op,
      nodes[place].domain.isEmpty, nodes[place].outputs.count == 1
    else { return nil }
    return place
  }

  /// The other operand of a node: an initialiser of one element a channel, `[channels, 1, …]`, that nothing else
  /// reads.
  private func weight(
    beside maker: NodeMessage, in node: NodeMessage
  ) -> (name: String, count: Int, rank: Int)? {
    guard node.inputs.count == 2, let name = node.inputs.first(where: { $0 != maker.outputs.first }),
      let tensor = initializers[name], let count = tensor.dimensions.first, count > 1,
      tensor.dimensions.count > 1, tensor.dimensions.dropFirst().allSatisfy({ $0 == 1 }),
      readers[name]?.count == 1
    else { return nil }
    return (name, count, tensor.dimensions.count)
  }

  private func constant(_ name: String) -> TensorMessage? {
    if let tensor = initializers[name] { return tensor }
    guard let maker = makers[name], nodes[maker].op == "Constant", nodes[maker].domain.isEmpty else {
      return nil
    }
    return nodes[maker].attributes.first { $0.name == "value" }?.tensor
  }

  private func integers(_ name: String) -> [Int]? {
    guard let tensor = constant(name), tensor.dimensions.count == 1, (1...8).contains(tensor.dimensions[0])
    else { return nil }
    return try? tensor.integers(from: files, fault: fault)
  }

  /// Whether it is a vector of the file, all of it this number, which no module has a name for.
  private func isFilled(_ name: String, _ number: Double) -> Bool {
    guard let tensor = constant(name), tensor.dimensions.count == 1 else { return false }
    let isWeight = initializers[name] != nil && tensor.isWeight(name, count: tensor.dimensions[0])
    return tensor.isFilled(with: number, weight: isWeight ? name : nil, from: files, fault: fault)
  }
}
