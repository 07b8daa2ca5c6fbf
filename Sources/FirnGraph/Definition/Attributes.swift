/// A value an op carries beside its operands.
package indirect enum AttributeValue: Hashable, Sendable {
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case dtype(DType)
  case dimension(Dim)
  case list([AttributeValue])
  case array(NDArray)
  case graph(GraphDef)

  package static func shape(_ shape: Shape) -> AttributeValue {
    .list(shape.map { $0.value.map(AttributeValue.int) ?? .dimension($0) })
  }

  package static func ints(_ values: [Int]) -> AttributeValue { .list(values.map(AttributeValue.int)) }

  package static func dimensions(_ values: [Dim]) -> AttributeValue { .shape(Shape(values)) }

  /// The value with every dimension, element type and nested graph in it replaced.
  func mapping(_ types: inout ChangedTypes) -> AttributeValue {
    let change = types.change
    switch self {
    case .dimension(let dimension):
      let result = change.dimension(dimension)
      return result.value.map(AttributeValue.int) ?? .dimension(result)
    case .dtype(let dtype): return .dtype(change.dtype(dtype))
    case .array(let array): return .array(array.converted(to: change.dtype(array.dtype)))
    case .graph(let graph): return .graph(graph.mapping(&types))
    case .list(let values): return .list(values.map { $0.mapping(&types) })
    case .bool, .int, .double, .string: return self
    }
  }
}

/// An op's attributes, in the order they print.
package struct Attributes: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  package struct Entry: Hashable, Sendable {
    package var key: String
    package var value: AttributeValue

    package init(key: String, value: AttributeValue) {
      self.key = key
      self.value = value
    }
  }

  package var entries: [Entry]

  package init(_ entries: [Entry] = []) { self.entries = entries }

  package init(dictionaryLiteral elements: (String, AttributeValue)...) {
    entries = elements.map { Entry(key: $0.0, value: $0.1) }
  }

  package var isEmpty: Bool { entries.isEmpty }

  package subscript(key: String) -> AttributeValue? { entries.first { $0.key == key }?.value }

  func mapping(_ types: inout ChangedTypes) -> Attributes {
    Attributes(entries.map { Entry(key: $0.key, value: $0.value.mapping(&types)) })
  }
}

/// Typed access for decoding an op: each throws an error that names the attribute.
extension Attributes {
  package func bool(_ key: String) throws(FirnError) -> Bool {
    if case .bool(let value) = try required(key) { return value }
    throw wrong(key, "true or false")
  }

  package func int(_ key: String) throws(FirnError) -> Int {
    if case .int(let value) = try required(key) { return value }
    throw wrong(key, "an integer")
  }

  package func double(_ key: String) throws(FirnError) -> Double {
    switch try required(key) {
    case .double(let value): return value
    case .int(let value): return Double(value)
    default: throw wrong(key, "a number")
    }
  }

  package func string(_ key: String) throws(FirnError) -> String {
    if case .string(let value) = try required(key) { return value }
    throw wrong(key, "a string")
  }

  package func dtype(_ key: String) throws(FirnError) -> DType {
    if case .dtype(let value) = try required(key) { return value }
    throw wrong(key, "an element type")
  }

  package func dimension(_ key: String) throws(FirnError) -> Dim {
    switch try required(key) {
    case .dimension(let value): return value
    case .int(let value): return Dim(value)
    default: throw wrong(key, "a dimension")
    }
  }

  package func shape(_ key: String) throws(FirnError) -> Shape {
    var dimensions: [Dim] = []
    for value in try list(key) {
      switch value {
      case .dimension(let value): dimensions.append(value)
      case .int(let value): dimensions.append(Dim(value))
      default: throw wrong(key, "a list of dimensions")
      }
    }
    return Shape(dimensions)
  }

  package func ints(_ key: String) throws(FirnError) -> [Int] {
    var result: [Int] = []
    for value in try list(key) {
      guard case .int(let value) = value else { throw wrong(key, "a list of integers") }
      result.append(value)
    }
    return result
  }

  package func array(_ key: String) throws(FirnError) -> NDArray {
    if case .array(let value) = try required(key) { return value }
    throw wrong(key, "an array")
  }

  package func graph(_ key: String) throws(FirnError) -> GraphDef {
    if case .graph(let value) = try required(key) { return value }
    throw wrong(key, "a graph")
  }

  private func list(_ key: String) throws(FirnError) -> [AttributeValue] {
    if case .list(let values) = try required(key) { return values }
    throw wrong(key, "a list")
  }

  private func required(_ key: String) throws(FirnError) -> AttributeValue {
    if let value = self[key] { return value }
    throw FirnError(.parse, "attribute `\(key)` is missing")
  }

  private func wrong(_ key: String, _ expected: String) -> FirnError {
    FirnError(.parse, "attribute `\(key)` must be \(expected)")
  }
}
