import FirnGraph
import FirnOps
import Testing

extension OpTests {
  /// An elementwise op of one's own type, which nothing lists, has the answers of the ops Firn has.
  @Suite struct ElementwiseOpTests {
    @Test(arguments: [DType.f32, .f64]) func answersHold(_ dtype: DType) throws {
      let values = (0..<45).map { Float($0) / 7 - 3 }
      let x = try NDArray(values, shape: [3, 5, 3]).converted(to: dtype)
      let y = try NDArray(values.reversed(), shape: [3, 5, 3]).converted(to: dtype)
      let asked = try AskedOp(Distance(scale: 1.5), [x, y])
      #expect(try asked.faults() == [])
      // It is no product, so no factor can stand elsewhere.
      #expect(asked.answered == Set(AskedOp.Question.allCases).subtracting([.factor]))
      for varying in [[true, false], [false, true], [true, true]] {
        let rule = try #require(asked.op.overSteps("time", varying: varying, in: asked.node))
        #expect(!rule.isGain)
        #expect(rule.expression.leaves == [0, 1])
      }
    }

    @Test func oneThatLooksAtPlacesIsFound() throws {
      let x = try NDArray((0..<45).map { Float($0) }, shape: [3, 5, 3])
      let faults = try AskedOp(Distance(scale: 1, addsPlace: true), [x, x.rotated(by: 7)]).faults()
      for what in ["elementwise", "rows", "block"] {
        #expect(faults.contains { $0.contains(what) }, "\(what)")
      }
    }
  }
}

/// |a - b| scaled; wrongly, if told to, with the place of the element added.
private struct Distance: ElementwiseOp, KernelOp {
  var scale: Double
  var addsPlace = false

  init(scale: Double, addsPlace: Bool = false) {
    self.scale = scale
    self.addsPlace = addsPlace
  }

  static let mnemonics = ["distance"]
  var mnemonic: String { "distance" }
  var attributes: Attributes { ["scale": .double(scale)] }

  init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    scale = try attributes.double("scale")
  }

  func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    try operands.require(2)
    return [operands[0]]
  }

  func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .zero }
  func gradient(_ context: GradientContext) -> [Tensor?] { [nil, nil] }
  func flops(of operands: [TensorType], results: [TensorType]) -> Dim { operands[0].shape.elementCount * 3 }
  var canFail: Bool { false }

  func simplified(in node: NodeView) -> Expression<Value>? { nil }

  var aliasing: Aliasing { .inPlace([0, 1]) }

  func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    operands[0].dtype == .f32
      ? kernel(operands[0].elementCount, Float(scale)) : kernel(operands[0].elementCount, scale)
  }

  private func kernel<T: BinaryFloatingPoint & Sendable>(_ count: Int, _ scale: T) -> Kernel {
    let addsPlace = addsPlace
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let (a, b) = (call.operand(0, as: T.self), call.operand(1, as: T.self))
      let y = call.result(as: T.self)
      for i in 0..<count { y[i] = (a[i] - b[i]).magnitude * scale + (addsPlace ? T(i) : 0) }
    }
  }
}
