import FirnFormats
import FirnGraph
import FirnRuntime
import Testing

@testable import FirnONNX

/// Numbers and shapes that are worked out while a model is read are those of running it.
@Suite struct KnownValuesTests {
  /// What a model of constants, and of inputs that are fed, gives.
  private static func outputs(
    _ nodes: [NodeMessage], _ outputs: [String], _ initializers: [TensorMessage], inputs: [ValueMessage] = [],
    feeding feeds: [String: NDArray] = [:]
  ) throws -> [NDArray] {
    let model = try HandModel.read(
      HandModel.model(nodes, inputs: inputs, outputs: outputs, initializers: initializers))
    let session = try Session(model.graph, threads: 1)
    let program = try session.compile(fetching: model.outputs.map(\.tensor))
    let results = try session.run(
      program,
      feeding: Feeds(model.inputs.map { ($0.tensor.name, feeds[$0.name] ?? NDArray(scalar: 0 as Float)) }))
    return try model.outputs.map { try results[$0.tensor] }
  }

  @Test func vectorsAreBroadcastToMatrices() throws {
    let results = try Self.outputs(
      [
        HandModel.node("Expand", ["v", "shape"], ["wide"]), HandModel.node("Add", ["v", "m"], ["sum"]),
        HandModel.node("Where", ["c", "v", "m"], ["chosen"]),
        HandModel.node("Expand", ["column", "shape"], ["rows"]),
      ], ["wide", "sum", "chosen", "rows"],
      [
        TensorMessage("v", integers: [-1, 2]), TensorMessage("shape", integers: [2, 2]),
        TensorMessage("m", integers: [10, 20, 30, 40], shape: [2, 2]),
        TensorMessage("column", integers: [5, 6], shape: [2, 1]), TensorMessage("c", NDArray([true, false])),
      ])
    #expect(results.map(\.shape) == [[2, 2], [2, 2], [2, 2], [2, 2]])
    #expect(results.map(\.doubles) == [[-1, 2, -1, 2], [9, 22, 29, 42], [-1, 20, -1, 40], [5, 5, 6, 6]])
  }

  @Test func reductionsOfNoAxesMayBeNone() throws {
    for flag in [0, 1] {
      let result = try Self.outputs(
        [
          HandModel.node(
            "ReduceMax", ["v"], ["y"],
            [HandModel.attribute("noop_with_empty_axes", flag), HandModel.attribute("keepdims", 1)])
        ], ["y"], [TensorMessage("v", integers: [4, -1, -4])])[0]
      #expect(result.doubles == (flag == 1 ? [4, -1, -4] : [4]))
    }
  }

  /// Integers of 8 and 16 bits keep the bits that they have, whether they are known or not.
  @Test(arguments: [(2, [44, 127, 200, 255]), (3, [44, 127, -56, -1]), (4, [300, 65_407, 200, 65_535])])
  func narrowIntegersWrap(_ code: Int, _ wanted: [Int]) throws {
    let numbers = [300, -129, 200, -1]
    let nodes = ["known", "fed"].map {
      HandModel.node("Cast", [$0], ["\($0)_y"], [HandModel.attribute("to", code)])
    }
    let results = try Self.outputs(
      nodes, ["known_y", "fed_y"], [TensorMessage("known", integers: numbers)],
      inputs: [HandModel.value("fed", ["4"])], feeding: ["fed": NDArray(numbers.map { Float($0) })])
    #expect(results[0].doubles == wanted.map { Double($0) })
    #expect(results[1].doubles == wanted.map { Double($0) })
  }

  // MARK: Dimensions

  @Test func namesThatLookLikeArithmeticAreNames() throws {
    func shape(_ dimensions: [String]) throws -> Shape {
      let bytes = HandModel.model(
        [HandModel.node("Relu", ["x"], ["y"])], inputs: [HandModel.value("x", dimensions)], outputs: ["y"])
      return try HandModel.read(bytes).inputs[0].tensor.shape
    }
    #expect(try shape(["n", "batch-size"]) == ["n", "batch_size"])
    #expect(try shape(["n", "H*W"]).dimensions[1].names.count == 1)
    // Where the parts are told elsewhere, and of one name, it is arithmetic.
    #expect(try shape(["H", "W", "H*W"]) == ["H", "W", "H*W"])
    #expect(try shape(["2*k", "N+1"]) == ["2*k", "N+1"])
  }

  /// A named extent may be 0: what is so for all others alone is not known when the model is read.
  @Test(arguments: ["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"], [false, true])
  func extentsOfNothingAreExtents(_ op: String, _ isFlipped: Bool) throws {
    for other in [-1, 0, 1, 2] {
      let bytes = HandModel.model(
        [
          HandModel.node("Shape", ["x"], ["shape"]), HandModel.node("Gather", ["shape", "zero"], ["extent"]),
          HandModel.node(op, isFlipped ? ["other", "extent"] : ["extent", "other"], ["flag"]),
          HandModel.node("Cast", ["flag"], ["y"], [HandModel.attribute("to", 6)]),
        ], inputs: [HandModel.value("x", ["n", "3"])], outputs: ["y"],
        initializers: [
          TensorMessage("zero", integers: [0], shape: []),
          TensorMessage("other", integers: [other], shape: []),
        ])
      let model = try HandModel.read(bytes)
      let session = try Session(model.graph, threads: 1)
      let program = try session.compile(fetching: [model.outputs[0].tensor])
      for extent in [0, 1, 2, 5] {
        let (a, b) = isFlipped ? (other, extent) : (extent, other)
        let wanted =
          switch op {
          case "Equal": a == b
          case "Less": a < b
          case "Greater": a > b
          case "LessOrEqual": a <= b
          default: a >= b
          }
        let x = try NDArray(zeros: [extent, 3])
        let result = try session.run(program, feeding: [model.inputs[0].tensor: x])
        #expect(try result[model.outputs[0].tensor].doubles == [wanted ? 1 : 0], "\(a) \(op) \(b)")
      }
    }
  }

