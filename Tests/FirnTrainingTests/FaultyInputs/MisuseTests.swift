import FirnCompiler
import FirnFormats
import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining
import Testing

/// Every public entry that takes a number, with the numbers it may not be given.
@Suite struct MisuseTests {
  static let integers = [
    Int.min, .min + 1, -(1 << 62), -(1 << 31) - 1, -2, -1, 0, 1, 2, 3, 1 << 16, 1 << 30, 1 << 31, 1 << 40,
    1 << 56,
    1 << 62, .max - 1, .max,
  ]
  static let reals = [
    Double.nan, -.infinity, .infinity, -1, -0.0, 0, 1, 2, 1e300, -1e300, .leastNonzeroMagnitude,
    .greatestFiniteMagnitude,
  ]

  @Test(arguments: (entriesOfIntegers + shapes + takingMemory).map(\.name))
  func integers(_ name: String) throws {
    for entry in Self.entriesOfIntegers where entry.name == name { try entry.attempt(with: Self.integers) }
    // What takes memory is not given what a machine may well have.
    let extremes = Self.integers.filter { !(1 << 17..<1 << 40).contains($0) }
    for entry in Self.shapes + Self.takingMemory where entry.name == name {
      try entry.attempt(with: extremes)
    }
  }

  @Test(arguments: entriesOfReals.map(\.name)) func reals(_ name: String) throws {
    for entry in Self.entriesOfReals where entry.name == name { try entry.attempt(with: Self.reals) }
  }

  // MARK: Integers

  private static let entriesOfIntegers: [Misuse<Int>] =
    axes + parts + images + layers + counts

  private static let shapes: [Misuse<Int>] = [
    .building("placeholder") { [$0.graph.placeholder("p", shape: [Dim($1), "batch"])] },
    .building("variable") { [$0.graph.variable("v", shape: [Dim($1), 2])] },
    .building("variable, squared") { [$0.graph.variable("v", shape: [Dim($1), Dim($1)])] },
    .building("broadcast") { [$0.loss.broadcast(to: [Dim($1), 3]) + 1] },
    .building("broadcast, named") { [$0.x.sum(axes: [1]).broadcast(to: [Dim($1), "batch"]) + 1] },
    .building("reshape") { [$0.x.reshaped(to: [Dim($1), 3])] },
    .building("iota") { [$0.graph.iota(Dim($1))] },
    .building("extent") { [$0.graph.extent(Dim($1)), $0.graph.extent(Dim($1) * "batch")] },
    .building("one hot") { [oneHot($0.ids, depth: Dim($1))] },
    .building("random") { [$0.graph.randomUniform([Dim($1)]), $0.graph.randomNormal([Dim($1), "batch"])] },
    .building("dimension arithmetic") { bench, number in
      let batch: Dim = "batch"
      return [
        bench.graph.iota(batch * Dim(number)), bench.graph.iota(batch + Dim(number)),
        bench.graph.iota(Dim(number) - batch), bench.graph.iota(batch * batch * Dim(number)),
      ]
    },
    .building("length of a loop") { bench, number in
      let loop = scan(length: Dim(number), in: bench.graph) { ScanResult(carries: [], outputs: [$0.index]) }
      return loop.outputs
    },
    .building("named length of a loop") { bench, number in
      let length: Dim = "batch"
      let loop = scan(initial: [bench.loss], length: length + Dim(number)) {
        ScanResult(carries: [$0.carries[0] + 1], outputs: [$0.index])
      }
      return loop.carries + loop.outputs
    },
    .building("segments of a loop") { bench, number in
      let loop = scan(over: [bench.series], initial: [bench.loss], recomputation: .every(number)) {
        ScanResult(carries: [$0.carries[0] + $0.slices[0].sum()])
      }
      let other = scan(initial: [bench.loss], length: 7, recomputation: .every(number)) {
        ScanResult(carries: [$0.carries[0] + 1])
      }
      return loop.carries + other.carries
    },
  ]

