import FirnGraph
import Testing

@Suite struct ShapeTests {
  @Test func countsAndPrints() {
    let shape: Shape = ["batch", 3, 4]
    #expect(shape.rank == 3)
    #expect(shape.elementCount == "12*batch")
    #expect(shape.extents == nil)
    #expect(shape.description == "[batch,3,4]")
    #expect(Shape.scalar.elementCount == 1)
    #expect(Shape.scalar.extents == [])
    #expect(Shape.scalar.description == "[]")
    #expect(Shape([2, 0, 3]).elementCount == 0)
  }

  @Test func bindsReducesAndRemoves() {
    let shape: Shape = ["batch", 3, "time"]
    #expect(shape.bound(by: ["batch": 2, "time": 5]).extents == [2, 3, 5])
    #expect(shape.keeping(reduced: [0, 2]) == [1, 3, 1])
    #expect(shape.removing([1]) == ["batch", "time"])
    #expect(shape.removing([]) == shape)
  }

  @Test func typesPrintAndMeasure() {
    let type = TensorType(.f64, ["batch", 8])
    #expect(type.description == "f64[batch,8]")
    #expect(type.byteCount == "64*batch")
    #expect(ArrayType(type) == nil)
    #expect(ArrayType(type.bound(by: ["batch": 2])) == ArrayType(.f64, [2, 8]))
    #expect(DType.allCases.map(\.byteCount) == [4, 8, 4, 1])
  }
}
