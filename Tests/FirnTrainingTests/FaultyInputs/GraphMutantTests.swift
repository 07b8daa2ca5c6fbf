import FirnCompiler
import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation
import Testing

/// Damaged graph text, and text whose numbers are others: an error, or a graph that can be printed, drawn, costed and
/// compiled, and run where that is small; never a trap.
@Suite struct GraphMutantTests {
  /// `FIRN_FUZZ=100000` for a long run, in release.
  private static let count = ProcessInfo.processInfo.environment["FIRN_FUZZ"].flatMap { Int($0) } ?? 2_000

  private enum Model: String, CaseIterable, Sendable {
    case dense, recurrent, images, loops, shapes, programs

    func text() throws -> String {
      let graph = Graph()
      let x = graph.placeholder("x", shape: ["batch", 4])
      let loss: Tensor
      switch self {
      case .dense:
        let ids = graph.placeholder("ids", shape: ["batch"], dtype: .i32)
        let hidden = BatchNorm()(Dense(3, activation: .tanh)(x)) + Embedding(count: 5, width: 3)(ids)
        loss = sparseSoftmaxCrossEntropy(logits: Dense(5)(Dropout(0.5)(hidden)), labels: ids).mean()
      case .recurrent:
        let lengths = graph.placeholder("lengths", shape: ["batch"], dtype: .i32)
        loss = LSTM(2, layers: 2).run(x.reshaped(to: ["batch", 2, 2]), lengths: lengths).last.sum()
      case .images:
        let image = x.reshaped(to: ["batch", 2, 2, 1]).padded(
          low: [0, 1, 1, 0], high: [0, 2, 2, 0], value: -1)
        loss = averagePool2d(
          maxPool2d(Conv2D(2, kernel: 2)(image), window: (2, 2), strides: (1, 1)), window: (2, 2)
        ).sum()
      case .loops:
        let total = scan(over: [x.transposed([1, 0])], initial: [x.sum(axes: [1])], recomputation: .every(2))
        { step in
          let inner = scan(initial: [step.carries[0]], length: 2) {
            ScanResult(carries: [$0.carries[0] * 0.5 + $0.index.cast(to: .f32)])
          }
          return ScanResult(carries: [inner.carries[0] + step.slices[0]], outputs: [inner.carries[0]])
        }
        loss = total.carries[0].sum() + total.outputs[0].mean()
      case .shapes:
        let table = graph.variable("table", shape: [6, 4], initializer: .uniform(-1, 1))
        let parts = table.split(sizes: [1, 2, 3], axis: 0)
        let rows = gather(parts[2], indices: graph.iota(3)).sliced(axis: 1, from: 1, by: 2)
        let noise = graph.randomNormal([3, 2]) + oneHot(graph.iota(3), depth: 2) * graph.constant(-4.5)
        loss = (rows * noise).sum() + x.sum() / graph.extent("batch") + concatenate(parts, axis: 0).max()
      case .programs:
        let weights = graph.variable("w", shape: [4, 8], initializer: .uniform(-1, 1))
        let total = scan(over: [x.transposed([1, 0])], initial: [x]) { step in
          let column = step.slices[0].expandingAxis(at: 1)
          let gates = (matmul(step.carries[0], weights) + column).split(into: 2, axis: 1)
          let next = tanh(gates[0]) * sigmoid(gates[1]) + step.carries[0]
          return ScanResult(carries: [next], outputs: [next * next])
        }
        let part = total.outputs[0].sliced(axis: 2, from: 1, by: 2)
        loss = concatenate([sigmoid(part), part * part + 1], axis: 2).sum() + total.carries[0].mean()
      }
      let gradient = graph.gradients(of: [loss], withRespectTo: [x])[0]
      _ = identity(gradient, name: "result")
      try graph.validate()
      if self != .programs { return graph.definition.text }
      // As the compiler leaves it: elementwise work is in programs.
      let text = try Compiler.compile(
        CompilationRequest(graph: graph.definition, fetches: [loss.value, gradient.value])
      ).graph.text
      #expect(text.contains("fused("))
      return text
    }
  }

  @Test(arguments: Model.allCases) private func mutants(_ model: Model) throws {
    var mutator = TextMutator(seed: UInt64(model.rawValue.utf8.reduce(7) { $0 * 31 + Int($1) }))
    let text = try model.text()
    #expect(Self.outcome(of: text) == .used)
    var tally: [Outcome: Int] = [:]
    for _ in 0..<Self.count / Model.allCases.count {
      tally[Self.outcome(of: mutator.mutant(of: text)), default: 0] += 1
    }
    let all = tally.values.reduce(0, +)
    // All happen, or the mutations are too weak or too strong to show anything.
    #expect(tally[.refused, default: 0] > all / 20 && tally[.used, default: 0] > all / 50, "\(tally)")
    if Self.count > 2_000 { print("\(model.rawValue): \(tally)") }
  }

  private enum Outcome { case refused, unusable, used }

