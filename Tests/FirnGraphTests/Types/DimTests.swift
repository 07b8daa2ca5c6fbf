import FirnGraph
import Testing

@Suite struct DimensionTests {
  @Test func equalPolynomialsAreEqualAndPrintAlike() {
    let (b, t): (Dim, Dim) = ("batch", "time")
    #expect(b * t == t * b)
    #expect((b + 1) * (b - 1) == b * b - 1)
    #expect((b + t) * 2 - t - t == b * 2)
    #expect(b - b == 0)
    #expect((b * 0).value == 0)
    #expect("\(b * t * 2 - 1)" == "2*batch*time-1")
    #expect("\(t + b * b + 3)" == "batch*batch+time+3")
    #expect("\(b * -1)" == "-batch")
    #expect("\(b * -2 - 5)" == "-2*batch-5")
    #expect("\(Dim(0))" == "0")
    #expect((t + b).hashValue == (b + t).hashValue)
    #expect((t * b + b).names == ["batch", "time"])
  }

  /// Numbers beside names keep the terms in order, and what is too large for ever so.
  @Test func numbersScaleAndShiftPolynomials() {
    let polynomial: Dim = "2*batch*time+time-1"
    #expect((polynomial + 1).description == "2*batch*time+time")
    #expect((1 + polynomial) == polynomial + 1)
    #expect((polynomial * -3).description == "-6*batch*time-3*time+3")
    #expect((-3 * polynomial) == polynomial * -3)
    #expect(polynomial * 1 == polynomial && polynomial * 0 == 0)
    let endless = Dim(.max) * "batch"
    #expect((endless * -1).isEndless && (endless + 1).isEndless && (endless * 2).isEndless)
    #expect(Dim(.min) * 1 == Dim(-.max))
  }

  @Test(arguments: [
    "0", "7", "-3", "batch", "-batch", "2*batch", "batch*time", "2*batch*time-1", "batch*batch+time+3",
    "_a1-1",
    "9223372036854775807", "-9223372036854775808",
  ])
  func readsWhatItPrints(_ text: String) {
    #expect(Dim(parsing: text)?.description == text)
  }

  @Test func readsOtherOrdersAndProductsToo() {
    #expect(Dim(parsing: "3+time+batch*batch-0*x") == Dim(parsing: "batch*batch+time+3"))
    #expect(Dim(parsing: "2*3*batch*2") == "12*batch")
    #expect(Dim(parsing: "batch+batch-2*batch") == 0)
  }

  @Test(arguments: [
    "", "-", "+1", "1+", "a*", "*a", "a**b", "a b", "1a", "é", "a/2", "--1", "9223372036854775808", "2.0",
    "9223372036854775807*2", "9223372036854775807+1", "1e5",
  ])
  func refusesWhatIsNoPolynomial(_ text: String) {
    #expect(Dim(parsing: text) == nil)
  }

  @Test func dividesOnlyExactly() {
    let (b, t): (Dim, Dim) = ("batch", "time")
    #expect(Dim(12).divided(exactlyBy: 4) == 3)
    #expect(Dim(12).divided(exactlyBy: 5) == nil)
    #expect(Dim(12).divided(exactlyBy: 0) == nil)
    #expect((b * t * 6).divided(exactlyBy: b * 2) == t * 3)
    #expect((b * t + b).divided(exactlyBy: b) == t + 1)
    #expect((b * t + 1).divided(exactlyBy: b) == nil)
    #expect((b * 4 + 8).divided(exactlyBy: 4) == b + 2)
    #expect((b * 4 + 7).divided(exactlyBy: 4) == nil)
    #expect((b + t).divided(exactlyBy: b + t) == 1)
    #expect((b * b).divided(exactlyBy: b) == b)
    #expect(b.divided(exactlyBy: b * b) == nil)
    #expect((b * 3).divided(exactlyBy: b * 2) == nil)
    #expect(Dim(0).divided(exactlyBy: 3) == 0)
  }

  @Test func arithmeticNeverTraps() {
    let least = Dim(.min)
    let many = Dim(parsing: "9223372036854775807*batch") ?? 0
    #expect((many + many).names == ["batch"])
    #expect((many * many).names == ["batch"])
    _ = (least - 1, least * least, least * -1)
    #expect(least.divided(exactlyBy: -1)?.value == .max)
    #expect((least * "batch").divided(exactlyBy: Dim("batch") * -1)?.value == .max)
  }

