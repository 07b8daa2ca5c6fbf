/// A change of all types in a graph at once: dimensions bound to numbers, or `f32` replaced by `f64`.
package struct TypeChange: Sendable {
  var binding = DimBinding()
  var dtypes: [DType: DType] = [:]

  /// Every named dimension of `binding` becomes its number.
  package static func binding(_ binding: DimBinding) -> TypeChange { TypeChange(binding: binding) }

  /// The reference precision: the graph whose run is the oracle for the `f32` one.
  package static let toReferencePrecision = TypeChange(dtypes: [.f32: .f64])

  var isEmpty: Bool { binding.isEmpty && dtypes.isEmpty }

  func dimension(_ dimension: Dim) -> Dim { dimension.bound(by: binding) }
  func dtype(_ dtype: DType) -> DType { dtypes[dtype] ?? dtype }
  func type(_ type: TensorType) -> TensorType { TensorType(dtype(type.dtype), type.shape.bound(by: binding)) }

  /// Whether it changes a type; true also where that is not known.
  func affects(_ type: TensorType) -> Bool {
    dtypes[type.dtype] != nil || !binding.isEmpty && type.shape.contains { $0.value == nil }
  }
}

/// Types under a change, of which those met last are kept: most nodes have a type that one before them had, and share
/// what is made of it.
struct ChangedTypes {
  let change: TypeChange
  private var known: [(before: [TensorType], after: [TensorType])] = []
  private var next = 0

  private static let most = 8

  init(_ change: TypeChange) { self.change = change }

  mutating func of(_ types: [TensorType]) -> [TensorType] {
    for entry in known where entry.before == types { return entry.after }
    let changed = types.map(change.type)
    if known.count < Self.most {
      known.append((types, changed))
    } else {
      known[next] = (types, changed)
      next = (next + 1) % Self.most
    }
    return changed
  }
}

extension GraphDef {
  /// The same graph under changed types.
  package func mapping(_ change: TypeChange) -> GraphDef {
    var types = ChangedTypes(change)
    return mapping(&types)
  }

  func mapping(_ types: inout ChangedTypes) -> GraphDef {
    let change = types.change
    if change.isEmpty { return self }
    var result = self
    for index in nodes.indices {
      let op = nodes[index].op(under: &types)
      guard op != nil || nodes[index].types.contains(where: change.affects) else { continue }
      result.nodes[index] = nodes[index].changing(op, types: types.of(nodes[index].types))
    }
    for index in variables.indices where change.affects(variables[index].type) {
      result.variables[index].type = change.type(variables[index].type)
    }
    return result
  }

  /// The names of unbound dimensions, in types and in what ops carry (a loop's length, its body), sorted.
  package var dimensionNames: [String] {
    var names: Set<String> = []
    for node in nodes {
      for type in node.types { for dimension in type.shape { names.formUnion(dimension.names) } }
      // Programs and their instructions have none that operands and results have not.
      if node.traits.contains(.instruction) || node.op.asBodyOp?.sharedPattern != nil { continue }
      for entry in node.op.attributes.entries { names.formUnion(entry.value.dimensionNames) }
    }
    return names.sorted()
  }
}

extension Node {
  /// Its op with what it carries changed; nil where nothing changes.
  fileprivate func op(under types: inout ChangedTypes) -> (any Op)? {
    let change = types.change
    // An instruction does the same to elements of every shape.
    if change.dtypes.isEmpty, traits.contains(.instruction) { return nil }
    if traits.contains(.body), let carrier = op.asBodyOp, carrier.sharedPattern != nil,
      !carrier.pattern.isAffected(by: change)
    {
      return nil
    }
    let attributes = op.attributes
    guard attributes.entries.contains(where: { $0.value.isAffected(by: change) }) else { return nil }
    let changed = attributes.mapping(&types)
    if changed == attributes { return nil }
    do {
      return try op.with(changed)
    } catch {
      firnBug("type change", "`\(name)` does not accept its own attributes: \(error)")
    }
  }
}

extension AttributeValue {
  /// Whether `change` makes another value of it; true also where that is not known.
  fileprivate func isAffected(by change: TypeChange) -> Bool {
    switch self {
    case .bool, .int, .double, .string: false
    case .dimension: !change.binding.isEmpty
    case .dtype(let dtype): change.dtypes[dtype] != nil
    case .array(let array): change.dtypes[array.dtype] != nil
    case .list(let values): values.contains { $0.isAffected(by: change) }
    case .graph(let graph): graph.isAffected(by: change)
    }
  }

  fileprivate var dimensionNames: [String] {
    switch self {
    case .dimension(let dimension): dimension.names
    case .list(let values): values.flatMap(\.dimensionNames)
    case .graph(let graph): graph.dimensionNames
    case .bool, .int, .double, .string, .dtype, .array: []
    }
  }
}

extension GraphDef {
  fileprivate func isAffected(by change: TypeChange) -> Bool {
    if change.isEmpty { return false }
    return nodes.contains { node in
      node.types.contains(where: change.affects)
        || !(change.dtypes.isEmpty && node.traits.contains(.instruction))
          && node.op.attributes.entries.contains { $0.value.isAffected(by: change) }
    }
  }
}

extension Op {
  /// Names of dimensions it carries beside its types, such as that of an `extent`; a loop's body speaks for itself.
  package var openDimensions: [String] {
    // A program has no dimension that its operands and results have not.
    if asBodyOp?.sharedPattern != nil { return [] }
    return attributes.entries.flatMap { entry -> [String] in
      if case .graph = entry.value { [] } else { entry.value.dimensionNames }
    }
  }

  fileprivate func with(_ attributes: Attributes) throws(FirnError) -> any Op {
    try Self(mnemonic: mnemonic, attributes: attributes)
  }
}
