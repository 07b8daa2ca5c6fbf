import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Tensors of another length than the variable's, into some of its rows or columns.
@Suite struct BlockLoadTests {
  private func counted(_ shape: [Int], from start: Int = 1) throws -> NDArray {
    try NDArray((0..<shape.reduce(1, *)).map { Float(start + $0) }, shape: shape)
  }

  private func file(_ entries: KeyValuePairs<String, NDArray>) throws -> Weights {
    try Weights(source: "test", entries: entries.map { WeightEntry(name: $0.key, array: $0.value) })
  }

  private func table() throws -> Session {
    let graph = Graph()
    _ = graph.variable("emb/table", shape: [12, 2], initializer: .zeros)
    return try quietSession(graph)
  }

  /// As long as the block: all of it, in order; longer: the same places.
  @Test(arguments: [
    (5, "emb/table[0..<5]", 0..<5, 0, "[0..<5] into [0..<5]"),
    (8, "emb/table[0..<5]", 0..<5, 0, "[0..<5] into [0..<5]"),
    (5, "emb/table[7..<12]", 7..<12, 0, "[0..<5] into [7..<12]"),
    (8, "emb/table[2..<7]", 2..<7, 2, "[2..<7] into [2..<7]"),
    (20, "emb/table[2..<7]", 2..<7, 2, "[2..<7] into [2..<7]"),
    (12, "emb/table[2..<7]", 2..<7, 2, ""),
  ])
  func rows(_ count: Int, _ only: String, _ rows: Range<Int>, _ first: Int, _ note: String) throws {
    let session = try table()
    let source = try counted([count, 2])
    let report = try session.load(
      file(["emb/table": source]), only: Selection(only), strict: true)
    #expect(report.rows.map(\.note) == [note] && report.isComplete, "\(report)")
    #expect(report.rows.map(\.outcome) == [note.isEmpty ? .matched : .converted])
    let values = try session.value(of: "emb/table").rows
    for row in 0..<12 {
      let wanted = rows.contains(row) ? source.rows[row - rows.lowerBound + first] : [0, 0]
      #expect(values[row] == wanted, "row \(row)")
    }
  }

  /// Several blocks take what is there in order.
  @Test func severalBlocks() throws {
    let session = try table()
    let source = try counted([5, 2])
    let report = try session.load(
      file(["emb/table": source]), only: "emb/table[1..<3] | emb/table[9..<12]", strict: true)
    #expect(report.rows.map(\.note) == ["[0..<2] into [1..<3], [2..<5] into [9..<12]"])
    let values = try session.value(of: "emb/table").rows
    #expect(Array(values[1..<3] + values[9..<12]) == source.rows && values[3] == [0, 0])
  }

  /// What fits in neither way is an error that says so, and nothing has changed.
  @Test func whatFitsNeitherWay() throws {
    let session = try table()
    for (shape, words) in [
      ([4, 2], "axis 0 is 4, which is neither as long as [2..<7] nor reaches as far"),
      ([5, 3], "axis 1"), ([10], "axes"),
    ] {
      let error = try #require(throws: FirnError.self) {
        try session.load(file(["emb/table": counted(shape)]), only: "emb/table[2..<7]")
      }
      #expect(error.code == .shapeMismatch && error.description.contains(words), "\(error)")
      #expect(try session.value(of: "emb/table") == NDArray(zeros: [12, 2]))
    }
    // Without a block a table of other length stays a fault.
    #expect(throws: FirnError.self) { try session.load(file(["emb/table": counted([5, 2])])) }
  }

  /// A PyTorch head of ten classes beside two new ones, and what is frozen of it is what was loaded.
  @Test func aHeadKeepsItsOldClasses() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let y = Dense(12, name: "head")(x)
    let session = try quietSession(graph)
    let before = try session.value(of: "head/kernel").rows
    let (weight, bias) = (try counted([10, 3]), try counted([10], from: 50))
    try session.load(
      file(["head.weight": weight, "head.bias": bias]),
      only: "head/kernel[axis 1: 0..<10] | head/bias[0..<10]", mapping: .pyTorch)
    let kernel = try session.value(of: "head/kernel").rows
    for row in 0..<3 {
      #expect(Array(kernel[row][..<10]) == weight.rows.map { $0[row] })
      #expect(Array(kernel[row][10...]) == Array(before[row][10...]))
    }
    #expect(try Array(session.value(of: "head/bias").floats[..<10]) == bias.floats)
    // Provenance is by block: frozen old classes are no random ones.
    let loss = (y * y).mean()
    let kept = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1),
      freezing: "head/kernel[axis 1: 0..<10] | head/bias[0..<10]")
    #expect(kept.warnings.isEmpty, "\(kept.warnings)")
    let random = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.1),
      freezing: "head/kernel[axis 1: 0..<11] | head/bias[0..<10]")
    #expect(random.warnings.contains { $0.contains("head/kernel") }, "\(random.warnings)")
  }

  /// Rows of the file from elsewhere, by a rule of the map.
  @Test func anyRowsOfTheFile() throws {
    let session = try table()
    let source = try counted([20, 2])
    try session.load(
      file(["tokens.weight": source]), only: "emb/table[0..<5]",
      mapping: .renaming("tokens.weight", to: "emb/table", .sliced(axis: 0, 9..<14)))
    #expect(try Array(session.value(of: "emb/table").rows[..<5]) == Array(source.rows[9..<14]))
    try session.load(
      file(["tokens.weight": source]),
      mapping: .renaming("tokens.weight", to: "emb/table", .sliced(axis: 0, 0..<12)))
    #expect(try session.value(of: "emb/table").rows == Array(source.rows[..<12]))
  }
}
