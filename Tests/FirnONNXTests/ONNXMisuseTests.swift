import FirnFiles
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

@testable import FirnONNX

/// What a caller can give the calls of this module and should not: a clear error, and everything as it was.
@Suite struct ONNXMisuseTests {
  private static func expect(
    _ error: FirnError?, _ code: FirnError.Code, _ words: [String], _ what: String
  ) {
    guard let error else {
      Issue.record("\(what): no error")
      return
    }
    #expect(error.code == code, "\(what): \(error)")
    for word in words { #expect(error.description.contains(word), "\(what): no `\(word)` in\n\(error)") }
    for fault in error.causes.isEmpty ? [error] : error.causes {
      #expect(fault.remedy != nil && !fault.message.contains("\n"), "\(what): \(fault)")
    }
  }

  private static func fault(_ body: () throws -> Void) throws -> FirnError? {
    do {
      try body()
      return nil
    } catch let error as FirnError {
      return error
    }
  }

  // MARK: Binding

  /// y = Σ(x · scale) over axes that are an input, where a flag says so.
  private static let model: [UInt8] = {
    var reduce = HandModel.node(
      "ReduceSum", ["scaled", "axes"], ["sum"], [HandModel.attribute("keepdims", 1)])
    reduce.name = "/sum"
    return HandModel.model(
      [
        HandModel.node("Mul", ["x", "scale"], ["scaled"]), reduce,
        HandModel.node("Where", ["flag", "sum", "sum"], ["y"]),
      ],
      inputs: [
        HandModel.value("x", ["batch", "3"]), HandModel.value("scale", []),
        HandModel.value("axes", ["1"], .i32), HandModel.value("flag", [], .bool),
        HandModel.value("free", ["k", "2"], .i32),
      ], outputs: ["y"])
  }()

  private static func binding(_ extra: [String: NDArray]) throws -> FirnError? {
    let axes = ["axes": NDArray([1.0])]
    return try fault { _ = try HandModel.read(model, binding: axes.merging(extra) { $1 }) }
  }

  @Test(arguments: ["axis", "", "y", "sum", "a\nb", "axes "]) func namesThatNoInputHas(_ name: String) throws
  {
    Self.expect(
      try Self.binding([name: NDArray([1.0])]), .unknownName, ["no input of"], name)
  }

  @Test(arguments: [
    Double.nan, .infinity, -.infinity, 0.5, 1e300, -1e300, 0x1p31, -0x1p31 - 1, 0x1p40, 0x1p63, 0x1p64,
    .leastNonzeroMagnitude, .greatestFiniteMagnitude,
  ]) func numbersThatNoIntegerIs(_ number: Double) throws {
    Self.expect(
      try Self.binding(["axes": NDArray([number])]), .invalidArgument, ["`axes`", "\(number)", "i32"],
      "\(number)")
    Self.expect(
      try Self.binding(["flag": NDArray([number])]), .invalidArgument, ["`flag`", "bool"], "\(number)")
  }

  @Test func numbersBeyondTheirType() throws {
    for number in [1e300, -1e300, .greatestFiniteMagnitude] {
      Self.expect(
        try Self.binding(["scale": NDArray([number])]), .invalidArgument, ["`scale`", "f32"], "\(number)")
    }
    // What is no number is data like any, and what is too small is rounded.
    for number in [Double.nan, .infinity, 0.1, .leastNonzeroMagnitude] {
      #expect(try Self.binding(["scale": NDArray([number])]) == nil)
    }
    Self.expect(try Self.binding(["flag": NDArray([2.0])]), .invalidArgument, ["give 0 or 1"], "2")
    for flag in [NDArray([0.0]), NDArray([1.0]), NDArray(scalar: true)] {
      #expect(try Self.binding(["flag": flag]) == nil)
    }
  }

  @Test(arguments: [-3, 2, 3, 100, -100, Int(Int32.max), Int(Int32.min)]) func axesThatAreNone(
    _ axis: Int
  ) throws {
    Self.expect(
      try Self.binding(["axes": NDArray([Double(axis)])]), .invalidArgument, ["axis \(axis)", "-2..<2"],
      "\(axis)")
    for good in [-2.0, -1, 0, 1] { #expect(try Self.binding(["axes": NDArray([good])]) == nil) }
  }

  @Test func arraysOfOtherShapes() throws {
    for shape in [[0], [2], [1, 2], [2, 1], [0, 1]] {
      Self.expect(
        try Self.binding(["axes": NDArray(zeros: shape)]), .shapeMismatch, ["`axes`", "[1] in the model"],
        "\(shape)")
    }
    for shape in [[2], [4], [2, 3], [1, 2, 2], [2, 2, 1]] {
      Self.expect(
        try Self.binding(["free": NDArray(zeros: shape)]), .shapeMismatch, ["`free`", "[k,2]"], "\(shape)")
    }
    // A named extent is as long as what is given; one number stands for itself whatever its axes.
    for shape in [[0, 2], [1, 2], [5, 2]] {
      #expect(try Self.binding(["free": NDArray(zeros: shape)]) == nil, "\(shape)")
    }
    for shape in [[], [1], [1, 1, 1]] {
      #expect(try Self.binding(["axes": NDArray(zeros: shape)]) == nil, "\(shape)")
    }
  }

  @Test func shapesThatAreGivenAsInputs() throws {
    let model = HandModel.model(
      [HandModel.node("Reshape", ["x", "shape"], ["y"])],
      inputs: [HandModel.value("x", ["batch", "6"]), HandModel.value("shape", ["k"], .i32)], outputs: ["y"])
    for shape: [Double] in [[-2, 6], [-1, -1], [7, 7], [0x1p30, 0x1p30], [0, 0, 0], [-0x1p31, 3]] {
      let error = try Self.fault { _ = try HandModel.read(model, binding: ["shape": NDArray(shape)]) }
      #expect(error?.remedy ?? error?.causes.first?.remedy != nil, "\(shape): \(String(describing: error))")
    }
    let read = try HandModel.read(model, binding: ["shape": NDArray([-1, 2, 3])])
    #expect(read.outputs[0].tensor.shape.dimensions == ["batch", 2, 3])
  }

  // MARK: Reading

  @Test func pathsThatAreNoModels() throws {
    try Self.withFolder { folder in
      try Data("firn".utf8).write(to: URL(fileURLWithPath: folder + "/text.onnx"))
      try Data().write(to: URL(fileURLWithPath: folder + "/empty.onnx"))
      for path in [
        "", "\0", folder, folder + "/", folder + "/none.onnx", folder + "/text.onnx/x", "/dev/null",
      ] {
        let error = try Self.fault { _ = try ONNXModel(contentsOfFile: path) }
        #expect(error?.remedy != nil, "\(path): \(String(describing: error))")
      }
      for name in ["text", "empty"] {
        Self.expect(
          try Self.fault { _ = try ONNXModel(contentsOfFile: "\(folder)/\(name).onnx") }, .parse, [name], name
        )
      }
    }
  }

  // MARK: Writing

  private struct Bench {
    let session: Session
    let x: Tensor
    let y: Tensor
    let loss: Tensor
    let program: Program

    init() throws {
      let graph = Graph()
      x = graph.placeholder("x", shape: ["batch", 40])
      y = Dense(30, name: "head")(Dense(40, name: "body")(x))
      loss = square(y).mean()
      session = try Session(graph, threads: 1)
      session.onWarning = { _ in }
      program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1), freezing: "body")
    }
  }

