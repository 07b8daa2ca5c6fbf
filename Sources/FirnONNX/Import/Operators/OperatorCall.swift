import FirnFormats
import FirnGraph
import FirnOps

/// One node while it is built: its inputs, its attributes, and what entries of the table need of the importer.
struct OperatorCall {
  let importer: Importer
  let node: NodeMessage
  /// Of its domain's operators.
  let version: Int
  let inputs: [ImportedValue?]
  let environment: Environment

  /// Where nodes go now: the innermost loop's body.
  var graph: Graph { importer.graph.current }

  // MARK: Attributes

  func attribute(_ name: String) -> AttributeMessage? { node.attributes.first { $0.name == name } }

  /// The value of an attribute, which must be of this kind; nil where there is none.
  ///
  /// One of another kind is put on the importer's record: to read the default instead would be another model.
  private func value<Value>(
    _ name: String, _ kind: AttributeMessage.Kind, _ value: (AttributeMessage) -> Value
  ) -> Value? {
    guard let attribute = attribute(name) else { return nil }
    if attribute.holds(kind) { return value(attribute) }
    importer.reportAttribute(name, wanted: kind)
    return nil
  }

  // What is 0 or empty some writers leave out, and say only the kind.
  func int(_ name: String) -> Int? { value(name, .integer) { $0.integer ?? 0 } }
  func int(_ name: String, _ otherwise: Int) -> Int { int(name) ?? otherwise }
  func flag(_ name: String, _ otherwise: Bool = false) -> Bool { int(name).map { $0 != 0 } ?? otherwise }
  func ints(_ name: String) -> [Int]? { value(name, .integers, \.integers) }
  func float(_ name: String) -> Double? { value(name, .float) { Self.decimal($0.float ?? 0) } }
  func float(_ name: String, _ otherwise: Double) -> Double { float(name) ?? otherwise }
  func floats(_ name: String) -> [Double]? { value(name, .floats) { $0.floats.map { Double($0) } } }
  func string(_ name: String, _ otherwise: String) -> String {
    value(name, .text) { $0.text ?? "" } ?? otherwise
  }
  func strings(_ name: String) -> [String]? { value(name, .texts, \.texts) }
  func tensorAttribute(_ name: String) -> TensorMessage? { value(name, .tensor, \.tensor) ?? nil }

  /// The number that was written: attributes are f32, and 0.1 was meant where 0.10000000149 stands.
  private static func decimal(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }

  // MARK: Inputs

  func has(_ index: Int) -> Bool { inputs.indices.contains(index) && inputs[index] != nil }

  func value(_ index: Int) throws(FirnError) -> ImportedValue {
    guard has(index), let value = inputs[index] else {
      throw FirnError(
        .invalidGraph, "it lacks its input \(index)", remedy: "check the file with onnx.checker")
    }
    return value
  }

  /// An input as it lies in the graph.
  func laid(_ index: Int) throws(FirnError) -> LaidTensor { try importer.tensor(value(index)) }

  /// An input with the model's axes.
  func tensor(_ index: Int) throws(FirnError) -> Tensor { try laid(index).plain }

  func tensorIfAny(_ index: Int) throws(FirnError) -> Tensor? { has(index) ? try tensor(index) : nil }

  /// An input that is a weight: where it is the file's, a variable with its axes in this order and this role.
  func weight(_ index: Int, order: [Int]? = nil, role: String) throws(FirnError) -> Tensor {
    switch try value(index) {
    case .stored(let stored) where order == nil || order?.count == stored.message.dimensions.count:
      return try importer.tensor(stored, order: order, role: role)
    case .turned(let stored, let own) where order == nil || order?.count == own.count:
      return try importer.tensor(stored, order: order.map { $0.map { own[$0] } } ?? own, role: role)
    default: break
    }
    let tensor = try tensor(index)
    return order.map { tensor.transposed($0) } ?? tensor
  }

  /// Whether an input is elements of the file that are all this number, and that no module has a name for.
  func isFilled(_ index: Int, with number: Double) -> Bool {
    guard case .stored(let stored)? = try? value(index) else { return false }
    return stored.message.isFilled(
      with: number, weight: stored.isParameter ? stored.name : nil, from: importer.files,
      fault: importer.fault)
  }

  /// The extents of an input without making anything of it.
  func shape(_ index: Int) throws(FirnError) -> Shape {
    switch try value(index) {
    case .known(let integers): Shape(integers.shape)
    case .stored(let stored): Shape(stored.message.dimensions)
    case .turned(let stored, let order): Shape(order.map { stored.message.dimensions[$0] })
    case .tensor(let laid): laid.shape
    case .list: throw ImportedValue.listFault
    }
  }

  /// All inputs as known integers, those that are left out as nil; nil where one is not known.
  var knownInputs: [KnownIntegers?]? {
    var result: [KnownIntegers?] = []
    for input in inputs {
      switch input {
      case .known(let integers)?: result.append(integers)
      case nil: result.append(nil)
      default: return nil
      }
    }
    return result
  }

  // MARK: Numbers

  /// An input that must be known, of any type.
  func array(_ index: Int, _ what: String) throws(FirnError) -> NDArray {
    try importer.array(value(index), what)
  }

  func doubles(_ index: Int, _ what: String) throws(FirnError) -> [Double] {
    if case .known(let integers) = try value(index), let numbers = integers.numbers {
      return numbers.map { Double($0) }
    }
    return try array(index, what).doubles
  }

  /// An input of one element that must be known.
  func scalar(_ index: Int, _ what: String) throws(FirnError) -> Double {
    guard let first = try doubles(index, what).first else {
      throw FirnError(
        .shapeMismatch, "its \(what) has no elements", remedy: "check the file with onnx.checker")
    }
    return first
  }

