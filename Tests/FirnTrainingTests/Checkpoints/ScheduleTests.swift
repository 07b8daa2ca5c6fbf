import FirnNotation
import FirnGraph
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Rates that change, in the program and as numbers.
@Suite struct ScheduleTests {
  private static let schedules: [Schedule] = [
    .constant(0.25), .steps(initial: 0.5, factor: 0.5, every: 3), .cosine(initial: 0.5, final: 0.1, over: 6),
    .warmUp(over: 4, then: .cosine(initial: 0.5, over: 5)),
    .warmUp(over: 2, then: .steps(initial: 1, factor: 0.1, every: 2)),
    .cosine(initial: 1, over: 0), .warmUp(over: 0, then: .constant(0.5)),
    .cosine(initial: 1, final: 0.25, over: 0), .polynomial(initial: 1, final: 0.25, power: 2, over: 0),
  ]

  @Test func valuesOfTheFormulas() {
    let steps = Schedule.steps(initial: 0.5, factor: 0.5, every: 3)
    #expect((0..<8).map(steps.rate) == [0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125])
    let cosine = Schedule.cosine(initial: 0.5, final: 0.1, over: 4)
    #expect(cosine.rate(at: 0) == 0.5 && abs(cosine.rate(at: 2) - 0.3) < 1e-15)
    #expect(cosine.rate(at: 4) == 0.1 && cosine.rate(at: 1000) == 0.1)
    // At its end from the first step on.
    #expect(Schedule.cosine(initial: 0.5, final: 0.1, over: 0).rate(at: 0) == 0.1)
    #expect(Schedule.polynomial(initial: 0.5, final: 0.1, power: 2, over: 0).rate(at: 0) == 0.1)
    let warm = Schedule.warmUp(over: 4, then: .constant(1))
    #expect((0..<6).map(warm.rate) == [0.25, 0.5, 0.75, 1, 1, 1])
  }

  /// A gradient of one everywhere: each step of descent is the rate.
  @Test(arguments: schedules) func programsFollowTheFormula(_ schedule: Schedule) throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [], dtype: .f64, initializer: .zeros)
    let late = graph.variable("late", shape: [], dtype: .f64, initializer: .zeros)
    let session = try quietSession(graph)
    let sgd = SGD(learningRate: schedule)
    var program = try session.compile(minimizing: w + late, with: sgd, freezing: "late")
    var value = 0.0
    for step in 0..<12 {
      if step == 6 { program = try session.compile(minimizing: w + late, with: sgd) }
      try session.run(program)
      let next = try #require(try session.value(of: w).scalar)
      #expect(abs((value - next) - schedule.rate(at: step)) < 1e-15, "step \(step)")
      value = next
    }
    // One that is thawed late has the rate the others have.
    let moved = (6..<12).reduce(0.0) { $0 + schedule.rate(at: $1) }
    #expect(try abs(#require(session.value(of: late).scalar) + moved) < 1e-14)
    #expect(session.variables.map(\.name).contains("sgd/step") == (schedule != .constant(0.25)))
  }

  /// Adam's own bias correction is that of each variable, its rate that of the program.
  @Test func adamFollowsTheSchedule() throws {
    let graph = Graph()
    let w = graph.variable("w", shape: [], dtype: .f64, initializer: .zeros)
    let session = try quietSession(graph)
    let schedule = Schedule.warmUp(over: 3, then: .constant(0.5))
    let program = try session.compile(
      minimizing: w, with: Adam(learningRate: schedule, epsilon: 1e-30, weightDecay: 0.1))
    var expected = 0.0
    for step in 0..<5 {
      try session.run(program)
      // Of a constant gradient both moments are corrected to one.
      expected -= schedule.rate(at: step) * (1 + 0.1 * expected)
    }
    #expect(try abs(#require(session.value(of: w).scalar) - expected) < 1e-12)
  }
}
