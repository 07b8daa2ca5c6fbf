/// Initialisers that need the variable they are for; declaring it turns them into others, which text can hold.
extension Initializer {
  /// Initialisers of the blocks a variable has names for, such as the gates of a cell's kernel.
  ///
  ///     .blocks(["forget": .ones], otherwise: .zeros)
  ///     .blocks(otherwise: .orthogonal())  // each gate's square for itself, rather than all gates as one matrix
  ///
  /// Each block is drawn as an array of its own shape: its fans are those of one gate, its columns are orthonormal
  /// among themselves, and it has draws of its own. (Keras and TensorFlow 1 draw all gates as one matrix; PyTorch's
  /// bounds are those of one gate.) The initialisers become part of the declaration, so the graph's text has them.
  ///
  /// - Parameters:
  ///   - named: by block; a name the variable has not is an error of the declaration, as is any name where the variable
  ///     has no blocks along its last axis.
  ///   - otherwise: for all other blocks; the whole of a variable without blocks.
  public static func blocks(
    _ named: KeyValuePairs<String, Initializer> = [:], otherwise: Initializer
  ) -> Initializer {
    let blocks = named.map { NamedBlock(name: $0.key, initializer: $0.value) }
    return Initializer(.blocks(blocks, otherwise: otherwise))
  }

  /// What `element` returns for each index of the variable, one number an axis.
  ///
  ///     .function { index in index[0] == index[1] ? 1 : 0 }
  ///
  /// It is called once for each element, in row-major order, when the variable is declared; the graph holds, saves and
  /// prints the numbers. They count as given: freezing such a variable is no freezing of random numbers.
  public static func function(_ element: @escaping @Sendable ([Int]) -> Double) -> Initializer {
    Initializer(.function(ElementFunction(element)))
  }

  /// The same without functions and names of blocks.
  ///
  /// - Throws: `.invalidArgument` where a block is named that the variable has not.
  package func resolved(
    for type: ArrayType, blocks: BlockNames?, name: String
  ) throws(FirnError) -> Initializer {
    switch form {
    case .function(let function):
      // The numbers as they are returned and as they are held.
      try FreeMemory.require(
        type.byteCount.saturatingSum(type.elementCount.saturatingProduct(8)),
        for: "making the first value of `\(name)`")
      return .array(NDArray(type, rounding: function.values(type.shape)))
    case .columns(let columns):
      return Initializer(Form.columns(try resolved(columns, for: type, name: name)))
    case .blocks(let named, let otherwise):
      let last = type.shape.count - 1
      let present = blocks.flatMap { $0.axis == last ? $0.names : nil } ?? []
      if let unknown = named.first(where: { !present.contains($0.name) }) {
        throw FirnError(
          .invalidArgument,
          "initializer for block `\(unknown.name)`, but "
            + (present.isEmpty
              ? "`\(name)` has no named blocks along its last axis"
              : "those of `\(name)` are \(present.map { "`\($0)`" }.joined(separator: ", "))"),
          remedy: present.isEmpty ? "use `columns`, or name the blocks" : "name one of them", place: name)
      }
      guard !present.isEmpty else { return try otherwise.resolved(for: type, blocks: nil, name: name) }
      let columns = present.map { block in
        Column(
          width: type.shape[last] / present.count,
          initializer: named.last { $0.name == block }?.initializer ?? otherwise)
      }
      return Initializer(Form.columns(try resolved(columns, for: type, name: name)))
    case .zeroing(let row, let other):
      return try other.resolved(for: type, blocks: blocks, name: name).zeroing(row: row)
    default:
      return self
    }
  }

  private func resolved(
    _ columns: [Column], for type: ArrayType, name: String
  ) throws(FirnError) -> [Column] {
    var result: [Column] = []
    for column in columns {
      let part = ArrayType(type.dtype, type.shape.dropLast() + [max(column.width, 0)])
      result.append(
        Column(
          width: column.width,
          initializer: try column.initializer.resolved(for: part, blocks: nil, name: name)))
    }
    return result
  }
}
