import FirnGraph
import Testing

@Suite struct NDArrayTests {
  @Test func copiesShareUntilWritten() {
    let original = NDArray([1, 2, 3] as [Float])
    var copy = original
    #expect(address(original) == address(copy))
    copy.withUnsafeMutableBytes { $0.storeBytes(of: Float(9), toByteOffset: 4, as: Float.self) }
    #expect(original.floats == [1, 2, 3])
    #expect(copy.floats == [1, 9, 3])
    let before = address(copy)
    copy.withUnsafeMutableBytes { $0.storeBytes(of: Float(8), toByteOffset: 0, as: Float.self) }
    #expect(address(copy) == before)
  }

  @Test func storageIsAlignedAndZeroed() throws {
    let array = try NDArray(zeros: [3, 5], dtype: .f64)
    #expect(address(array) % Storage.alignment == 0)
    #expect(array.doubles == Array(repeating: 0, count: 15))
    #expect(try NDArray(zeros: [0, 4]).elementCount == 0)
    #expect(try NDArray(zeros: [0, 4]).floats == [])
  }

  /// The product of the other extents is no number, yet there are no elements.
  @Test(arguments: [[1 << 40, 1 << 40, 0], [0, 1 << 62, 1 << 62], [.max, 0, .max]])
  func hugeExtentsWithoutElements(_ shape: [Int]) throws {
    let array = try NDArray(zeros: shape)
    #expect(array.elementCount == 0 && array.byteCount == 0 && array.floats == [] && array.rows == [])
    #expect(NDArray.elementCount(of: shape) == 0 && array.type.byteCount == 0)
    #expect(try NDArray([] as [Float], shape: shape) == array)
    #expect(try array.reshaped(to: [0]).shape == [0])
    #expect(array.converted(to: .bool).shape == shape && array.summary.contains("()"))
    #expect(array.description == "[]")
    #expect(shape.rowMajorStrides.count == 3)
  }

  @Test func countsOfImpossibleShapesAreNil() {
    #expect(NDArray.elementCount(of: [-1, 0]) == nil)
    #expect(NDArray.elementCount(of: [1 << 40, 1 << 40]) == nil)
    #expect(NDArray.elementCount(of: []) == 1)
  }

  @Test func stridesAreRowMajor() {
    #expect([2, 3, 4].rowMajorStrides == [12, 4, 1])
    #expect([Int]().rowMajorStrides == [])
    #expect([5, 0, 4].rowMajorStrides == [4, 4, 1])
  }

  @Test func convertsBetweenTypes() throws {
    let array = NDArray([-1.9, 0, 0.5, 3e9, -.infinity, .nan])
    #expect(array.converted(to: .i32).elements(as: Int32.self) == [-1, 0, 0, .max, .min, 0])
    #expect(array.converted(to: .bool).elements(as: Bool.self) == [true, false, true, true, true, true])
    #expect(array.converted(to: .f32).elements(as: Float.self)[0] == -1.9)
    #expect(NDArray([true, false]).floats == [1, 0])
    #expect(
      NDArray([Int32.max, .min]).converted(to: .f64).converted(to: .i32) == NDArray([Int32.max, .min]))
    #expect(NDArray(scalar: 2.5).scalar == 2.5)
    #expect(NDArray([1.0, 2.0]).scalar == nil)
  }

  @Test func borrowedBytesAreReadInPlaceAndCopiedBeforeWriting() {
    final class Owner {}
    let bytes: [Float] = [1, 2, 3]
    bytes.withUnsafeBytes { source in
      guard let base = source.baseAddress else { return }
      var owner: Owner? = Owner()
      weak let watched = owner
      var array: NDArray? = NDArray(
        ArrayType(.f32, [3]), in: Storage(borrowing: base, byteCount: 12, owner: owner!))
      owner = nil
      #expect(watched != nil)
      #expect(array.map(address) == Int(bitPattern: base))
      array?.withUnsafeMutableBytes { $0.storeBytes(of: 9, as: Float.self) }
      #expect(array?.floats == [9, 2, 3])
      #expect(watched == nil)
      array = nil
    }
    #expect(bytes == [1, 2, 3])
  }

  @Test func equalityIsOfBits() {
    #expect(NDArray([Float.nan]) == NDArray([Float.nan]))
    #expect(NDArray([Float(0)]) != NDArray([Float(-0.0)]))
    #expect(NDArray([Float(1)]) != NDArray([Double(1)]))
    #expect(NDArray([Float(1)]) != NDArray(scalar: Float(1)))
    #expect(Set([NDArray([Float.nan]), NDArray([Float.nan])]).count == 1)
  }

  @Test func shapesThatDoNotFitAreErrors() throws {
    for shape in [[3], [2, 2], [-1, -2], [-2, 1], [], [0], [.max, .max], [.max, 2, 0]] {
      #expect(throws: FirnError.self) { try NDArray([1, 2] as [Float], shape: shape) }
      #expect(throws: FirnError.self) { try NDArray([1, 2] as [Float]).reshaped(to: shape) }
    }
    let array = try NDArray([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    #expect(try array.reshaped(to: [3, 1, 2]).shape == [3, 1, 2])
    #expect(try array.reshaped(to: [6]).floats == array.floats)
  }

  @Test func summarizesTypeAndFirstElements() throws {
    #expect(NDArray([1, 2] as [Int32]).summary == "i32[2] (1, 2)")
    #expect(try NDArray(zeros: [9], dtype: .bool).debugDescription.hasSuffix("false, …)"))
  }

  private func address(_ array: NDArray) -> Int { array.withUnsafeBytes { Int(bitPattern: $0.baseAddress) } }
}
