import FirnGraph
import FirnOps
import FirnRuntime
import FirnTraining
import FirnWorlds

/// Examples a second of a world whose members have a core each, beside those of one of them alone: by processes where a
/// launcher of MPI has started them, else by two threads.
enum WorldsBenchmark {
  /// Rounds of both, in turns.
  private static let rounds = 3
  private static let works = ["lstm-512/all", "resnet-18-224/all", "resnet-18-224/body"]

  static func run() throws {
    let world = try World.mpi()
    if world.size > 1 {
      try measure(in: world)
    } else {
      _ = try World.runInThreads(2, patience: 600) { try measure(in: $0) }
    }
  }

  @Sendable private static func measure(in world: World) throws {
    if world.rank == 0 {
      print(
        "row                  members   alone, 1/s   together, 1/s   times   exchanged, bytes   waiting of a step"
      )
    }
    for row in WorkRow.all where works.contains(row.name) { try measure(row, in: world) }
  }

  private static func measure(_ row: WorkRow, in world: World) throws {
    let alone = try Stepper(row, in: .alone)
    let together = try Stepper(row, in: world)
    // As many steps for all as take some seconds by the first.
    let wanted = max(5, min(200, Int(4 / max(1e-3, try alone.seconds(of: 2) / 2))))
    let steps = Int(try world.gather("\(wanted)").first ?? "") ?? 5
    _ = try together.seconds(of: 2)
    var best = (alone: Double.infinity, together: Double.infinity)
    var bytes = 0
    for _ in 0..<rounds {
      try world.meet()
      if world.rank == 0 { best.alone = min(best.alone, try alone.seconds(of: steps)) }
      try world.meet()
      let before = world.trafficSoFar.reducedBytes
      best.together = min(best.together, try together.seconds(of: steps))
      bytes = (world.trafficSoFar.reducedBytes - before) / steps
    }
    guard world.rank == 0 else { return }
    let examples = Double(steps * row.work.batch)
    let (one, all) = (examples / best.alone, examples * Double(world.size) / best.together)
    print(
      row.name.padded(to: 20), column(Double(world.size), digits: 0), column(one), column(all),
      column(all / one), column(Double(bytes), digits: 0), column(1 - best.alone / best.together))
  }
}

/// Steps of a row on one thread, as a member of a world or alone.
private struct Stepper {
  private let session: Session
  private let program: Program
  private let feeds: Feeds

  init(_ row: WorkRow, in world: World) throws {
    let graph = Graph()
    let (loss, inputs) = row.work.build(graph)
    session = try Session(graph, threads: 1, world: world)
    session.onWarning = { _ in }
    program = try session.compile(
      minimizing: loss, with: Adam(learningRate: 0.001), freezing: row.row.freezing)
    feeds = Feeds(try inputs.map { ($0.tensor.name, try $0.noise()) })
  }

  func seconds(of steps: Int) throws -> Double {
    let start = ContinuousClock.now
    for _ in 0..<steps { _ = try session.run(program, feeding: feeds) }
    return start.duration(to: .now) / .seconds(1)
  }
}
