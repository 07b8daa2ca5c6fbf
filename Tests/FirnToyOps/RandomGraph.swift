import FirnGraph

/// Valid graphs of every form, a function of the seed.
struct RandomGraph {
  private var counter = 0
  private let generator: Philox
  private(set) var graph = GraphDef()

  init(seed: Int) {
    generator = Philox(key: (UInt32(seed), 7))
    graph = body(nested: 0)
    graph.outputs = graph.nodes.indices.filter { _ in pick(3) == 0 }.map { Value($0) }
      .filter { !graph.nodes[$0.node].types.isEmpty }
  }

  private mutating func pick(_ count: Int) -> Int {
    counter += 1
    return Int(generator.bits(counter)) % count
  }

  private mutating func name(_ position: Int) -> String {
    let scopes = ["", "a/", "a/b.c/", "A-1/", "0/"]
    return scopes[pick(scopes.count)] + ["x", "y-", "_z", "1.5"][pick(4)] + "\(position)"
  }

  private mutating func body(nested: Int) -> GraphDef {
    var result = GraphDef()
    let dimensions: [Dim] = [0, 1, 4, "batch", "2*batch*time-1", "time*time+3"]
    for position in 0..<(3 + pick(12)) {
      let shape = Shape((0..<pick(4)).map { _ in dimensions[pick(dimensions.count)] })
      let type = TensorType(DType.allCases[pick(4)], shape)
      let values = result.nodes.indices.flatMap { node in
        result.nodes[node].types.indices.map { Value(node, $0) }
      }
      let name = name(position)
      let any = values.isEmpty ? nil : values[pick(values.count)]
      switch (pick(9), any) {
      case (0, _), (_, nil):
        let source: any Op = nested > 0 ? LoopInput(.slice, position, type: type) : Placeholder(type: type)
        append(source, [], name, &result)
      case (1, _):
        append(Constant(array()), [], name, &result)
      case (2, _) where nested == 0:
        let shape = [pick(3), 5]
        let variable = Variable(
          name: name, type: TensorType(.f64, Shape(shape)), kind: Variable.Kind.allCases[pick(3)],
          role: ["", "kernel", "\"odd\"\n"][pick(3)], initializer: .uniform(-1, Double(pick(100)) / 7),
          isTrainable: pick(2) == 0)
        result.variables.append(variable)
        append(ReadVariable(variable), [], name, &result)
      case (3, let value?): append(Map(Map.Kind.allCases[pick(4)]), [value], name, &result)
      case (4, let value?): append(Combine("mul"), [value, value], name, &result)
      case (5, let value?): append(Tagged(attributes()), [value, value], name, &result)
      case (6, let value?) where result.type(of: value).shape.last?.divided(exactlyBy: 4) != nil:
        append(Split(4), [value], name, &result)
      case (7, let value?) where nested < 3 && result.type(of: value).shape.rank > 0:
        var inner = body(nested: nested + 1)
        inner.outputs = inner.nodes.indices.filter { !inner.nodes[$0].types.isEmpty }.prefix(2).map {
          Value($0)
        }
        append(Loop(carries: 0, body: inner), [value], name, &result)
      case (_, let value?): append(PassThrough(.stopGradient), [value], name, &result)
      }
    }
    return result
  }

  private mutating func append(_ op: any Op, _ inputs: [Value], _ name: String, _ graph: inout GraphDef) {
    guard let types = try? op.resultTypes(of: inputs.map(graph.type(of:))) else { return }
    let location = pick(2) == 0 ? CallSite(file: "main.swift", line: pick(99)) : nil
    graph.nodes.append(
      Node(
        op: op, inputs: inputs, types: types, name: name, phase: Node.Phase.allCases[pick(3)],
        location: location))
  }

  private mutating func array() -> NDArray {
    let count = pick(20)
    let bits = (0..<count).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: pick(1 << 32))) }
    return pick(2) == 0 ? NDArray(bits) : NDArray(bits).converted(to: DType.allCases[pick(4)])
  }

  private mutating func attributes() -> Attributes {
    [
      "int": .int(pick(1 << 30) - 1 << 29), "double": .double(Double(pick(1 << 30)) / 3),
      "text": .string(String((0..<pick(5)).map { _ in Character(Unicode.Scalar(UInt8(pick(256)))) })),
      "list": .list([.dimension("time"), .list([.bool(true), .dtype(.f64)]), .array(array())]),
    ]
  }
}
