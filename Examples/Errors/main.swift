import Firn
import Foundation

// Every kind of error that Docs/Errors.md lists, as it prints.

/// Does what fails, and prints how.
func fail(_ title: String, _ body: () throws -> Void) {
  print("== \(title)")
  do {
    try body()
    print("nothing failed")
  } catch {
    print(error)
  }
}

fail("a model with two faults") {
  let graph = Graph()
  let x = graph.placeholder("x", shape: ["batch", 3])
  let hidden = matmul(x, graph.variable("kernel", shape: [4, 5]))
  let loss = square(Dense(1)(hidden)).mean() + x.sum(axes: [7])
  _ = try Session(graph).compile(minimizing: loss, with: Adam())
}

fail("invalid-graph") {
  let layer = Dense(2, name: "head")
  let (one, other) = (Graph(), Graph())
  _ = layer(one.placeholder("x", shape: ["batch", 3]))
  _ = layer(other.placeholder("x", shape: ["batch", 3]))
  try other.validate()
}

reportingErrors {
  let graph = Graph()
  let x = graph.placeholder("x", shape: ["batch", 3])
  let words = graph.placeholder("words", shape: ["batch"], dtype: .i32)
  let code = Dense(4, name: "encoder")(x)
  let logits = Dense(2, name: "head")(code)
  let loss = square(logits).mean()
  let session = try Session(graph)
  session.onWarning = { _ in }
  let program = try session.compile(minimizing: loss, with: SGD(learningRate: 0.1))

  fail("invalid-argument") { _ = try session.compile(minimizing: loss, with: Adam(learningRate: -1)) }
  fail("type-mismatch") {
    let graph = Graph()
    _ = graph.placeholder("x", shape: [2]) + graph.placeholder("i", shape: [2], dtype: .i32)
    try graph.validate()
  }
  fail("duplicate-name") {
    let graph = Graph()
    for _ in 0..<2 { _ = graph.variable("kernel", shape: [2]) }
    try graph.validate()
  }
  fail("unknown-name") { _ = try session.value(of: "head/kernal") }
  fail("invalid-feed") { try session.run(program, feeding: [x: NDArray(zeros: [1, 4])]) }
  fail("missing-feed") { try session.run(program) }
  fail("invalid-selection") { _ = try session.compile(minimizing: loss, with: Adam(), freezing: "encodr") }
  fail("not-scalar") { _ = try session.compile(minimizing: logits, with: Adam()) }
  fail("no-gradient") {
    let stopped = square(stopGradient(logits)).mean()
    _ = try session.compile(minimizing: stopped, with: Adam())
  }
  fail("not-finite") {
    session.checksNumerics = true
    defer { session.checksNumerics = false }
    let roots = try session.compile(fetching: [sqrt(x, file: "model.swift", line: 12)])
    try session.run(roots, feeding: [x: NDArray([4, -1, 0] as [Float], shape: [1, 3])])
  }
  fail("index-out-of-range") {
    let rows = try session.compile(fetching: [Embedding(count: 9, width: 2)(words)])
    try session.run(rows, feeding: [words: NDArray([0, 9] as [Int32])])
  }
  fail("parse") {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString).firn")
      .path
    try Data("firn 1\n%x = placeholder( {dtype = f32, shape = [2]} : f32[2]\n".utf8)
      .write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    _ = try GraphDef(contentsOfFile: path)
  }
  fail("world") {
    let copies = try session.compile(fetching: [broadcast(loss, fromRank: 3)])
    try session.run(copies, feeding: [x: NDArray(zeros: [1, 3])])
  }
  fail("file") { _ = try Weights(contentsOf: "missing.safetensors") }

  do throws(FirnError) {
    try session.run(program, feeding: [x: NDArray(zeros: [1, 4])])
  } catch {
    switch error.code {
    case .invalidFeed, .missingFeed: print("the data is wrong:", error.message)
    case .notFinite: print("it has blown up at", error.place ?? "?")
    default: print(error)
    }
  }
  print("unchanged:", try session.value(of: "head/bias").doubles == [0, 0])
}
