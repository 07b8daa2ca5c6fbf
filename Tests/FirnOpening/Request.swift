import FirnCompiler
import FirnFiles
import FirnFormats
import FirnGraph
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation

/// What asks for memory, each in its own way: five gigabytes and more but for the last two.
enum Request: String {
  case variable, variables, constant, intermediate, draw, zeros, initialValue, state, split, unpacked,
    picture,
    plans, modest

  /// - Throws: where there is no room; what went through is forgotten again.
  func make() throws(FirnError) {
    let graph = Graph()
    switch self {
    case .variable:
      let wide = graph.variable("w", shape: [5, 268_435_456], initializer: .zeros)
      _ = try fetch([wide.sum()])
    case .variables:
      // None of them is too large by itself.
      let parts = (0..<20).map { graph.variable("w\($0)", shape: [67_108_864], initializer: .constant(1)) }
      let session = try Session(graph)
      for part in parts { _ = try session.setValue(try session.value(of: part), of: part) }
    case .constant:
      // One number in the graph; whoever folds what is made of it, or returns it, has all of them.
      _ = try fetch([exp(graph.constant(1).broadcast(to: [5, 268_435_456]))])
    case .intermediate:
      let column = graph.placeholder("x", shape: ["rows", 1])
      let row = graph.placeholder("y", shape: [1, "columns"])
      let session = try Session(graph)
      let program = try session.compile(fetching: [exp(column + row) + exp(column - row)])
      try session.run(
        program, feeding: [column: NDArray(zeros: [40_000, 1]), row: NDArray(zeros: [1, 40_000])])
    case .draw: _ = try fetch([graph.randomNormal([5, 268_435_456]).sum()])
    case .zeros: _ = try NDArray(zeros: [5, 268_435_456])
    case .initialValue:
      let wide = graph.variable("w", shape: [5, 268_435_456], initializer: .normal(deviation: 1))
      _ = try Session(graph).value(of: wide)
    case .state:
      // What a loop keeps for its way back.
      let start = graph.variable("w", shape: [1_048_576], initializer: .zeros)
      let loop = scan(initial: [start], length: 2_000) { step in .init(carries: [exp(step.carries[0])]) }
      let session = try Session(graph)
      try session.run(session.compile(minimizing: loop.carries[0].sum(), with: SGD(learningRate: 0.1)))
    case .split:
      let line = graph.placeholder("x", shape: [1_099_511_627_776])
      _ = try fetch(Array(line.split(into: 1 << 40, axis: 0).prefix(1)))
    case .unpacked:
      // A block of fixed codes: a zero byte, and 258 of them once; then eight times that in every thirteen bytes.
      let head: [UInt8] = [0x63, 0x18, 0x05]
      let count = 1 + 258 * (1 + 8 * 2_600_000)
      let part: [UInt8] = [0xA3, 0x60, 0x14, 0x8C, 0x82, 0x51, 0x30, 0x0A, 0x46, 0xC1, 0x28, 0x18, 0x05]
      let packed = Bytes(copying: head + (0..<2_600_000).flatMap { _ in part } + [0])
      _ = try Inflate.unpack(packed, count: count, fault: FileFault("bomb"))
    case .picture:
      // Eight pixels a byte, and eight bytes a pixel.
      let path = FileManager.default.temporaryDirectory.appending(path: "firn-\(UUID().uuidString).pbm").path
      defer { try? FileManager.default.removeItem(atPath: path) }
      let header = Data("P4 25600 25600\n".utf8)
      _ = FileManager.default.createFile(atPath: path, contents: header)
      let file = FileHandle(forWritingAtPath: path)
      try? file?.truncate(atOffset: UInt64(header.count + 3_200 * 25_600))
      _ = try PNMImage(contentsOf: path)
    case .plans:
      // Five hundred batch sizes of one program; all their plans together would take eight gigabytes.
      let batch = graph.placeholder("x", shape: ["rows", 1_024])
      let session = try Session(graph)
      let program = try session.compile(fetching: [exp(exp(batch).sum(axes: [0])).sum()])
      for rows in 2_000..<2_500 { try session.run(program, feeding: [batch: NDArray(zeros: [rows, 1_024])]) }
    case .modest: _ = try fetch([graph.variable("w", shape: [1_000], initializer: .zeros).sum()])
    }

    func fetch(_ tensors: [Tensor]) throws(FirnError) {
      let session = try Session(graph)
      try session.run(session.compile(fetching: tensors))
    }
  }
}