  private static func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  /// All that lies in a folder, and the bytes of its files.
  private static func content(_ folder: String) throws -> [String: Data] {
    var result: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
      result[name] = FileManager.default.contents(atPath: folder + "/" + name) ?? Data()
    }
    return result
  }

  @Test(arguments: [false, true]) func placesWhereNoModelCanStand(_ isBeside: Bool) throws {
    let bench = try Bench()
    try Self.withFolder { folder in
      try Data("old".utf8).write(to: URL(fileURLWithPath: folder + "/old.onnx"))
      try Data("old".utf8).write(to: URL(fileURLWithPath: folder + "/old.onnx.data"))
      try FileManager.default.createDirectory(
        atPath: folder + "/taken.onnx.data", withIntermediateDirectories: true)
      try FileManager.default.createDirectory(
        atPath: folder + "/folder", withIntermediateDirectories: true)
      let before = try Self.content(folder)
      var places = [
        "", folder, folder + "/", folder + "/folder", folder + "/folder/", folder + "/none/model.onnx",
        folder + "/old.onnx/model.onnx",
      ]
      if isBeside { places += ["/dev/null", "/dev/stdout", folder + "/taken.onnx"] }
      for place in places {
        let error = try Self.fault {
          try bench.session.writeONNX([bench.y], to: place, weightsBeside: isBeside)
        }
        Self.expect(error, .file, ["cannot write"], place)
        #expect(try Self.content(folder) == before, "\(place)")
      }
      // What cannot be written leaves what was there.
      let foreign = try Bench()
      let error = try Self.fault {
        try bench.session.writeONNX([foreign.y], to: folder + "/old.onnx", weightsBeside: isBeside)
      }
      Self.expect(error, .unknownName, ["another graph"], "foreign")
      #expect(try Self.content(folder) == before)
      #expect(!FileManager.default.fileExists(atPath: "/dev/null.data"))
    }
  }

  @Test func outputsThatAreNone() throws {
    let bench = try Bench()
    let graph = bench.session.graph
    var inner: Tensor?
    let loop = scan(over: [bench.x], initial: []) { step in
      inner = step.slices[0] * 2
      return ScanResult(carries: [], outputs: step.slices)
    }
    let rows: [(String, [any TensorReference], FirnError.Code, [String])] = [
      ("none", [], .invalidArgument, ["gives nothing"]),
      ("no name", [""], .unknownName, ["no tensor"]),
      ("a name with a typo", [bench.y.name + "s"], .unknownName, ["did you mean", bench.y.name]),
      ("a result that is not there", [bench.y.name + ":1"], .unknownName, ["no tensor"]),
      ("an absurd result", [bench.y.name + ":99999999999999999999"], .unknownName, ["no tensor"]),
      ("a negative result", [bench.y.name + ":-1"], .unknownName, ["no tensor"]),
      (
        "another graph's", [Graph().variable("body/kernel", shape: [40, 40])], .unknownName, ["another graph"]
      ),
      ("a loop's own", [try #require(inner)], .unknownName, ["outputs of the loop"]),
      ("twice", [bench.y, loop.outputs[0], bench.y.name], .duplicateName, ["twice"]),
    ]
    for (name, outputs, code, words) in rows {
      let error = try Self.fault { _ = try bench.session.model(of: outputs, limit: 1 << 24) }
      Self.expect(error, code, words, name)
    }
    #expect(try bench.session.model(of: [bench.y], limit: 1 << 24).count > 1000)
    // A faulty expression is said wherever it is asked of.
    _ = bench.y + graph.constant(try NDArray(zeros: [7]))
    Self.expect(
      try Self.fault { _ = try bench.session.model(of: [bench.y], limit: 1 << 24) }, .shapeMismatch, ["add"],
      "faulty")
  }

  @Test func trainingThatIsNone() throws {
    let bench = try Bench()
    let other = Graph()
    let w = other.variable("w", shape: [2])
    let session = try Session(other, threads: 1)
    session.onWarning = { _ in }
    let foreign = try session.compile(minimizing: square(w).mean(), with: SGD(learningRate: 0.1))
    let rows: [(String, ONNXTraining, FirnError.Code, [String])] = [
      (
        "another session's program", ONNXTraining(foreign, loss: bench.loss), .unknownName,
        ["trains `w`", "no such variable"]
      ),
      ("a loss of no name", ONNXTraining(bench.program, loss: "nothing"), .unknownName, ["no tensor"]),
      ("a loss of many numbers", ONNXTraining(bench.program, loss: bench.y), .notScalar, ["mean()"]),
      (
        "no rate", ONNXTraining(bench.program, loss: bench.loss, learningRate: .nan), .invalidArgument,
        ["nan"]
      ),
      (
        "an endless rate", ONNXTraining(bench.program, loss: bench.loss, learningRate: .infinity),
        .invalidArgument, ["inf"]
      ),
    ]
    for (name, training, code, words) in rows {
      let error = try Self.fault {
        _ = try bench.session.model(of: [bench.y], training: training, limit: 1 << 24)
      }
      Self.expect(error, code, words, name)
    }
    let good = ONNXTraining(bench.program, loss: bench.loss)
    #expect(try bench.session.model(of: [], training: good, limit: 1 << 24).count > 1000)
  }
}
