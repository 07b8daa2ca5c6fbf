import Firn

// Transfer on real data: a forecaster learns two centuries of sunspots, then the last one with its encoder frozen.
//
//     Sunspots [--quick] [FILE.svg]
//
// From 22 years the next 11 are told. The protocol was fixed before the held-out years were looked at:
//
// | years told | for |
// | --- | --- |
// | 1722–1899 | pretraining |
// | 1900–1954 | adapting |
// | 1955–1979 | choosing the step at which a training ends |
// | 1980–2008 | held out: only measured |
//
// "From scratch" is the same model with random weights, trained on the adapting years alone, as long and with the same
// choice of its end. What comes out is printed as it is.
reportingErrors {
  let isQuick = CommandLine.arguments.contains("--quick")
  let path = CommandLine.arguments.dropFirst().first { !$0.hasPrefix("--") }
  let seeds: ClosedRange<UInt64> = isQuick ? 1...3 : 1...7
  let (pretrainingSteps, adaptingSteps) = isQuick ? (30, 20) : (600, 400)

  let sunspots = try SunspotNumbers()
  let told = SunspotNumbers.told
  let early = try sunspots.windows(1722...1900 - told)
  let adapting = try sunspots.windows(1900...1955 - told)
  let choosing = try sunspots.windows(1955...1980 - told)
  let heldOut = try sunspots.windows(1980...2009 - told)

  /// The errors of one way to forecast, one for each seed.
  struct Errors {
    var name: String
    var values: [Double]
    var mean: Double { values.reduce(0, +) / Double(values.count) }
  }
  func rounded(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
  func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  let names = [
    "pretrained, not adapted", "pretrained, encoder frozen", "pretrained, all trained", "from scratch",
  ]
  var errors = names.map { Errors(name: $0, values: []) }
  var drawn = names.map { _ in [[Double]](repeating: [], count: heldOut.origins.count) }
  for seed in seeds {
    let pretrained = try Forecaster(seed: seed)
    _ = try pretrained.train(on: early, validation: choosing, steps: pretrainingSteps, learningRate: 0.01)
    let start = try pretrained.session.snapshot()

    var forecasts = [try pretrained.forecasts(heldOut)]
    let partly = try pretrained.train(
      on: adapting, validation: choosing, steps: adaptingSteps, learningRate: 0.003, freezing: "encoder")
    forecasts.append(try pretrained.forecasts(heldOut))
    if seed == seeds.lowerBound {
      let encoder = try pretrained.session.snapshot("encoder").changed(since: start)
      print("trained:", partly.trained.map(\.name).joined(separator: ", "))
      print("the frozen encoder kept its bits:", encoder.isEmpty)
    }

    try pretrained.session.restore(start)
    let whole = try pretrained.train(
      on: adapting, validation: choosing, steps: adaptingSteps, learningRate: 0.003)
    forecasts.append(try pretrained.forecasts(heldOut))
    if seed == seeds.lowerBound {
      let size: DimBinding = ["batch": adapting.origins.count]
      print(
        "backward FLOPs a step:", partly.cost.flops(.backward, binding: size) ?? 0,
        "with the encoder frozen,",
        whole.cost.flops(.backward, binding: size) ?? 0, "without")
    }

    let scratch = try Forecaster(seed: seed)
    _ = try scratch.train(
      on: adapting, validation: choosing, steps: pretrainingSteps + adaptingSteps, learningRate: 0.01)
    forecasts.append(try scratch.forecasts(heldOut))

    for (way, forecast) in forecasts.enumerated() {
      errors[way].values.append(sunspots.error(of: forecast))
      for (window, row) in forecast.enumerated() {
        let sum = drawn[way][window].isEmpty ? row.numbers.map { _ in 0 } : drawn[way][window]
        drawn[way][window] = zip(sum, row.numbers).map { $0 + $1 / Double(seeds.count) }
      }
    }
  }

  // What needs no learning: the last year goes on, or the last cycle comes again.
  let lastYear = heldOut.origins.map { year in (year, (0..<told).map { _ in sunspots[year - 1] }) }
  let lastCycle = heldOut.origins.map { year in (year, (0..<told).map { sunspots[year + $0 - told] }) }
  errors.append(Errors(name: "persistence: the last year", values: [sunspots.error(of: lastYear)]))
  errors.append(Errors(name: "persistence: the last cycle", values: [sunspots.error(of: lastCycle)]))

  print(
    "root mean squared error over the held-out years,",
    "\(heldOut.origins.count) forecasts of \(told) years:")
  print(padded("", 30) + "  mean  best  worst of \(seeds.count) seeds")
  for way in errors {
    let (best, worst) = (way.values.min() ?? 0, way.values.max() ?? 0)
    print(padded(way.name, 30), padded(rounded(way.mean), 5), padded(rounded(best), 5), rounded(worst))
  }
  // Seed by seed, since a difference of means that is smaller than the seeds' own spread says nothing.
  let frozen = errors[1]
  print("the frozen encoder's error less that of")
  for other in errors where other.name != frozen.name {
    let others = other.values.count > 1 ? other.values : seeds.map { _ in other.mean }
    let differences = zip(frozen.values, others).map { $0 - $1 }
    let count = Double(differences.count)
    let mean = differences.reduce(0, +) / count
    let spread = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    let doubt = 2 * (spread / count).squareRoot()
    let verdict = mean < -doubt ? "better" : mean > doubt ? "worse" : "no clear difference"
    print("  \(padded(other.name, 28)) \(rounded(mean)) ± \(rounded(doubt)): \(verdict)")
  }

  if let path {
    var chart = LineChart(
      title: "Sunspots: 11 years told from the 22 before", xLabel: "year", yLabel: "sunspot number")
    chart.series.append(
      .init("observed", points: (1960...2008).map { .init(Double($0), sunspots[$0]) }))
    for way in [1, 3] {
      var points: [LineChart.Point] = []
      for (window, origin) in heldOut.origins.enumerated() where [1980, 1991].contains(origin) {
        points += drawn[way][window].enumerated().map { .init(Double(origin + $0), $1) }
        points.append(.init(Double(origin + told), .nan))
      }
      chart.series.append(.init(names[way], points: points))
    }
    try chart.write(to: path)
    print("wrote \(path)")
  }
}
