import FirnGraph

extension Importer {
  /// Takes the cost of what is kept and not read from the file; few bytes can ask for very much of it.
  func keep(_ byteCount: Int) throws(FirnError) {
    rest -= byteCount
    guard rest < 0 else { return }
    isStopped = true
    throw FirnError(
      .invalidGraph, "the model's constants, worked out, take more memory than any model needs",
      remedy: "export large tables as initialisers")
  }

  func narrowed(_ numbers: [Int]) throws(FirnError) -> [Int32] {
    guard let wide = numbers.first(where: { Int32(exactly: $0) == nil }) else {
      return numbers.map { Int32($0) }
    }
    throw FirnError(
      .indexOutOfRange, "\(wide) is no i32, in which Firn keeps 64-bit integers",
      remedy: "export with smaller numbers")
  }

  /// Numbers of a value that a node must know, such as axes or a shape.
  func array(_ value: ImportedValue, _ what: String) throws(FirnError) -> NDArray {
    switch value {
    case .stored(let stored): return try stored.array()
    case .turned(let stored, let order): return try stored.array().transposed(order)
    case .list: throw ImportedValue.listFault
    case .known(let integers):
      if integers.isBool, let numbers = integers.numbers {
        return try NDArray(numbers.map { $0 != 0 }, shape: integers.shape)
      }
      if let numbers = integers.numbers {
        return try NDArray(narrowed(numbers), shape: integers.shape)
      }
    case .tensor(let laid):
      let array = try ConstantEvaluation.value(of: laid.plain) { (cost) throws(FirnError) in try keep(cost) }
      if let array { return array }
    }
    throw unknown(value, what)
  }

  /// The error of a value that must be known and depends on what is fed.
  func unknown(_ value: ImportedValue, _ what: String) -> FirnError {
    if case .tensor(let laid) = value {
      if let name = sourceInput(of: laid.tensor) {
        return FirnError(
          .missingFeed, "its \(what) decides shapes and depends on the input `\(name)`",
          remedy: "give that input's value with `binding:`, in the command with `--input '\(name)=…'`",
          place: name)
      }
    }
    return FirnError(
      .missingFeed, "its \(what) decides shapes and is not known before the model runs",
      remedy: "export the model with that as a constant")
  }

  /// An input that a tensor is made of, the first.
  private func sourceInput(of tensor: Tensor) -> String? {
    guard !tensor.isPoisoned else { return nil }
    var seen: Set<Int> = []
    var pending = [tensor.value.node]
    let nodes = tensor.graph.nodes
    var first: Int?
    while let next = pending.popLast() {
      guard seen.insert(next).inserted else { continue }
      if inputNames[Tensor(tensor.graph, Value(next))] != nil { first = Swift.min(first ?? next, next) }
      pending += nodes[next].inputs.map(\.node)
    }
    return first.flatMap { inputNames[Tensor(tensor.graph, Value($0))] }
  }
}