  /// What folds still does, of extents of 0 too.
  @Test func comparisonsOfNamedExtents() {
    let (n, m): (Dim, Dim) = ("n", "m")
    #expect(n.isEqual(to: 0) == nil && (n + 1).isEqual(to: 0) == false && n.isEqual(to: -1) == false)
    #expect(n.isEqual(to: n) == true && n.isEqual(to: m) == nil && (n + m).isEqual(to: n) == nil)
    #expect((n + m + 2).isEqual(to: n) == false && n.isEqual(to: n * 2) == nil)
    #expect(Dim(0).isLess(than: n) == nil && n.isLess(than: 0) == false && n.isLess(than: n + 1) == true)
    #expect(Dim(-1).isLess(than: n * m) == true && n.isLess(than: n * 2) == nil && n.isLess(than: n) == false)
    #expect(n.isAtMost(0) == nil && Dim(0).isAtMost(n) == true && n.isAtMost(n * 2) == true)
    #expect(Dim.larger(0, n) == n && Dim.smaller(n, 0) == 0 && Dim.larger(n, 1) == nil)
    #expect(Dim.larger(n, n * 2) == n * 2 && Dim.smaller(n * 2, n) == n && Dim.larger(n, m) == nil)
  }

  /// A part that begins at or behind its end is none, whatever the extent.
  @Test func slicesFromAnExtentOn() throws {
    for (start, end) in [("extent", "zero"), ("extent", "extent")] {
      let result = try Self.outputs(
        [
          HandModel.node("Shape", ["x"], ["shape"]),
          HandModel.node("Slice", ["shape", "zero", "one"], ["extent"]),
          HandModel.node("Slice", ["x", start, end], ["y"]),
        ], ["y"], [TensorMessage("zero", integers: [0]), TensorMessage("one", integers: [1])],
        inputs: [HandModel.value("x", ["n", "3"])], feeding: ["x": HandModel.array([2, 3])])
      #expect(result[0].shape == [0, 3])
    }
  }

  /// An axis that cannot be cut ends the node, not the reading.
  @Test(arguments: [2, -2]) func slicesWithAFaultHaveNoFurtherAxes(_ step: Int) throws {
    let bytes = HandModel.model(
      [HandModel.node("Slice", ["x", "starts", "ends", "axes", "steps"], ["y"])],
      inputs: [HandModel.value("x", ["N", "4"])], outputs: ["y"],
      initializers: [
        TensorMessage("starts", integers: step > 0 ? [0, 0] : [-1, 0]),
        TensorMessage("ends", integers: step > 0 ? [Int.max, 2] : [Int.min, 2]),
        TensorMessage("axes", integers: [0, 1]), TensorMessage("steps", integers: [step, 1]),
      ])
    #expect(try #require(HandModel.error(bytes)).description.contains("depends on the binding"))
  }

  // MARK: What nobody reads

  @Test func lastStatesThatNobodyReadsAreNotMade() throws {
    let bytes = HandModel.model(
      [HandModel.node("LSTM", ["x", "w", "r"], ["y", "h", "c"], [HandModel.attribute("hidden_size", 2)])],
      inputs: [HandModel.value("x", ["3", "1", "2"])], outputs: ["y"],
      initializers: [
        TensorMessage("w", try HandModel.array([1, 8, 2])),
        TensorMessage("r", try HandModel.array([1, 8, 2])),
      ])
    let graph = try HandModel.read(bytes).graph.definition
    let unread = graph.nodes.indices.filter { graph.consumers[$0].isEmpty }
    #expect(unread.map { graph.nodes[$0].name } == ["y"])
  }

  @Test func foldedNormsAreOneNote() throws {
    let weights = try (0..<3).map { TensorMessage("l\($0).conv.weight_bias", try HandModel.array([2])) }
    let convolutions = try (0..<3).map {
      TensorMessage("l\($0).conv.weight", try HandModel.array([2, 2, 1, 1]))
    }
    let all = (0..<3).map { number in
      HandModel.node(
        "Conv",
        [number == 0 ? "x" : "h\(number - 1)", "l\(number).conv.weight", "l\(number).conv.weight_bias"],
        ["h\(number)"])
    }
    let model = try HandModel.read(
      HandModel.model(
        all, inputs: [HandModel.value("x", ["1", "2", "4", "4"])], outputs: ["h2"],
        initializers: weights + convolutions))
    let notes = model.notes.filter { $0.contains("batch norms are folded") }
    #expect(notes.count == 1 && notes[0].hasPrefix("`l0/conv` and 2 more:"), "\(model.notes)")
  }
}
