import FirnGraph
import Testing

/// What NumPy has otherwise, or not at all.
@Suite struct NDArrayArithmeticTests {
  private let matrix: NDArray
  private let integers = NDArray([7, -7, .max, .min] as [Int32])

  init() throws { matrix = try NDArray([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]) }

  @Test func numbersTakeTheArraysType() throws {
    #expect(try 1 + 0.5 * matrix - 1 == matrix / 2)
    #expect(try (1 - matrix).floats == [0, -1, -2, -3, -4, -5])
    #expect(try (-matrix).floats == [-1, -2, -3, -4, -5, -6])
    #expect(try (12 / matrix).floats == [12, 6, 4, 3, 2.4, 2])
    #expect(try (integers + 2).elements(as: Int32.self) == [9, -5, .min + 1, .min + 2])
  }

  /// As in graphs: round to zero, and nothing by nothing is nothing.
  @Test func integersDivideAsInGraphs() throws {
    #expect(try (integers / 2).elements(as: Int32.self) == [3, -3, .max / 2, .min / 2])
    #expect(try (integers / 0).elements(as: Int32.self) == [0, 0, 0, 0])
    #expect(try (integers / -1).elements(as: Int32.self) == [-7, 7, -.max, .min])
  }

  @Test func concatenates() throws {
    let column = try NDArray([9, 8] as [Float], shape: [2, 1])
    let joined = try concatenate([matrix, column, matrix], axis: -1)
    #expect(joined.shape == [2, 7] && joined.floats == [1, 2, 3, 9, 1, 2, 3, 4, 5, 6, 8, 4, 5, 6])
    #expect(try concatenate([matrix]) == matrix)
  }

  /// Beside a 0 other extents may be of any size: what is left is an empty array or an error, never a trap.
  @Test func hugeExtentsBesideNone() throws {
    let huge = try NDArray(zeros: [0, 1 << 62, 4])
    #expect(try concatenate([huge, huge]).shape == huge.shape)
    #expect(try concatenate([huge, huge], axis: 2).shape == [0, 1 << 62, 8])
    #expect(try huge.sum().floats == [0] && huge.sum(axes: [1, 2]).shape == [0])
    #expect(try huge.mean(axes: [1, 2], keepingAxes: true).shape == [0, 1, 1])
    #expect(try huge.max(axes: [1, 2]).shape == [0] && huge.rows([]).shape == huge.shape)
    #expect(try huge.transposed().shape == [4, 1 << 62, 0] && huge.element(axis: 1, at: -1).shape == [0, 4])
    let faults: [() throws -> NDArray] = [
      { try concatenate([huge, huge], axis: 1) }, { try huge.sum(axes: [0]) }, { try huge.min(axes: [0]) },
    ]
    for fault in faults {
      #expect(try #require(throws: FirnError.self) { try fault() }.code == .invalidArgument)
    }
  }

  /// With a copy of the whole for each part this would move 160 GB.
  @Test func manyPartsAreJoinedInOnePass() throws {
    let parts = (0..<20_000).map { NDArray([Float](repeating: Float($0), count: 100)) }
    let joined = try concatenate(parts).floats
    #expect(joined.count == 2_000_000 && joined[1_999_999] == 19_999 && joined[100] == 1)
  }

  @Test func broadcasts() throws {
    let row = NDArray([1, 2] as [Int32])
    #expect(try row.broadcast(to: [2, 2]).elements(as: Int32.self) == [1, 2, 1, 2])
    #expect(try row.broadcast(to: [0, 2]).elementCount == 0)
    #expect(try NDArray(scalar: 3.0).broadcast(to: [2]).doubles == [3, 3])
  }

  /// The sum of a million is right to the last bit.
  @Test func sumsAreFormedInDoublePrecision() throws {
    let array = NDArray([Float](repeating: 0.1, count: 1_000_000))
    #expect(try array.sum().scalar == Double(Float(Double(Float(0.1)) * 1e6)))
    #expect(try NDArray([true, true, false]).sum() == NDArray(scalar: Int32(2)))
    #expect(try NDArray([] as [Float]).sum().scalar == 0)
    #expect(try NDArray([] as [Float]).mean().scalar?.isNaN == true)
  }

  @Test func faultsSayBothTypesAndARemedy() throws {
    let other = try NDArray([1, 2] as [Float], shape: [2])
    let doubles = NDArray([1.0, 2, 3])
    let faults: [(FirnError.Code, () throws -> NDArray)] = [
      (.shapeMismatch, { try matrix + other }), (.typeMismatch, { try matrix * doubles }),
      (.typeMismatch, { try integers * 0.5 }), (.typeMismatch, { try NDArray([true]) + NDArray([true]) }),
      (.invalidArgument, { try matrix.transposed([0, 0]) }),
      (.invalidArgument, { try matrix.transposed([0]) }),
      (.invalidArgument, { try matrix.sliced(axis: 2, from: 0) }),
      (.indexOutOfRange, { try matrix.sliced(axis: 1, from: 1, to: 4) }),
      (.indexOutOfRange, { try matrix.sliced(axis: 1, from: 2, to: 1) }),
      (.indexOutOfRange, { try matrix.element(at: 2) }), (.indexOutOfRange, { try matrix.element(at: -3) }),
      (.shapeMismatch, { try matrix.broadcast(to: [3, 3]) }),
      (.shapeMismatch, { try matrix.broadcast(to: [3]) }),
      (.invalidArgument, { try matrix.sum(axes: [0, -2]) }),
      (.invalidArgument, { try matrix.max(axes: [5]) }),
      (.invalidArgument, { try integers.sum(axes: []).sliced(axis: 1, from: 0) }),
      (.invalidArgument, { try NDArray([Int32.max, .max]).sum() }),
      (.invalidArgument, { try NDArray([] as [Float]).max() }), (.invalidArgument, { try concatenate([]) }),
      (.typeMismatch, { try concatenate([other, doubles]) }),
      (.shapeMismatch, { try concatenate([matrix, other]) }),
    ]
    for (code, fault) in faults {
      let error = try #require(throws: FirnError.self) { try fault() }
      #expect(error.code == code && error.remedy != nil, "\(error)")
    }
  }
}
