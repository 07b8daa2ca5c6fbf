import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnTraining
import Testing

@testable import FirnRuntime

/// When values are made, shared and copied.
@Suite struct VariableStoreTests {
  private func session() throws -> (session: Session, w: Tensor, x: Tensor, program: Program, feeds: Feeds) {
    let graph = Graph()
    let x = graph.placeholder("x", shape: [2])
    let w = graph.variable("w", shape: [2], initializer: .ones)
    let session = try Session(graph, threads: 1)
    session.onWarning = { _ in }
    let program = try session.compile(minimizing: (w * x).sum(), with: SGD(learningRate: 1))
    return (session, w, x, program, [x: NDArray([1, 2] as [Float])])
  }

  /// An array whose bytes belong to someone else, as those of a mapped file do.
  private func borrowed(_ owner: Bytes) -> NDArray {
    NDArray(
      ArrayType(.f32, [2]), in: Storage(borrowing: owner.pointer, byteCount: 8, owner: owner))
  }

  @Test func firstValuesAreMadeWhenAskedFor() throws {
    let (session, w, _, program, feeds) = try session()
    #expect(session.store["w"]?.storage == nil)
    try session.setValue(NDArray([3, 4] as [Float]), of: w)
    try session.run(program, feeding: feeds)
    #expect(try session.value(of: w).floats == [2, 2])
    let other = try Session(session.graph, threads: 1)
    #expect(try other.value(of: w).floats == [1, 1])
  }

  /// By several workers: the bits are those of each variable by itself, denormal numbers too, and what has a value is
  /// left alone.
  @Test(arguments: 1...4) func firstValuesAreMadeTogether(_ threads: Int) throws {
    let graph = Graph()
    let initializers: [Initializer] = [
      .normal(), .orthogonal(), .zeros, .normal(mean: 0, deviation: 1e-41), .ones, .glorotUniform, .heNormal,
    ]
    for (number, initializer) in (initializers + initializers).enumerated() {
      _ = graph.variable("w\(number)", shape: Shape([40 + number, 60]), initializer: initializer)
    }
    let variables = graph.definition.variables
    var (store, other) = (VariableStore(seed: 5), VariableStore(seed: 5))
    try store.add(variables)
    try other.add(variables)
    let given = try NDArray(zeros: [42, 60])
    store.replace("w2", with: given, origin: .loaded)
    let names = variables.map(\.name)
    try store.makeFirstValues(
      of: names.filter { $0 != "w4" } + ["w0", "w13"], by: WorkerPool(count: threads))
    #expect(store["w2"]?.storage === given.sharedStorage && store["w4"]?.storage == nil)
    #expect((store["w0"]?.storage == nil) == (threads == 1))
    #expect(
      try store.value(of: "w3").floats.contains { $0 != 0 && $0.magnitude < Float.leastNormalMagnitude })
    for name in names { #expect(try store.value(of: name) == other.value(of: name), "\(name)") }
    #expect(store.pendingBytes == 0)
  }

  /// What the initialiser cannot make is an error when the session is made, not when the value is asked for.
  @Test func misfitInitializersAreFoundAtOnce() throws {
    let faults: [(Initializer, DType)] = [
      (.array(try NDArray(zeros: [3])), .f32), (.uniform(), .i32), (.columns([(1, .zeros)]), .f32),
      (.columns([(2, .columns([(3, .zeros)]))]), .f32),
    ]
    for (initializer, dtype) in faults {
      let graph = Graph()
      _ = graph.variable("w", shape: [2], dtype: dtype, initializer: initializer)
      let error = #expect(throws: FirnError.self) { try Session(graph) }
      #expect(error?.place == "w")
    }
  }