  /// A number beyond `Int` stays one: nothing that is added or taken away brings it back.
  @Test func whatIsTooLargeStaysTooLarge() {
    let (most, batch): (Dim, Dim) = (Dim(.max), "batch")
    let endless = [
      most, most + 1, Dim(1 << 62) + Dim(1 << 62), Dim(1 << 32) * Dim(1 << 31), most - most, most * 2 - most,
      Dim(.min) * -1, most * most,
    ]
    for dimension in endless {
      #expect(dimension.value == .max && dimension.isEndless, "\(dimension)")
      #expect((dimension - 1).value == .max && (dimension * -1).value == -Int.max)
      #expect(dimension.divided(exactlyBy: 3)?.value == .max && (dimension * 0).value == 0)
      #expect(Dim(parsing: dimension.description) == dimension)
    }
    #expect((Dim(-1) - most).value == -Int.max)
    #expect((batch * Dim(1 << 62) * 4).isEndless && !(batch * Dim(1 << 62)).isEndless)
    #expect((batch * Dim(1 << 62)).bound(by: ["batch": 4]).value == .max)
    #expect((batch * batch).bound(by: ["batch": .max]).value == .max)
    #expect((batch - 1).bound(by: ["batch": .min]).isEndless)
    #expect(!Dim(.max - 1).isEndless)
  }

  @Test(arguments: [Int.min, -1, 0, 1, 3, .max])
  func solvingNeverTraps(_ extent: Int) {
    for text in [
      "batch", "-batch", "2*batch", "batch-9223372036854775807", "batch+9223372036854775806", "-batch-5",
    ] {
      guard let dimension = Dim(parsing: text), let (name, number) = dimension.solved(for: extent) else {
        continue
      }
      #expect(dimension.bound(by: [name: number]).value == extent, "\(text)")
    }
  }

  /// Differences and quotients beyond `Int` have no number, though what is left of them in 64 bits looks like one.
  @Test(arguments: [
    // 3 + (2^63 - 2) wraps to -(2^63 - 1), whose negative is a number.
    ("-batch-9223372036854775806", 3),
    // -5 - (2^63 - 5) is -2^63, which no -1 divides.
    ("-batch+9223372036854775803", -5),
  ]) func whatSolvesBeyondTheLargestIsNoNumber(_ text: String, _ extent: Int) throws {
    let dimension = try #require(Dim(parsing: text))
    #expect(!dimension.isEndless && dimension.solved(for: extent) == nil)
  }

  @Test func extentsBelowZeroAreNoExtents() throws {
    #expect(TensorType(.f32, [4, Dim(-1)]).fault == "an extent below 0")
    let error = try #require(throws: FirnError.self) { try Initializer.ones.values(shape: [3, -2]) }
    #expect(error.code == .invalidArgument && error.message == "[3,-2] has an extent below 0", "\(error)")
  }

  /// A factor that is too large makes a type that no tensor can have, before the name beside it is bound.
  @Test func endlessFactorsAreNoExtents() {
    let endless = Dim(.max) * Dim(named: "batch")
    #expect(endless.value == nil && TensorType(.f32, [endless]).fault == "more elements than can be held")
    #expect(TensorType(.f32, [4, Dim(named: "batch") * 4]).fault == nil)
  }

  @Test func bindingReplacesNames() {
    let dimension: Dim = "2*batch*time-1"
    #expect(dimension.bound(by: ["batch": 3]) == "6*time-1")
    #expect(dimension.bound(by: ["batch": 3, "time": 4]).value == 23)
    #expect(dimension.bound(by: ["other": 3]) == dimension)
    #expect(Dim("batch*batch").bound(by: ["batch": 5]).value == 25)
    #expect(dimension.value == nil)
  }

  @Test func bindingKeepsOneNumberForEachName() {
    var binding: DimBinding = ["time": 4, "batch": 2]
    binding["time"] = 5
    #expect(binding.description == "batch=2, time=5")
    binding["batch"] = nil
    #expect(binding == ["time": 5])
    #expect(binding["batch"] == nil && !binding.isEmpty)
  }
}