  private static let axes: [Misuse<Int>] = [
    .building("sum") { [$0.x.sum(axes: [$1])] },
    .building("transpose") { [$0.x.transposed([$1, 0])] },
    .building("reverse") { [$0.x.reversed(axes: [$1])] },
    .building("argmax") { [$0.x.argmax(axis: $1)] },
    .building("softmax") { [softmax($0.x, axis: $1)] },
    .building("gather") { [gather($0.x, indices: $0.ids, axis: $1)] },
    .building("concatenate") { [concatenate([$0.x, $0.x], axis: $1)] },
    .building("stack") { [stack([$0.x, $0.x], axis: $1)] },
    .building("expand") { [$0.x.expandingAxis(at: $1)] },
    .building("squeeze") { [$0.x.expandingAxis(at: 0).squeezed(axes: [$1])] },
    .building("axis of a slice") { [$0.x.sliced(axis: $1, to: 1)] },
    .building("axis of a split") { $0.x.split(into: 3, axis: $1) + [$0.x] },
    .building("axis unstacked") { $0.x.unstacked(axis: $1) + [$0.x] },
    .building("extent of an axis") { [$0.graph.iota($0.x.extent($1))] },
  ]

  private static let parts: [Misuse<Int>] = [
    .building("start of a slice") {
      [$0.x.sliced(axis: 1, from: Dim($1)), $0.x.sliced(axis: 0, from: Dim($1))]
    },
    .building("end of a slice") { [$0.x.sliced(axis: 1, to: Dim($1)), $0.x.sliced(axis: 0, to: Dim($1))] },
    .building("step of a slice") { [$0.x.sliced(axis: 1, by: $1)] },
    .building("step over a named axis") { [$0.x.sliced(axis: 0, by: $1)] },
    .building("slice of what is long") { bench, number in
      [bench.graph.placeholder("long", shape: [Dim(number)]).sliced(axis: 0, by: 2)]
    },
    .building("slices") {
      [$0.x.sliced(starts: [0, Dim($1)], limits: ["batch", Dim($1)], steps: [1, $1])]
    },
    .building("padding") { [$0.x.padded(low: [0, Dim($1)], high: [Dim($1), 0])] },
    .building("padding, both") { [$0.x.padded(low: [Dim($1), Dim($1)], high: [Dim($1), Dim($1)])] },
    .building("parts of a split") { $0.x.split(into: $1, axis: 1) + [$0.x] },
    .building("sizes of a split") { $0.x.split(sizes: [Dim($1), 3], axis: 1) },
    .building("padded and cut") { bench, number in
      [bench.x.padded(low: [0, 0], high: [0, Dim(number)]).sliced(axis: 1, from: Dim(number), by: 2)]
    },
    .building("gradient of a slice") { bench, number in
      let part = bench.x.sliced(axis: 1, from: Dim(number)).sum()
      return bench.graph.gradients(of: [part], withRespectTo: [bench.x])
    },
  ]

  private static func image(_ bench: Workbench) -> Tensor {
    bench.x.broadcast(to: [2, 5, "batch", 3]).transposed([2, 0, 1, 3])
  }

  private static let images: [Misuse<Int>] = [
    .building("kernel of a convolution") { bench, number in
      [conv2d(image(bench), bench.graph.variable("k", shape: [1, 1, 3, Dim(number)]))]
    },
    .building("strides") {
      [conv2d(image($0), $0.graph.variable("k", shape: [1, 2, 3, 4]), strides: (1, $1))]
    },
    .building("dilation") { bench, number in
      [
        conv2d(
          image(bench), bench.graph.variable("k", shape: [2, 2, 3, 4]), padding: .same,
          dilation: (number, number))
      ]
    },
    .building("padding of images") { bench, number in
      let padding = Padding2D.symmetric(number, number)
      return [conv2d(image(bench), bench.graph.variable("k", shape: [2, 2, 3, 4]), padding: padding)]
    },
    .building("groups") { [conv2d(image($0), $0.graph.variable("k", shape: [1, 1, 1, 3]), groups: $1)] },
    .building("windows") { [maxPool2d(image($0), window: ($1, $1), padding: .same, roundsUp: true)] },
    .building("means") { [averagePool2d(image($0), window: (1, $1), strides: ($1, 1))] },
    .building("adaptive means") { [adaptiveAveragePool2d(image($0), to: ($1, $1))] },
    .building("upsampled") { [resize(image($0), to: ($1, $1), .bilinear())] },
    .building("upsampled by") { [upsample(image($0), by: ($1, $1), .bilinear())] },
  ]

