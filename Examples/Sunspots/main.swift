import Firn
import Foundation

// Transfer on real data: a forecaster learns two centuries of sunspots, then the last one with its encoder frozen.
//
//     Sunspots [--quick] [FILE.svg]
//     Sunspots --write-data FOLDER      the graph and the tables, for `firn train`
//
// From 22 years the next 11 are told. The protocol was fixed before the held-out years were looked at:
//
// | years told | for |
// | --- | --- |
// | 1722–1899 | pretraining |
// | 1900–1954 | adapting |
// | 1955–1979 | choosing the epoch at which a training ends |
// | 1980–2008 | held out: only measured |
//
// "From scratch" is the same model with random weights, trained on the adapting years alone, as long and with the same
// choice of its end. What comes out is printed as it is.
reportingErrors {
  let arguments = CommandLine.arguments.dropFirst()
  let isQuick = arguments.contains("--quick")
  let path = arguments.last { !$0.hasPrefix("--") }
  let seeds: ClosedRange<UInt64> = isQuick ? 1...3 : 1...7
  let (pretrainingEpochs, adaptingEpochs) = isQuick ? (30, 20) : (600, 400)

  let sunspots = try SunspotNumbers()
  let told = SunspotNumbers.told
  let years = [
    "early": 1722...1900 - told, "late": 1900...1955 - told, "choosing": 1955...1980 - told,
    "heldout": 1980...2009 - told,
  ]
  if arguments.contains("--write-data"), let path {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let model = try Forecaster(seed: 1)
    try model.graph.write(to: path + "/sunspots.firn", loss: model.loss)
    for (name, origins) in years {
      try sunspots.table(origins).write(toFile: "\(path)/\(name).csv", atomically: true, encoding: .utf8)
    }
    return print("wrote sunspots.firn, early.csv, late.csv, choosing.csv and heldout.csv to \(path)")
  }
  let origins = 1980...2009 - told
  let windows = try years.mapValues { try sunspots.windows($0) }
  guard let early = windows["early"], let late = windows["late"], let choosing = windows["choosing"],
    let heldOut = windows["heldout"]
  else { return }

  var spreads = Errors(ways: [
    "pretrained, not adapted", "pretrained, encoder frozen", "pretrained, all trained", "from scratch",
  ])
  var drawn: [Int: [[Double]]] = [:]
  for seed in seeds {
    let pretrained = try Forecaster(seed: seed)
    try pretrained.train(on: early, validation: choosing, epochs: pretrainingEpochs, rate: 0.01)

    let partly = try Forecaster(seed: seed, from: pretrained)
    let encoder = try partly.session.snapshot("encoder")
    let part = try partly.train(
      on: late, validation: choosing, epochs: adaptingEpochs, rate: 0.003, freezing: "encoder")

    let wholly = try Forecaster(seed: seed, from: pretrained)
    let whole = try wholly.train(on: late, validation: choosing, epochs: adaptingEpochs, rate: 0.003)

    let scratch = try Forecaster(seed: seed)
    try scratch.train(
      on: late, validation: choosing, epochs: pretrainingEpochs + adaptingEpochs, rate: 0.01)

    for (way, model) in [pretrained, partly, wholly, scratch].enumerated() {
      spreads.add(try model.error(on: heldOut), to: way)
      drawn[way, default: []].append(try model.forecasts(heldOut).flatMap { $0 })
    }
    guard seed == seeds.lowerBound else { continue }
    print("trained:", part.trained.map(\.name).joined(separator: ", "))
    let changed = try partly.session.snapshot("encoder").changed(since: encoder)
    print("the frozen encoder kept its bits:", changed.isEmpty)
    let size: DimBinding = ["batch": late.count]
    print(
      "backward FLOPs a step:", part.cost.flops(.backward, binding: size) ?? 0, "with the encoder frozen,",
      whole.cost.flops(.backward, binding: size) ?? 0, "without")
    print("errors of seed \(seed):", try pretrained.error(on: heldOut), try partly.error(on: heldOut))
  }

  print("root mean squared error over the held-out years, \(heldOut.count) forecasts of \(told) years:")
  spreads.print(beside: [
    // What needs no learning: the last year goes on, or the last cycle comes again.
    ("persistence: the last year", sunspots.error(origins) { origin, _ in sunspots[origin - 1] }),
    ("persistence: the last cycle", sunspots.error(origins) { _, year in sunspots[year - told] }),
  ])

  if let path {
    var chart = LineChart(
      title: "Sunspots: 11 years told from the 22 before", xLabel: "year", yLabel: "sunspot number")
    chart.series.append(
      .init("observed", points: (1960...2008).map { .init(Double($0), sunspots[$0]) }))
    for (way, name) in [(1, "pretrained, encoder frozen"), (3, "from scratch")] {
      let rows = drawn[way] ?? []
      var points: [LineChart.Point] = []
      for origin in [1980, 1991] {
        points += (0..<told).map { year in
          let sum = rows.reduce(0) { $0 + $1[(origin - 1980) * told + year] }
          return .init(Double(origin + year), sum / Double(rows.count))
        }
        points.append(.init(Double(origin + told), .nan))
      }
      chart.series.append(.init(name, points: points))
    }
    try chart.write(to: path)
    print("wrote \(path)")
  }
}
