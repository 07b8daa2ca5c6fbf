import Firn
import FirnDigits

// Transfer on real data: a small CNN learns the digits 0 to 4; then 5 to 9 from few examples of each.
//
//     DigitsTransfer [--quick] [FILE.svg]
//
// The protocol was fixed before a test image was looked at:
//
// | | |
// | --- | --- |
// | split | a quarter of each digit's images are for testing, by the seed; nothing else ever sees them |
// | pretraining | all other images of 0 to 4, Adam at 0.003, batches of 50 |
// | learning | 5, 10 or 50 images each of 5 to 9, drawn by the seed, the same for every way; the same optimiser |
// | from scratch | as many steps as pretraining and learning together, on the few images |
// | result | accuracy on the test images of 5 to 9 after the last step; no step, rate or seed is chosen by it |
reportingErrors {
  let isQuick = CommandLine.arguments.contains("--quick")
  let path = CommandLine.arguments.dropFirst().first { !$0.hasPrefix("--") }
  let seeds: ClosedRange<UInt64> = isQuick ? 1...3 : 1...10
  let (pretrainingSteps, learningSteps) = isQuick ? (40, 20) : (300, 300)
  let sizes = [5, 10, 50]
  let ways = ["trunk frozen", "all trained", "from scratch"]

  let digits = try DigitsData.load()
  /// By way and size, one accuracy for each seed.
  var results = ways.map { _ in sizes.map { _ in [Double]() } }
  var isTrunkUnchanged = true

  for seed in seeds {
    let old = try digits.split(classes: 0...4, testFraction: 0.25, seed: seed)
    let new = try digits.split(classes: 5...9, testFraction: 0.25, seed: seed)
    let pretrained = try Learner(digits, seed: seed)
    try pretrained.train(0, on: old.train, steps: pretrainingSteps)
    if seed == seeds.lowerBound {
      print("pretrained, accuracy on 0-4: \(try pretrained.accuracy(0, on: old.test))")
    }
    for (column, size) in sizes.enumerated() {
      let few = (UInt8(5)...9).flatMap { label in
        let members = new.train.filter { digits.labels[$0] == label }
        return Shuffle(seed: seed, stream: UInt64(100 + label)).order(members.count).prefix(size).map {
          members[$0]
        }
      }
      let head = try Learner(digits, seed: seed, from: pretrained)
      let trunk = try head.session.snapshot("trunk")
      let partly = try head.train(1, on: few, steps: learningSteps, freezing: "trunk")
      let changed = try head.session.snapshot("trunk").changed(since: trunk)
      isTrunkUnchanged = isTrunkUnchanged && changed.isEmpty

      let all = try Learner(digits, seed: seed, from: pretrained)
      let whole = try all.train(1, on: few, steps: learningSteps)

      let scratch = try Learner(digits, seed: seed)
      try scratch.train(1, on: few, steps: pretrainingSteps + learningSteps)
      for (way, learner) in [head, all, scratch].enumerated() {
        results[way][column].append(try learner.accuracy(1, on: new.test))
      }

      if seed == seeds.lowerBound, column == 0 {
        for (way, program) in [(0, partly), (1, whole)] {
          let flops = program.cost.flops(.backward, binding: ["batch": 25]) ?? 0
          let count = program.trained.reduce(0) { $0 + $1.elementCount }
          print("\(ways[way]): \(count) parameters trained, \(flops) backward FLOPs a step of 25 images")
        }
      }
    }
  }
  print("the frozen trunk kept its bits: \(isTrunkUnchanged)")

  print("accuracy on 5-9 by examples of each digit, %, mean ± standard deviation of \(seeds.count) seeds:")
  print(Table.row("", sizes.map { "\($0)" }))
  for (way, row) in zip(ways, results) {
    print(Table.row(way, row.map { Spread($0.map { 100 * $0 }).description }))
  }
  // Seed by seed: the same split, the same few images.
  for other in 1..<ways.count {
    print("\(ways[0]) less \(ways[other]), mean ± two standard errors:")
    for (column, size) in sizes.enumerated() {
      let difference = Spread(zip(results[0][column], results[other][column]).map { 100 * ($0 - $1) })
      let doubt = difference.doubt
      let verdict =
        difference.mean < -doubt ? "worse" : difference.mean > doubt ? "better" : "no clear difference"
      print("  \(size): \(Spread.rounded(difference.mean)) ± \(Spread.rounded(doubt)): \(verdict)")
    }
  }

  if let path {
    var chart = LineChart(
      title: "Digits 5-9 from few examples, mean of \(seeds.count) seeds", xLabel: "examples of each digit",
      yLabel: "accuracy, %")
    for (way, row) in zip(ways, results) {
      let points = zip(sizes, row).map { LineChart.Point(Double($0), Spread($1.map { 100 * $0 }).mean) }
      chart.series.append(.init(way, points: points))
    }
    try chart.write(to: path)
    print("wrote \(path)")
  }
}
