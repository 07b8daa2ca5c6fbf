public import FirnCharts
public import FirnGraph
internal import FirnNotation
public import FirnRuntime

/// Which learning rates a model can bear: a short training at rates that grow from step to step (Smith, WACV 2017).
///
/// It leaves the session as it was: variables, optimisers' memory and random numbers.
///
///     let test = try RateRangeTest(in: session, on: batches, steps: 100) { schedule in
///       try session.compile(minimizing: loss, with: Adam(learningRate: schedule))
///     }
///     print(test)
public struct RateRangeTest: Hashable, Sendable {
  /// The rate of each step that was made.
  public let rates: [Double]
  /// The loss of each step before its update, smoothed as an exponential mean of 0.9 that is freed from its beginning.
  public let losses: [Double]

  /// Trains for a while.
  ///
  /// It ends when the loss is above its lowest by three times the size of that (four times a positive one), or not
  /// finite.
  ///
  /// - Parameters:
  ///   - source: batches, gone through again as often as it takes.
  ///   - first: the lowest rate, above 0.
  ///   - last: the highest.
  ///   - steps: how many there are from one to the other, at least 2.
  ///   - compile: makes the program of a schedule.
  /// - Throws: `.invalidArgument` for numbers that are not as said; what compiling and running throw.
  /// - Complexity: `steps` steps of training.
  public init(
    in session: Session, on source: any BatchSource, from first: Double = 1e-6, to last: Double = 1,
    steps: Int = 100, compiling compile: (Schedule) throws -> Program
  ) throws(FirnError) {
    guard first > 0, last > first, last.isFinite, steps >= 2 else {
      throw FirnError(
        .invalidArgument, "a range test from \(first) to \(last) in \(steps) steps",
        remedy: "give a rate above 0, a higher one, and at least 2 steps")
    }
    let factor = RealMath.power(last / first, 1 / Double(steps - 1))
    let schedule = Schedule.exponential(initial: first, factor: factor)
    let result = try session.undoing { () throws(FirnError) in
      let program = try FirnError.wrapping { try compile(schedule) }
      // Memory of before belongs to another schedule's count.
      try session.startOver(program)
      return try Self.run(program, in: session, source, steps)
    }
    losses = result
    rates = result.indices.map { schedule.rate(at: $0) }
  }

  private static func run(
    _ program: Program, in session: Session, _ source: any BatchSource, _ steps: Int
  ) throws(FirnError) -> [Double] {
    let name = try program.trainedLoss
    var (smooth, weight, lowest, losses) = (0.0, 1.0, Double.infinity, [Double]())
    var epoch = 0
    while losses.count < steps {
      let batches = try source.batches(for: session, running: program, ofEpoch: epoch, from: 0)
      let before = losses.count
      while losses.count < steps, let batch = try batches.next() {
        let loss = try session.run(program, feeding: batch.feeds, counts: batch.isCounted).scalar(name)
        (smooth, weight) = (0.9 * smooth + 0.1 * loss, weight * 0.9)
        let now = smooth / (1 - weight)
        guard now.isFinite, now <= lowest + 3 * abs(lowest) || losses.count < 2 else { return losses }
        losses.append(now)
        lowest = min(lowest, now)
      }
      guard losses.count > before else {
        throw FirnError(
          .invalidArgument, "epoch \(epoch) has no batches", remedy: "give a source that is not empty")
      }
      epoch += 1
    }
    return losses
  }

  /// The rate at which the loss falls fastest per decade; nil where it never falls.
  public var steepest: Double? {
    var best: (rate: Double, slope: Double)?
    for index in losses.indices.dropFirst() where losses[index] < losses[index - 1] {
      let slope = losses[index] - losses[index - 1]
      if slope < best?.slope ?? 0 { best = (rates[index], slope) }
    }
    return best?.rate
  }

  /// The rate at which the loss was lowest, beyond which training falls apart; nil where no step was made.
  public var lowest: Double? {
    losses.indices.min { losses[$0] < losses[$1] }.map { rates[$0] }
  }

  /// The losses over the logarithm of the rates.
  public var chart: LineChart {
    LineChart(
      title: "Learning-rate range test", xLabel: "log₁₀ of the rate", yLabel: "loss",
      series: [
        .init(
          "loss",
          points: zip(rates, losses).map { .init(RealMath.logarithm($0) / RealMath.logarithm(10), $1) })
      ])
  }
}

extension RateRangeTest: CustomStringConvertible {
  /// In one line: `86 rates from 1e-06 to 0.14: falls fastest at 0.0021, lowest at 0.031`.
  public var description: String {
    func text(_ rate: Double?) -> String { rate.map { NumberFormat.short($0) } ?? "none" }
    return "\(rates.count) rates from \(text(rates.first)) to \(text(rates.last)): falls fastest at "
      + "\(text(steepest)), lowest at \(text(lowest))"
  }
}