  private static let layers: [Misuse<Int>] = [
    .building("dense") { [Dense($1)($0.x)] },
    .building("embedding") { [Embedding(count: $1, width: 3)($0.ids)] },
    .building("embedding's width") { [Embedding(count: 3, width: $1)($0.ids)] },
    .building("padding index") { [Embedding(count: 3, width: 2, paddingIndex: $1)($0.ids)] },
    .building("table with a padding index") { [Embedding(count: $1, width: 2, paddingIndex: 0)($0.ids)] },
    .building("lstm") { [LSTM($1)($0.x.expandingAxis(at: 1))] },
    .building("gru") { [GRU($1)($0.x.expandingAxis(at: 1))] },
    .building("layers") { [LSTM(2, layers: $1 < 100 || $1 > 5000 ? $1 : 2)($0.x.expandingAxis(at: 1))] },
    .building("features") { [Conv2D($1, kernel: 1)(image($0))] },
    .building("kernel's size") { [Conv2D(2, kernel: $1)(image($0))] },
    .building("group norm") { [GroupNorm(groups: $1)(image($0))] },
  ]

  private static let takingMemory: [Misuse<Int>] = [
    Misuse("zeros") {
      _ = try NDArray(zeros: [$1]).shape; _ = $0
    },
    Misuse("zeros, squared") {
      _ = try NDArray(zeros: [$1, $1]).shape; _ = $0
    },
    Misuse("array's shape") {
      _ = try NDArray([1, 2, 3] as [Float], shape: [$1]); _ = $0
    },
    Misuse("array reshaped") {
      _ = try noise([2, 3]).reshaped(to: [$1, 3]); _ = $0
    },
    Misuse("array broadcast") {
      _ = try noise([1]).broadcast(to: [$1, 1]); _ = $0
    },
    Misuse("array transposed") {
      _ = try noise([2, 3]).transposed([$1, 0]); _ = $0
    },
    Misuse("array sliced") {
      _ = try noise([2, 3]).sliced(axis: 1, from: $1); _ = $0
    },
    Misuse("array sliced to") {
      _ = try noise([2, 3]).sliced(axis: $1, from: 0, to: $1); _ = $0
    },
    Misuse("element") {
      _ = try noise([2, 3]).element(at: $1); _ = $0
    },
    Misuse("element of an axis") {
      _ = try noise([2, 3]).element(axis: $1, at: $1); _ = $0
    },
    Misuse("rows") {
      _ = try noise([2, 3]).rows([0, $1]); _ = $0
    },
    Misuse("array's sum") {
      _ = try noise([2, 3]).sum(axes: [$1]); _ = $0
    },
    Misuse("empty array's sums") {
      _ = try NDArray(zeros: [0, max($1, 0)]).sum(axes: [0]); _ = $0
    },
    Misuse("arrays joined") {
      _ = try concatenate([noise([2, 3]), noise([2, 3])], axis: $1); _ = $0
    },
    Misuse("first values") {
      _ = try Initializer.uniform().values(shape: [$1]); _ = $0
    },
    Misuse("matrix of first values") {
      _ = try Initializer.identity().values(shape: [2, $1]); _ = $0
    },
    Misuse("planned dimensions") { bench, number in
      _ = try bench.session.arenaBytes(of: bench.program, binding: ["batch": number])
    },
    Misuse("columns of first values") { bench, number in
      _ = bench.graph.variable(
        "v", shape: [2, 3], initializer: .columns([(number, .zeros), (number, .ones)]))
      _ = try Session(bench.graph)
    },
  ]

