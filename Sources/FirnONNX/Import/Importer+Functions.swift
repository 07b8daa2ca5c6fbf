import FirnGraph

extension Importer {
  /// A model's own operator, made of its nodes.
  func expanded(
    _ function: FunctionMessage, _ node: NodeMessage, _ inputs: [ImportedValue?], in environment: Environment
  ) throws(FirnError) -> [ImportedValue] {
    guard environment.depth < Nesting.limit else {
      throw FirnError(
        .invalidGraph, "functions call one another without end", remedy: "export the model anew")
    }
    var versions = environment.versions
    versions.merge(try self.versions(function.operatorSets)) { $1 }
    let inner = Environment(versions: versions, depth: environment.depth + 1)
    for (name, value) in zip(function.inputs, inputs) { inner[name] = value }
    let given = node.attributes
    let key = Self.key(node.domain, node.op, node.overload)
    for (place, body) in function.nodes.enumerated() {
      var body = body
      let isFixed = body.isFixedConstant
      body.inputs = body.inputs.map { name in
        // An optional input that is not given is none for the nodes inside either.
        function.inputs.contains(name) && inner[name] == nil ? "" : name
      }
      body.attributes = body.attributes.compactMap { $0.resolved(by: given, defaults: function.defaults) }
      build(body, number: place + 1, constant: isFixed ? "\(key)::\(place)" : nil, in: inner)
    }
    var results: [ImportedValue] = []
    for (index, name) in function.outputs.enumerated() {
      let isWanted = node.outputs.indices.contains(index) && !node.outputs[index].isEmpty
      guard inner[name] != nil || !isWanted || isStopped else {
        throw FirnError(
          .invalidGraph, "nothing makes the function's output `\(name)`",
          remedy: "check the file with onnx.checker")
      }
      results.append(inner[name] ?? .of(.poisoned(in: graph.current)))
    }
    return results
  }
}