  private static func outcome(of text: String) -> Outcome {
    guard let graph = try? GraphDef(parsing: text, catalogue: .standard) else { return .refused }
    let printed = graph.text
    #expect((try? GraphDef(parsing: printed, catalogue: .standard))?.text == printed, "\(text)")
    #expect(!graph.dot(DOTOptions(depth: .max)).isEmpty)
    do throws(FirnError) {
      // One that trains and one that computes, each of what is there.
      let session = try Session(graph, threads: 1)
      session.onWarning = { _ in }
      let last = graph.nodes.last { !$0.types.isEmpty }?.name
      var programs: [Program] = []
      if let last { programs.append(try session.compile(fetching: [last])) }
      if let loss = graph.nodes.last(where: { $0.types == [TensorType(.f32, [])] })?.name {
        if let program = try? session.compile(minimizing: loss, with: Adam()) { programs.append(program) }
      }
      for program in programs {
        for part in [program.cost.flops, program.cost.bytes] { #expect(part.value ?? 0 >= 0, "\(text)") }
        #expect(!program.description.isEmpty && !program.graph.text.isEmpty)
        try run(program, of: graph, in: session)
      }
      return .used
    } catch {
      #expect(!error.message.isEmpty)
      return .unusable
    }
  }

  /// Runs it where that takes little, on zeros and ones.
  private static func run(_ program: Program, of graph: GraphDef, in session: Session) throws(FirnError) {
    for extent in [0, 2] {
      var binding = DimBinding()
      for name in program.graph.dimensionNames + graph.dimensionNames { binding[name] = extent }
      let plan = try Plan(program.graph.mapping(.binding(binding)))
      let variables = graph.variables.reduce(0) { $0.saturatingSum($1.type.byteCount.value ?? 0) }
      guard plan.arenaBytes.saturatingSum(variables) < 1 << 20, plan.flops < 1 << 22,
        plan.iterations < 1 << 12
      else {
        continue
      }
      var feeds: [(name: String, array: NDArray)] = []
      for (name, type) in graph.placeholders {
        guard let type = ArrayType(type.bound(by: binding)), type.elementCount < 1 << 16 else { continue }
        feeds.append((name, NDArray(type, rounding: (0..<type.elementCount).map { Double($0 % 2) })))
      }
      // Not every damaged graph can be run; that it comes back is what counts.
      _ = try? session.run(program, feeding: Feeds(feeds))
    }
  }
}

extension Plan {
  /// How often a loop's body is run in all.
  fileprivate var iterations: Int {
    steps.reduce(0) { count, step in
      guard case .loops(let loops) = step.work else { return count }
      return loops.reduce(count) { count, loop in
        count.saturatingSum(loop.length.saturatingProduct(loop.body.iterations.saturatingSum(1)))
      }
    }
  }
}

/// Damages text, the same way for the same seed: its bytes, its words, and the numbers in it.
private struct TextMutator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  private mutating func below(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return Int(truncatingIfNeeded: (z ^ z >> 31) >> 1) % max(bound, 1)
  }

  private static let numbers = [
    "0", "1", "2", "3", "4", "5", "7", "-1", "-2", "65536", "1073741824", "2147483647", "2147483648",
    "4294967296",
    "1099511627776", "4611686018427387904", "9223372036854775806", "9223372036854775807",
    "-9223372036854775808",
    "-9223372036854775807", "9223372036854775808", "0.0", "-0.0", "1e300", "-1e300", "nan", "inf", "-inf",
    "batch",
    "batch-1", "1-batch", "2*batch", "4611686018427387904*batch", "batch*batch", "time", "true", "[]", "[0]",
    "\"\"",
  ]

  mutating func mutant(of text: String) -> String {
    var bytes = Array(text.utf8)
    // One number becomes another wherever it stands, so that types go on agreeing; or what comes, comes.
    if below(4) > 0 { replaceEverywhere(&bytes) }
    if below(4) == 0 { for _ in 0...below(3) { mutate(&bytes) } }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"),
      UInt8(ascii: "/"), UInt8(ascii: "%"), UInt8(ascii: ":"):
      true
    default: false
    }
  }

  private mutating func replaceEverywhere(_ bytes: inout [UInt8]) {
    let words = bytes.split(omittingEmptySubsequences: true) { !Self.isWord($0) }
    let numbers = words.filter { word in word.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: "-") }
    }
    guard !numbers.isEmpty else { return }
    let old = Array(numbers[below(numbers.count)])
    let new = Array(Self.numbers[below(Self.numbers.count)].utf8)
    var result: [UInt8] = []
    var place = 0
    while place < bytes.count {
      let end = bytes[place...].firstIndex { !Self.isWord($0) } ?? bytes.count
      result += Array(bytes[place..<end]) == old ? new : Array(bytes[place..<end])
      if end < bytes.count { result.append(bytes[end]) }
      place = end + 1
    }
    bytes = result
  }

  private mutating func mutate(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    let place = below(bytes.count)
    let length = min(below(12) + 1, bytes.count - place)
    switch below(12) {
    case 0: bytes[place] ^= 1 << UInt8(below(7))
    case 1: bytes.removeSubrange(place..<place + length)
    case 2: bytes.insert(contentsOf: bytes[place..<place + length], at: below(bytes.count))
    case 3:
      // A line goes, or comes twice.
      let start = bytes[..<place].lastIndex(of: 10) ?? 0
      let end = bytes[place...].firstIndex(of: 10) ?? bytes.count
      if below(2) == 0 {
        bytes.removeSubrange(start..<end)
      } else {
        bytes.insert(contentsOf: bytes[start..<end], at: end)
      }
    default:
      func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
      guard let first = bytes[place...].firstIndex(where: isDigit) else { return }
      let end = bytes[first...].firstIndex { !isDigit($0) } ?? bytes.count
      bytes.replaceSubrange(first..<end, with: Array(Self.numbers[below(Self.numbers.count)].utf8))
    }
  }
}