  private static let counts: [Misuse<Int>] = [
    Misuse("examples") { bench, number in
      let data = try DataSet([bench.x: noise([7, 3]), bench.ids: labels(7, classes: 5)])
      #expect(data.batches(of: number, epoch: number, seed: 0).flatMap(\.self).count == 7)
      _ = try data.feeds([number])
    },
    Misuse("epochs and batches") { bench, number in
      let data = try DataSet([bench.x: noise([7, 3]), bench.ids: labels(7, classes: 5)])
      let program = try bench.session.compile(fetching: [bench.loss])
      try Trainer(program, in: bench.session).fit(data, epochs: number, batchSize: number)
    },
    Misuse("where a run stopped") { bench, number in
      let own = try Workbench()
      let data = try DataSet([own.x: noise([7, 3]), own.ids: labels(7, classes: 5)])
      let program = try own.session.compile(minimizing: own.loss, with: SGD(learningRate: 0))
      let position = DataPosition(
        epoch: number, batch: number, step: number, seed: 0, batchSize: 2, count: number)
      try Trainer(program, in: own.session).fit(
        data, epochs: 1, batchSize: 2, from: position, upTo: number, every: number)
      _ = bench
    },
    Misuse("step of a checkpoint") { _ = try Checkpoint(of: $0.session, running: $0.program, step: $1) },
    Misuse("steps of a schedule") { bench, number in
      for schedule in [
        Schedule.steps(initial: 1, factor: 0.5, every: number), .cosine(initial: 1, over: number),
        .warmUp(over: number, then: .constant(1)),
      ] {
        _ = (schedule.rate(at: number), schedule.rate(at: 3), schedule.description)
        let own = try Workbench()
        _ = try own.session.compile(minimizing: own.loss, with: SGD(learningRate: schedule))
      }
      _ = bench
    },
    Misuse("selected children") {
      _ = try $0.session.snapshot(.first($1, of: "encoder") | .last($1, of: "encoder"))
    },
    Misuse("selected ranks") { _ = try $0.session.snapshot(.rank(.greater, $1)) },
    Misuse("selected rows") { bench, number in
      _ = try bench.session.snapshot(Selection.path("head/bias")[axis: number, max(number, 0)..<Int.max])
    },
    Misuse("kept plans") { bench, number in
      bench.session.keptPlanBytes = number
      let program = try bench.session.compile(fetching: [bench.loss])
      for batch in [7, 3, 7] {
        let feeds = try bench.feeds(["x": noise([batch, 3]), "ids": labels(batch, classes: 5)])
        try bench.session.run(program, feeding: feeds)
      }
    },
  ]

  // MARK: Reals

  private static let entriesOfReals: [Misuse<Double>] = [
    Misuse("first values") { bench, number in
      for (index, initializer) in [
        Initializer.constant(number), .uniform(number, 1), .uniform(-1, number), .normal(mean: number),
        .normal(deviation: number), .truncatedNormal(mean: number, deviation: number),
        .orthogonal(gain: number),
        .identity(gain: number), .varianceScaling(scale: number, mode: .fanIn, distribution: .normal),
        .columns([(2, .uniform(number))]),
      ].enumerated() {
        let graph = Graph()
        let variable = graph.variable("v\(index)", shape: [2, 2], initializer: initializer)
        guard let session = try? Session(graph) else { continue }
        let values = try session.value(of: variable).doubles
        #expect(values.allSatisfy { !$0.isNaN }, "\(initializer)")
      }
      _ = bench
    },
    .building("drawn numbers") { bench, number in
      [
        bench.graph.randomUniform([2], low: number, high: 1), bench.graph.randomUniform([2], high: number),
        bench.graph.randomNormal([2], mean: number), bench.graph.randomNormal([2], deviation: number),
      ]
    },
    .building("dropout") { [Dropout($1)($0.x)] },
    .building("constants") {
      [$0.graph.constant($1), $0.graph.constant($1, dtype: .i32), $0.x + $1, $0.x * $1]
    },
    .building("padding's value") { [$0.x.padded(low: [0, 0], high: [0, 1], value: $1)] },
    .building("one hot's values") { [oneHot($0.ids, depth: 3, on: $1, off: $1, dtype: .i32)] },
    .building("numbers beside integers") { [$0.ids + $1] },
    Misuse("learning rates") { bench, number in
      let own = try Workbench()
      _ = try own.session.compile(minimizing: own.loss, with: SGD(learningRate: .constant(number)))
      _ = bench
    },
    Misuse("clipping norms") { bench, number in
      _ = try bench.session.compile(minimizing: bench.loss, with: FirnTraining.Adam(), clippingNorm: number)
    },
    Misuse("metrics") { _ = try Checkpoint(of: $0.session, running: $0.program, step: 1, metric: $1) },
    Misuse("selected counts") { _ = try $0.session.snapshot(.count(.less, $1)) },
    Misuse("arrays and numbers") {
      _ = try (noise([2]) + $1, NDArray([1] as [Int32]) * $1); _ = $0
    },
  ]
}
