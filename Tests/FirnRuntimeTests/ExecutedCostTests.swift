import FirnCompiler
import FirnGraph
import FirnNotation
import FirnNN
import FirnOps
import FirnTestSupport
import FirnTraining
import Testing

@testable import FirnRuntime

/// What a program says it costs is what its plan runs.
@Suite struct ExecutedCostTests {
  @Test(
    arguments: [nil, "lstm", "lstm/kernel", "head", "role(bias)", "lstm/bias[gate: forget]"] as [Selection?])
  func flopsAreThoseOfThePlan(_ freezing: Selection?) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 3])
    let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
    let loss = sparseSoftmaxCrossEntropy(logits: Dense(4, name: "head")(LSTM(5)(x)), labels: y).mean()
    let session = try Session(graph)
    session.onWarning = { _ in }
    let program = try session.compile(minimizing: loss, with: Adam(), freezing: freezing)
    let binding: DimBinding = ["batch": 2, "time": 7]
    let told = try Node.Phase.allCases.reduce(0) {
      try $0 + #require(program.cost.flops($1, binding: binding))
    }
    #expect(try session.execution(of: program, binding: binding).plan.flops == told)
    #expect(told > 0)
    try expectBytes(of: program, in: session, binding: binding)
  }

  /// What is computed again is told too.
  @Test(arguments: [Recomputation.none, .every(2), .every(3), .every(8)], ["net", nil] as [Selection?])
  func flopsOfCheckpointedLoops(_ recomputation: Recomputation, _ freezing: Selection?) throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 6, 3])
    let first = Dense(4, name: "first")(x)
    let loss = square(GRU(5, options: RecurrentOptions(recomputation: recomputation), name: "net")(first))
      .mean()
    let session = try Session(graph)
    session.onWarning = { _ in }
    let program = try session.compile(minimizing: loss, with: Adam(), freezing: freezing)
    let binding: DimBinding = ["batch": 2]
    let told = try Node.Phase.allCases.reduce(0) {
      try $0 + #require(program.cost.flops($1, binding: binding))
    }
    #expect(try session.execution(of: program, binding: binding).plan.flops == told)
    try expectBytes(of: program, in: session, binding: binding)
  }

  @Test(arguments: 0..<60) func costsOfRandomModels(_ seed: Int) throws {
    let model = RandomModel(seed: seed)
    let session = try Session(model.graph, threads: 1)
    session.onWarning = { _ in }
    let program: Program
    do throws(FirnError) {
      program = try session.compile(minimizing: model.loss, with: Adam(), freezing: seed % 3 == 0 ? "a" : nil)
    } catch {
      #expect(error.code == .noGradient, "\(error)")
      return
    }
    let told = Node.Phase.allCases.compactMap { program.cost.flops($0, binding: model.binding) }
    let plan = try session.execution(of: program, binding: model.binding).plan
    #expect(plan.flops == told.reduce(0, +) && told.count == Node.Phase.allCases.count)
    try expectBytes(of: program, in: session, binding: model.binding)
  }

  /// The loss is made of a gradient, so forward and backward nodes alternate.
  @Test func bytesOfAPenaltyOnAGradient() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let layer = Dense(4, activation: .tanh, name: "layer")
    let score = Dense(1, name: "head")(layer(x)).sum()
    let slope = graph.gradients(of: [score], withRespectTo: [x])[0]
    let session = try Session(graph)
    let program = try session.compile(minimizing: score + square(slope).sum(), with: Adam())
    try expectBytes(of: program, in: session, binding: ["batch": 5])
  }

  /// Kept, gradient and slot bytes are those of the plan's buffers and of the session's slots.
  private func expectBytes(of program: Program, in session: Session, binding: DimBinding) throws {
    let told = try program.costReport().total.bound(by: binding)
    let plan = try session.execution(of: program, binding: binding).plan
    let held = HeldBuffers(plan, of: program.graph)
    #expect(told.keptBytes.value == held.byteCount(writtenIn: .forward, readIn: [.backward, .update]))
    #expect(told.gradientBytes.value == held.byteCount(writtenIn: .backward, readIn: [.update]))
    var slotBytes = 0
    for slot in session.variables where slot.kind == .slot {
      slotBytes += try session.store.storage(of: slot.name).byteCount
    }
    #expect(told.slotBytes.value == slotBytes)
  }
}

/// What a plan's steps write to the arena and what reads it: counted from steps and offsets alone.
private struct HeldBuffers {
  private struct Buffer {
    var offset: Int
    var byteCount: Int
    var writer: Node.Phase
    var readers: Set<Node.Phase> = []
    /// Steps.
    var life: ClosedRange<Int>
  }

  private var buffers: [Int: Buffer] = [:]

  init(_ plan: Plan, of graph: GraphDef) {
    var phases: [String: Node.Phase] = [:]
    var assigning: [String: Node.Phase] = [:]
    for node in graph.nodes {
      // A step of that name is the copy of a variable that is assigned to another.
      if case .reads = node.op.effect { continue }
      phases[node.name] = node.phase
      if case .writes(let variable) = node.op.effect { assigning[variable] = node.phase }
    }
    for (position, step) in plan.steps.enumerated() {
      guard let phase = phases[step.name] else { continue }
      for slot in step.operands { read(slot, at: position, in: phase) }
      for (slot, type) in zip(step.results, step.resultTypes) {
        guard case .arena(let offset) = plan.placements[slot] else { continue }
        buffers[slot] = Buffer(
          offset: offset, byteCount: type.byteCount, writer: phase, life: position...position)
      }
    }
    for port in plan.outputs { read(port.slot, at: plan.steps.count, in: nil) }
    for port in plan.commits { read(port.slot, at: plan.steps.count, in: assigning[port.name]) }
  }

  private mutating func read(_ slot: Int, at position: Int, in phase: Node.Phase?) {
    guard var buffer = buffers[slot] else { return }
    buffer.life = buffer.life.lowerBound...position
    if let phase { buffer.readers.insert(phase) }
    buffers[slot] = buffer
  }

  /// Bytes of the arena; two buffers that are alive together, but for one taking the other's place, lie apart.
  func byteCount(writtenIn writer: Node.Phase, readIn phases: Set<Node.Phase>) -> Int {
    let found = buffers.sorted { $0.key < $1.key }.map(\.value).filter {
      $0.writer == writer && !$0.readers.isDisjoint(with: phases)
    }
    for (index, a) in found.enumerated() {
      for b in found[(index + 1)...] where a.life.clamped(to: b.life).count > 1 && a.life.overlaps(b.life) {
        #expect(
          a.byteCount == 0 || b.byteCount == 0 || a.offset + a.byteCount <= b.offset
            || b.offset + b.byteCount <= a.offset)
      }
    }
    return found.reduce(0) { $0 + $1.byteCount }
  }
}
