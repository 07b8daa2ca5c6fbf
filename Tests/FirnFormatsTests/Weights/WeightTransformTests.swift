import FirnGraph
import Testing

@testable import FirnFormats

@Suite struct WeightTransformTests {
  private func counted(_ shape: [Int]) throws -> NDArray {
    try NDArray((0..<shape.reduce(1, *)).map(Float.init), shape: shape)
  }

  @Test func transposes() throws {
    let result = try WeightTransform.transposed(counted([2, 3]))
    #expect(result.rows == [[0, 3], [1, 4], [2, 5]])
    #expect(
      try WeightTransform.transposed(NDArray([true, false, true])).elements(as: Bool.self) == [
        true, false, true,
      ])
    #expect(try WeightTransform.transposed(NDArray(scalar: 2.5)).scalar == 2.5)
    #expect(try WeightTransform.transposed(try NDArray(zeros: [0, 3])).shape == [3, 0])
  }

  /// Beside a 0 other extents may be of any size; where the 0 goes, that is an error.
  @Test func hugeExtentsBesideNone() throws {
    let huge = try NDArray(zeros: [0, 1 << 62, 4])
    #expect(try WeightTransform.summed(axis: 1)(huge).shape == [0, 1, 4])
    #expect(try WeightTransform.repeated(3, axis: 2)(huge).shape == [0, 1 << 62, 12])
    #expect(try WeightTransform.blocks([1, 0], axis: 1)(huge).shape == huge.shape)
    #expect(try WeightTransform.summed(axis: 0)(NDArray(zeros: [0, 3])).rows == [[0, 0, 0]])
    for transform in [WeightTransform.summed(axis: 0), .repeated(4, axis: 1)] {
      #expect(throws: FirnError.self) { try transform(huge) }
    }
  }

  /// Element (o, i, h, w) comes to (h, w, i, o).
  @Test func convolutionKernels() throws {
    let (o, i, h, w) = (2, 3, 4, 5)
    let result = try WeightTransform.convolution(counted([o, i, h, w]))
    #expect(result.shape == [h, w, i, o])
    let values = result.floats
    for y in 0..<h {
      for x in 0..<w {
        for c in 0..<i {
          for k in 0..<o {
            #expect(values[((y * w + x) * i + c) * o + k] == Float(((k * i + c) * h + y) * w + x))
          }
        }
      }
    }
  }

  /// A flattened channels-first image times the stored layer is the flattened channels-last image times the kernel.
  @Test func linearAfterFlattening() throws {
    let (outputs, c, h, w) = (2, 3, 2, 4)
    let stored = try counted([outputs, c * h * w]).rows
    let kernel = try WeightTransform.linear(outputs: outputs, flattening: (c, h, w))(
      counted([outputs, c * h * w])
    ).rows
    func pixel(_ k: Int, _ y: Int, _ x: Int) -> Double { Double((k * 7 + y * 5 + x * 3) % 11) }
    for output in 0..<outputs {
      var (first, last) = (0.0, 0.0)
      for k in 0..<c {
        for y in 0..<h {
          for x in 0..<w {
            first += pixel(k, y, x) * stored[output][(k * h + y) * w + x]
            last += pixel(k, y, x) * kernel[(y * w + x) * c + k][output]
          }
        }
      }
      #expect(first == last)
    }
  }

  @Test func blocksAndChains() throws {
    let gates = WeightTransform.blocks([0, 2, 1], axis: 0)
    #expect(try gates(counted([6])).floats == [0, 1, 4, 5, 2, 3])
    let chain = WeightTransform.transposed.then(.blocks([1, 0], axis: 1)).then(.reshaped([6]))
    #expect(try chain(counted([2, 3])).floats == [3, 0, 4, 1, 5, 2])
    #expect(try chain.shape(of: [2, 3]) == [6])
    #expect(chain.description == "transposed, blocks 1 0 of axis 1, reshaped to [6]")
  }

  /// Extents whose product is no number, of arrays without elements.
  @Test func hugeExtentsWithoutElements() throws {
    let array = try NDArray(zeros: [0, 1 << 62, 1 << 62])
    #expect(try WeightTransform.transposed(array).shape == [1 << 62, 1 << 62, 0])
    #expect(try WeightTransform.permuted([1, 2, 0])(array).elementCount == 0)
    #expect(try WeightTransform.blocks([1, 0], axis: 1)(array).shape == array.shape)
    #expect(try WeightTransform.reshaped([3, 0])(array).shape == [3, 0])
  }

  @Test func misfitsAreErrors() throws {
    for (transform, shape) in [
      (WeightTransform.convolution, [2, 3]), (.permuted([0, 0]), [2, 2]), (.reshaped([4]), [3]),
      (.blocks([0, 1], axis: 0), [3]), (.blocks([0, 1], axis: 1), [4]), (.blocks([], axis: 0), [4]),
      // As many features as no number says.
      (.linear(outputs: 2, flattening: (.max, 2, 2)), [2, 3]),
    ] {
      #expect(throws: FirnError.self) { try transform.shape(of: shape) }
      #expect(throws: FirnError.self) { try transform(try NDArray(zeros: shape)) }
    }
  }

  /// Position embeddings for another grid, as PyTorch's `interpolate` makes them.
  @Test func positionGrids() throws {
    for (name, transform) in [
      ("positions", WeightTransform.resizedGrid(to: (6, 5), keeping: 1)),
      ("flat", .resizedGrid(to: (3, 3), from: (2, 8))),
    ] {
      let table = try CheckpointParityTests.expected(name)
      let (mine, wanted) = (
        try transform(table), try CheckpointParityTests.expected(name + ".resized")
      )
      #expect(try mine.shape == wanted.shape && transform.shape(of: table.shape) == wanted.shape)
      #expect(zip(mine.doubles, wanted.doubles).allSatisfy { abs($0 - $1) <= 1e-6 })
      #expect(transform.inverse == nil && !transform.isMove)
    }
    // The class token stays to the bit, and so does a grid of the same size.
    let table = try CheckpointParityTests.expected("positions")
    let resized = try WeightTransform.resizedGrid(to: (6, 5), keeping: 1)(table)
    #expect(Array(resized.floats[..<3]) == Array(table.floats[..<3]))
    #expect(try WeightTransform.resizedGrid(to: (4, 4), keeping: 1)(table) == table)
    #expect(try WeightTransform.resizedGrid(to: (2, 3))(NDArray(zeros: [4, 0])).shape == [6, 0])
    #expect("\(WeightTransform.resizedGrid(to: (6, 5)))" == "resized to a grid of 6×5")
    for (shape, transform, words) in [
      ([1, 17, 3], WeightTransform.resizedGrid(to: (6, 5)), "17 rows, which are not 0 and a square"),
      ([16, 3], .resizedGrid(to: (6, 5), from: (4, 3)), "a grid of 4×3"),
      ([16, 3], .resizedGrid(to: (6, 5), keeping: 17), "17"), ([16], .resizedGrid(to: (6, 5)), "no rows"),
      ([16, 3], .resizedGrid(to: (0, 5)), "[0, 5]"), ([16, 3], .resizedGrid(to: (1, 5), keeping: -1), "-1"),
      ([2, 1], .resizedGrid(to: (1 << 20, 1 << 20), from: (1, 2)), "bytes of memory"),
    ] {
      let error = try #require(throws: FirnError.self) { try transform(NDArray(zeros: shape)) }
      #expect(error.message.contains(words), "\(error)")
    }
    #expect(throws: FirnError.self) {
      try WeightTransform.resizedGrid(to: (6, 5))(NDArray(zeros: [16, 3], dtype: .i32))
    }
  }

  @Test func slices() throws {
    let slice = WeightTransform.sliced(axis: 1, 1..<3)
    #expect(try slice(counted([2, 4])).rows == [[1, 2], [5, 6]])
    #expect(try slice.shape(of: [2, 4]) == [2, 2] && slice.inverse == nil && slice.isMove)
    #expect(try WeightTransform.sliced(axis: 0, 2..<2)(counted([2, 4])).shape == [0, 4])
    for shape in [[2, 2], [4]] {
      #expect(throws: FirnError.self) { try slice(NDArray(zeros: shape)) }
    }
  }
}
