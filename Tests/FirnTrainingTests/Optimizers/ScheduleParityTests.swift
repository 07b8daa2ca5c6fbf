import FirnGraph
import FirnOps
import FirnRuntime
import Foundation
import Testing

@testable import FirnTraining

/// Rates step by step against PyTorch's schedulers; `Fixtures/make_schedules.py` made the numbers.
@Suite struct ScheduleParityTests {
  private let fixture: [String: [Double]]

  init() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/schedules.json"))
    fixture = try JSONDecoder().decode([String: [Double]].self, from: data)
  }

  static let schedules: [(String, Schedule)] = [
    ("exponential", .exponential(initial: 0.1, factor: 0.9)),
    ("polynomial", .polynomial(initial: 0.1, power: 1.5, over: 40)),
    ("restarts", .cosineRestarts(initial: 0.1, final: 0.001, first: 7)),
    ("doubled", .cosineRestarts(initial: 0.1, final: 0.001, first: 5, multiplier: 2)),
    ("oneCycle", .oneCycle(peak: 0.1, over: 50)),
  ]

  /// As a number, and as what the program takes: w falls by the rate each step, its gradient being 1.
  @Test(arguments: schedules) func ratesArePyTorchs(_ name: String, _ schedule: Schedule) throws {
    let rates = try #require(fixture[name])
    let taken = try takenRates(schedule, steps: rates.count)
    for (step, rate) in rates.enumerated() {
      #expect(abs(schedule.rate(at: step) - rate) <= 1e-12, "\(name), step \(step)")
      #expect(abs(taken[step] - rate) <= 1e-12, "\(name), step \(step): \(taken[step]), not \(rate)")
    }
  }

  private func takenRates(_ schedule: Schedule, steps: Int) throws -> [Double] {
    let graph = Graph()
    let w = graph.variable("w", shape: [], dtype: .f64, initializer: .zeros)
    let session = try quietSession(graph)
    let program = try session.compile(minimizing: w, with: SGD(learningRate: schedule))
    return try (0..<steps).map { _ in
      let before = try session.value(of: "w").scalar ?? 0
      try session.run(program)
      return before - (try session.value(of: "w").scalar ?? 0)
    }
  }

  @Test func functionsAndTables() throws {
    let schedule = Schedule.function(over: 4) { 0.5 / Double($0 + 1) }
    let expected = [0.5, 0.25, 0.5 / 3, 0.125, 0.125, 0.125]
    #expect((0..<6).map { schedule.rate(at: $0) } == expected)
    for (rate, taken) in zip(expected, try takenRates(schedule, steps: 6)) {
      #expect(abs(rate - taken) < 1e-15)
    }
    let warm = Schedule.warmUp(over: 2, then: .onPlateau(schedule))
    for (step, taken) in try takenRates(warm, steps: 7).enumerated() {
      #expect(abs(warm.rate(at: step) - taken) < 1e-15)
    }
    for faulty in [Schedule.table([]), .table([1, .nan]), .table([1, -1]), .oneCycle(peak: 1, over: 0)] {
      #expect(throws: FirnError.self, "\(faulty)") { try takenRates(faulty, steps: 1) }
    }
  }

  @Test func plateausArePyTorchs() throws {
    let values = try #require(fixture["values"])
    func factors(_ rule: ReduceOnPlateau, _ monitor: Monitor, _ values: [Double]) -> [Double] {
      var memory = ReduceOnPlateau.Memory()
      return values.map {
        _ = rule.take($0, monitor, into: &memory)
        return memory.scale
      }
    }
    func close(_ a: [Double], _ name: String) -> Bool {
      let b = fixture[name] ?? []
      return a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-12 }
    }
    #expect(close(factors(.init(factor: 0.5, patience: 2), Monitor(), values), "plateau"))
    #expect(
      close(
        factors(.init(factor: 0.1, patience: 1, cooldown: 2, minimumFactor: 0.05), Monitor(), values),
        "cooling"))
    // After a fall, two epochs without gain count for nothing.
    #expect(
      factors(.init(factor: 0.5, patience: 0, cooldown: 2), Monitor(), Array(repeating: 1, count: 8))
        == [1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125])
    #expect(
      close(
        factors(.init(factor: 0.5, patience: 2), Monitor("accuracy", goal: .highest), values.map { -$0 }),
        "highest"))
  }
}