  @Test func frozenVariablesReadBorrowedBytesWhereTheyAre() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [2])
    let session = try Session(graph, threads: 1)
    let bytes = Bytes([5, 6])
    try session.setValue(borrowed(bytes), of: w)
    let x = graph.placeholder("x", shape: [2])
    let program = try session.compile(fetching: [w * x])
    #expect(try session.run(program, feeding: [x: NDArray([2, 2] as [Float])])["mul"].floats == [10, 12])
    let execution = try session.execution(of: program, binding: [:])
    let slot = try #require(
      execution.plan.placements.firstIndex { if case .variable = $0 { true } else { false } })
    #expect(UnsafeRawPointer(execution.pointer(to: slot)) == UnsafeRawPointer(bytes.pointer))
  }

  /// A program that writes a variable gives it bytes of its own first.
  @Test func borrowedBytesAreNeverWritten() throws {
    let (session, w, _, program, feeds) = try session()
    let bytes = Bytes([5, 6])
    try session.setValue(borrowed(bytes), of: w)
    for _ in 0..<2 { try session.run(program, feeding: feeds) }
    #expect(bytes.values == [5, 6])
    #expect(try session.value(of: w).floats == [3, 2])
    #expect(session.store["w"]?.storage?.isWritable == true)
  }

  /// What is large is copied by several threads, every element of it.
  @Test func largeValuesAreWrittenWhole() throws {
    let graph = Graph()
    _ = graph.variable("w", shape: [700_001], initializer: .ones)
    let session = try Session(graph, threads: 1)
    let workers = WorkerPool(count: 3)
    let values = (0..<700_001).map { Float($0) }
    values.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      session.store.write(base, to: "w", by: workers)
    }
    #expect(try session.value(of: "w").floats == values)
    #expect(workers.barrierCount == 1)
  }

  /// Rows are written where the variable is, unless others hold it; what is outside the range is passed over.
  @Test func rowsAreWrittenAlone() throws {
    let graph = Graph()
    _ = graph.variable("w", shape: [4, 2], initializer: .ones)
    let session = try Session(graph, threads: 1)
    let first = try session.value(of: "w")
    let values: [Float] = [2, 3, 4, 5, 6, 7]
    values.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      session.store.write(base, rows: 2, in: 1..<3, at: nil, to: "w")
    }
    #expect(try session.value(of: "w").floats == [1, 1, 2, 3, 4, 5, 1, 1])
    #expect(first.floats == Array(repeating: 1, count: 8), "the array that was given away stays")
    let version = session.store.version
    let indices: [Int32] = [3, 0, 1]
    values.withUnsafeBytes { bytes in
      indices.withUnsafeBufferPointer { indices in
        guard let base = bytes.baseAddress else { return }
        session.store.write(base, rows: 3, in: 1..<4, at: indices.baseAddress, to: "w")
      }
    }
    #expect(session.store.version == version, "nobody else holds it now")
    #expect(try session.value(of: "w").floats == [1, 1, 6, 7, 4, 5, 2, 3])
  }

  /// Programs made before a value moved find it where it is now.
  @Test func executionsFollowTheValue() throws {
    let (session, w, x, program, feeds) = try session()
    let reader = try session.compile(fetching: [w * x])
    try session.run(program, feeding: feeds)
    for value in [7, 8, 9] as [Float] {
      try session.setValue(NDArray([value, value]), of: w)
      let held = try session.value(of: w)
      #expect(try session.run(reader, feeding: feeds)["mul_1"].floats == [value, 2 * value])
      try session.run(program, feeding: feeds)
      #expect(try session.run(reader, feeding: feeds)["mul_1"].floats == [value - 1, 2 * (value - 2)])
      #expect(held.floats == [value, value], "what was read stays")
    }
  }

  /// What a user does with an array it gave or got is its own business.
  @Test func arraysAreValues() throws {
    let (session, w, _, _, _) = try session()
    var array = NDArray([1, 2] as [Float])
    try session.setValue(array, of: w)
    array.withUnsafeMutableBytes { $0.storeBytes(of: 9, as: Float.self) }
    var got = try session.value(of: w)
    got.withUnsafeMutableBytes { $0.storeBytes(of: 8, as: Float.self) }
    #expect(try session.value(of: w).floats == [1, 2])
  }

  @Test func numbersAreLookedThroughAgainOnlyWhenWritten() throws {
    let (session, w, _, program, feeds) = try session()
    session.checksNumerics = true
    try session.run(program, feeding: feeds)
    #expect(session.store["w"]?.isKnownFinite == false, "it was written")
    let reader = try session.compile(fetching: [w * 2])
    try session.run(reader)
    #expect(session.store["w"]?.isKnownFinite == true)
    try session.setValue(NDArray([1, .infinity] as [Float]), of: w)
    let error = #expect(throws: FirnError.self) { try session.run(reader) }
    #expect(error?.place == "w" && error?.code == .notFinite)
  }
}

/// Two floats that are not the session's.
private final class Bytes {
  let pointer = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 4)

  init(_ values: [Float]) { pointer.initializeMemory(as: Float.self, from: values, count: 2) }

  deinit { pointer.deallocate() }

  var values: [Float] { (0..<2).map { pointer.load(fromByteOffset: 4 * $0, as: Float.self) } }
}