  /// Extents or places that must be known, named ones among them.
  func dims(_ index: Int, _ what: String) throws(FirnError) -> [Dim] {
    if case .known(let integers) = try value(index) { return integers.values }
    var result: [Dim] = []
    for number in try array(index, what).doubles {
      guard let whole = Int(exactly: number) else { throw unfit(number, what) }
      result.append(Dim(whole))
    }
    return result
  }

  private func unfit(_ number: Double, _ what: String) -> FirnError {
    FirnError(.invalidArgument, "its \(what) is \(number)", remedy: "check the file with onnx.checker")
  }

  /// An extent that must be known, named or not.
  func dim(_ index: Int, _ what: String) throws(FirnError) -> Dim {
    guard let first = try dims(index, what).first else {
      throw FirnError(
        .shapeMismatch, "its \(what) has no elements", remedy: "check the file with onnx.checker")
    }
    return first
  }

  /// An integer that must be known as a number.
  func integer(_ index: Int, _ what: String) throws(FirnError) -> Int {
    guard let first = try integers(index, what).first else {
      throw FirnError(
        .shapeMismatch, "its \(what) has no elements", remedy: "check the file with onnx.checker")
    }
    return first
  }

  /// Integers that must be known as numbers.
  func integers(_ index: Int, _ what: String) throws(FirnError) -> [Int] {
    let dims = try dims(index, what)
    let numbers = dims.compactMap(\.value)
    guard numbers.count == dims.count else {
      throw FirnError(
        .missingFeed, "its \(what) depends on a named dimension",
        remedy: "export the model with a fixed extent there")
    }
    return numbers
  }

  /// Integers that an attribute gave in older opsets and an input gives since.
  func integers(attribute: String, orInput index: Int) throws(FirnError) -> [Int]? {
    if let ints = ints(attribute) { return ints }
    return has(index) ? try integers(index, attribute) : nil
  }

  // MARK: Axes

  /// An axis counted from the start.
  func axis(_ axis: Int, rank: Int) throws(FirnError) -> Int {
    let positive = axis < 0 ? axis + rank : axis
    guard (0..<rank).contains(positive) else {
      throw FirnError(
        .invalidArgument, "axis \(axis) is outside \(-rank)..<\(rank)",
        remedy: "check the file with onnx.checker")
    }
    return positive
  }

  func axes(_ axes: [Int], rank: Int) throws(FirnError) -> [Int] {
    var result: [Int] = []
    for axis in axes { result.append(try self.axis(axis, rank: rank)) }
    return result
  }

  /// Extents as numbers.
  func numbers(_ shape: some Sequence<Dim>, _ what: String) throws(FirnError) -> [Int] {
    var result: [Int] = []
    for dim in shape {
      guard let number = dim.value else {
        throw FirnError(
          .shapeMismatch, "\(what) is the named extent \(dim), where a number is needed",
          remedy: "export the model with a fixed extent there")
      }
      // No axis is longer, and what is computed of it must not overflow.
      guard number < 1 << 31 else {
        throw FirnError(.shapeMismatch, "\(what) is \(number)", remedy: "check the file with onnx.checker")
      }
      result.append(number)
    }
    return result
  }

  /// - Throws: where a tensor has fewer axes than its operator wants.
  func requireRank(_ rank: Int, atLeast least: Int, _ what: String = "input") throws(FirnError) {
    guard rank < least else { return }
    throw FirnError(
      .shapeMismatch, "its \(what) has \(rank) axes, not \(least) or more",
      remedy: "check the file with onnx.checker")
  }

  // MARK: Element by element

  /// One function of one tensor, wherever its axes are.
  func mapped(_ function: (Tensor) -> Tensor) throws(FirnError) -> [ImportedValue] {
    let x = try laid(0)
    return [.of(function(x.tensor), isChannelsLast: x.isChannelsLast)]
  }

  /// Inputs with their axes in one order, so that they broadcast as the model's values do.
  func aligned(_ indices: [Int]) throws(FirnError) -> (tensors: [Tensor], isChannelsLast: Bool) {
    var all: [LaidTensor] = []
    for index in indices { all.append(try laid(index)) }
    return Self.aligned(all)
  }

  static func aligned(_ all: [LaidTensor]) -> (tensors: [Tensor], isChannelsLast: Bool) {
    let rank = all.map(\.rank).max() ?? 0
    guard all.contains(where: { $0.isChannelsLast && $0.rank == rank }) else {
      return (all.map(\.plain), false)
    }
    let tensors = all.map { laid -> Tensor in
      if laid.rank == rank { return laid.channelsLast }
      // A scalar or a vector of the last axis: axes of one in front, then channels last.
      if laid.rank == 0 { return laid.tensor }
      let ones = [Dim](repeating: 1, count: rank - laid.rank)
      let padded = laid.plain.reshaped(to: Shape(ones + laid.shape.dimensions))
      return LaidTensor(padded).channelsLast
    }
    return (tensors, true)
  }

  /// A function of two tensors with broadcasting.
  func combined(_ function: (Tensor, Tensor) -> Tensor) throws(FirnError) -> [ImportedValue] {
    let (tensors, isChannelsLast) = try aligned([0, 1])
    return [.of(function(tensors[0], tensors[1]), isChannelsLast: isChannelsLast)]
  }

  // MARK: Results

  /// Whether an output is named, and read by anyone.
  func wants(_ output: Int) -> Bool {
    node.outputs.indices.contains(output) && !node.outputs[output].isEmpty
      && importer.readNames.contains(node.outputs[output])
  }

  func unsupported(_ what: String, remedy: String = "export the model without it") -> FirnError {
    FirnError(.invalidGraph, "\(what) has no counterpart in Firn", remedy: remedy)
  }
}
