import CFirnAllocations
import CFirnPeak
import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Foundation

/// One row, built and compiled, to be timed or counted in this process.
struct Subject {
  private let session: Session
  private let program: Program
  private let feeds: Feeds
  private let binding: DimBinding
  private let threads: Int
  /// What is timed: a run, or of a product its one step, since others do not copy operands and results either.
  let step: () throws -> Void

  init(_ row: WorkRow, threads: Int) throws {
    let graph = Graph()
    let (result, inputs) = row.work.build(graph)
    let session = try Session(graph, threads: threads)
    session.onWarning = { _ in }
    let program =
      if row.work.isTrained {
        try session.compile(
          minimizing: result, with: Adam(learningRate: 0.001), freezing: row.row.freezing)
      } else {
        try session.compile(fetching: [result])
      }
    let feeds = Feeds(try inputs.map { ($0.tensor.name, try $0.noise()) })
    let binding: DimBinding = row.work.isTrained ? ["batch": row.work.batch] : [:]
    (self.session, self.program, self.feeds) = (session, program, feeds)
    (self.binding, self.threads) = (binding, threads)
    if row.work.isTrained {
      step = { try session.run(program, feeding: feeds) }
    } else {
      try session.run(program, feeding: feeds)
      step = try session.steps(of: program, binding: binding)
    }
  }

  /// Milliseconds of each step after a warm-up, and when the first of all had ended; `peers.py` measures so too.
  func times() throws -> (milliseconds: [Double], firstStep: Double) {
    try step()
    let firstStep = Date().timeIntervalSince1970
    for _ in 0..<7 { try step() }
    let clock = ContinuousClock()
    let begin = clock.now
    var times: [Double] = []
    while times.count < 20 || times.count < 2000 && begin.duration(to: clock.now) < .milliseconds(700) {
      times.append(try milliseconds(runs: 1) { try step() })
    }
    return (times, firstStep)
  }

  func counts() throws -> Counts {
    for _ in 0..<2 { try session.run(program, feeding: feeds) }
    let plan = try Plan(program.compilation.graph.mapping(.binding(binding)), workers: threads)
    let cost = program.cost
    let before = session.barrierCount
    for _ in 0..<Self.countedRuns { try session.run(program, feeding: feeds) }
    let barriers = Self.each(session.barrierCount - before)
    let ofRun = try allocations { try session.run(program, feeding: feeds) }
    return Counts(
      flops: Node.Phase.allCases.reduce(0) { $0 + (cost.flops($1, binding: binding) ?? 0) },
      nodes: cost.forwardNodes + cost.backwardNodes + cost.updateNodes,
      planSteps: plan.stepCount, arenaBytes: try session.arenaBytes(of: program, binding: binding),
      barriers: barriers,
      stepAllocations: try allocations(session.steps(of: program, binding: binding)), runAllocations: ofRun)
  }

  private static let countedRuns = 4

  /// Of one run, rounded up: one that some runs have must not vanish.
  private static func each(_ total: Int) -> Int { (total + countedRuns - 1) / countedRuns }

  /// Of all threads, while `body` runs once; nil where they cannot be counted, and in debug builds, where closures and
  /// enumerations allocate.
  ///
  /// The least of some counts: when a worker falls asleep, which may allocate, is no matter of the body.
  private func allocations(_ body: () throws -> Void) throws -> Int? {
    var least = Int.max
    for _ in 0..<Self.repetitions {
      firn_process_allocations_begin()
      for _ in 0..<Self.countedRuns { try body() }
      least = min(least, firn_process_allocations_end())
    }
    #if DEBUG
      return nil
    #else
      return least < 0 ? nil : Self.each(least)
    #endif
  }

  private static let repetitions = 4
}

/// What one process found out about a row.
///
/// `peers.py` prints the same for other libraries, but for what only Firn can say.
struct RowMeasurement: Codable {
  /// Of each step.
  var milliseconds: [Double]
  /// When the first step had ended, in seconds since 1970.
  var firstStep: Double
  /// The most memory the process has had; nil where the system does not say.
  var peakBytes: Int?
  /// What as many threads do at best, in GFLOP/s, measured beside the row.
  var fmaPeak: Double?
  var counts: Counts?

  /// Measures in this process, which should have done nothing before.
  init(_ row: WorkRow, threads: Int) throws {
    let subject = try Subject(row, threads: threads)
    (milliseconds, firstStep) = try subject.times()
    peakBytes = ProcessMemory.peakBytes
    fmaPeak = FMAPeak.gigaflops(threads: threads)
    counts = try subject.counts()
  }
}

extension CountsFile {
  /// What is counted in this process now, row by row.
  init(counting rows: [WorkRow], threads: [Int]) throws {
    instructionSet = Session.instructionSet
    entries = try rows.flatMap { row in
      try threads.map { threads in
        Entry(row: row.name, threads: threads, counts: try Subject(row, threads: threads).counts())
      }
    }
  }
}
