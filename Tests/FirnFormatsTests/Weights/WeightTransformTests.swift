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
    #expect(try WeightTransform.transposed(NDArray(zeros: [0, 3])).shape == [3, 0])
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
    let array = NDArray(zeros: [0, 1 << 62, 1 << 62])
    #expect(try WeightTransform.transposed(array).shape == [1 << 62, 1 << 62, 0])
    #expect(try WeightTransform.permuted([1, 2, 0])(array).elementCount == 0)
    #expect(try WeightTransform.blocks([1, 0], axis: 1)(array).shape == array.shape)
    #expect(try WeightTransform.reshaped([3, 0])(array).shape == [3, 0])
  }

  @Test func misfitsAreErrors() throws {
    for (transform, shape) in [
      (WeightTransform.convolution, [2, 3]), (.permuted([0, 0]), [2, 2]), (.reshaped([4]), [3]),
      (.blocks([0, 1], axis: 0), [3]), (.blocks([0, 1], axis: 1), [4]), (.blocks([], axis: 0), [4]),
    ] {
      #expect(throws: FirnError.self) { try transform.shape(of: shape) }
      #expect(throws: FirnError.self) { try transform(NDArray(zeros: shape)) }
    }
  }
}
