import FirnCompiler
import FirnGraph
import FirnNotation
import FirnOps
import FirnRuntime
import Foundation
import Testing

@testable import FirnTraining

/// Splits, scaling, padded sequences, folders of pictures, range tests, norms.
@Suite struct DataSourceTests {
  private func numbered(_ count: Int) throws -> DataSet {
    try DataSet(["x": NDArray((0..<(2 * count)).map { Float($0) }, shape: [count, 2])])
  }

  private func ids(_ data: DataSet) throws -> [Int] { try data.array(of: "x").rows.map { Int($0[0]) / 2 } }

  /// Every example in one part, the same ones for the same seed.
  @Test func splitsAreDisjointAndWhole() throws {
    let data = try numbered(50)
    let split = try data.split(validation: 0.2, test: 0.1, seed: 4)
    let parts = [split.training, split.validation, split.test]
    #expect(parts.map(\.count) == [35, 10, 5])
    #expect(try parts.flatMap { try ids($0) }.sorted() == Array(0..<50))
    #expect(try ids(data.split(validation: 0.2, test: 0.1, seed: 4).test) == ids(split.test))
    #expect(try ids(data.split(validation: 0.2, test: 0.1, seed: 5).test) != ids(split.test))
    #expect(try data.split(test: 0.5, seed: 4).validation.count == 0)
  }

  /// Examples of one group never lie in two parts.
  @Test func groupsStayTogether() throws {
    let groups = (0..<50).map { ($0 * 7) % 11 }
    let split = try numbered(50).split(validation: 0.3, test: 0.3, seed: 1, groups: groups)
    let parts = try [split.training, split.validation, split.test].map { Set(try ids($0).map { groups[$0] }) }
    #expect(parts[0].isDisjoint(with: parts[1]) && parts[1].isDisjoint(with: parts[2]))
    #expect(parts[0].isDisjoint(with: parts[2]) && parts.reduce(0) { $0 + $1.count } == 11)
  }

  @Test func scalingIsOfTheTrainingPartAlone() throws {
    let rows = try noise([30, 3], "rows")
    let data = try DataSet(["x": rows, "y": labels(30, classes: 2)])
    let split = try data.split(validation: 0.3, seed: 2)
    let scale = try Standardization(of: split.training, columns: ["x"])
    let own = try scale.applied(to: split.training).array(of: "x").rows
    for column in 0..<3 {
      let mean = own.map { $0[column] }.reduce(0, +) / Double(own.count)
      let square = own.map { $0[column] * $0[column] }.reduce(0, +) / Double(own.count)
      #expect(abs(mean) < 1e-6 && abs(square - 1) < 1e-5)
    }
    let held = try scale.applied(to: split.validation)
    let plain = try split.validation.array(of: "x").rows[0]
    let column = scale.columns[0]
    #expect(
      try abs(held.array(of: "x").rows[0][1] - (plain[1] - column.means[1]) / column.deviations[1]) < 1e-6)
    #expect(try held.array(of: "y") == split.validation.array(of: "y"))
    // A feature that never changes is moved and not blown up.
    let flat = try Standardization(
      of: DataSet(["x": NDArray([3, 3, 3] as [Float], shape: [3, 1])]), columns: ["x"])
    #expect(flat.columns[0].deviations == [1])
    // Also where a mean of equal numbers rounds.
    for (value, count) in [(Float(0.1), 100), (0.5, 100), (255, 1000), (-7.3, 33)] {
      let column = try Standardization(
        of: DataSet(["x": NDArray([Float](repeating: value, count: count), shape: [count, 1])]),
        columns: ["x"]
      ).columns[0]
      #expect(column.deviations == [1] && column.means == [Double(value)], "\(value), \(count) times")
    }
    // Numbers whose squares are none, too large or too small.
    for unit in [1e200, 1e-200, 0x1p1020, 0x1p-1060] {
      let set = try DataSet(["x": NDArray([unit, 2 * unit, 3 * unit], shape: [3, 1])])
      let wide = try Standardization(of: set, columns: ["x"])
      let scaled = try wide.applied(to: set).array(of: "x").doubles
      #expect(
        zip(scaled, [-1.5.squareRoot(), 0, 1.5.squareRoot()]).allSatisfy { abs($0 - $1) < 1e-4 }, "\(unit)")
    }
    #expect(try error { _ = try Standardization(of: data, columns: ["y"]) }.code == .typeMismatch)
    #expect(try error { _ = try scale.applied(to: DataSet(["x": noise([2, 4])])) }.code == .shapeMismatch)
  }

  /// Scaled twice, a column would be another one in a model that scales it inside.
  @Test func aColumnIsScaledOnce() throws {
    let data = try DataSet(["x": noise([4, 2], "rows")])
    let fault = try error { _ = try Standardization(of: data, columns: ["x", "x"]) }
    #expect(fault.code == .duplicateName && fault.message.contains("`x` is named twice"), "\(fault)")
    let once = try JSONEncoder().encode(Standardization(of: data, columns: ["x"]))
    #expect(try JSONDecoder().decode(Standardization.self, from: once).columns.map(\.name) == ["x"])
    let text = String(decoding: once, as: UTF8.self)
    let column = text.dropFirst(#"{"columns":["#.count).dropLast(2)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(
        Standardization.self, from: Data(#"{"columns":[\#(column),\#(column)]}"#.utf8))
    }
  }

  @Test func scalingIsSavedWithTheModel() throws {
    try withFolder { url in
      let tower = Tower()
      let data = try tower.data(12)
      let scale = try Standardization(of: data, columns: [tower.x])
      let session = try tower.session()
      var trainer = Trainer(try session.compile(minimizing: tower.loss, with: Adam()), in: session)
      trainer.standardization = scale
      let folder = try CheckpointFolder(url.path)
      try trainer.train(on: scale.applied(to: data).inBatches(of: 4, seed: 1), epochs: 1, savingTo: folder)
      #expect(try folder.latest()?.standardization == scale)
    }
  }

  /// Each sequence once an epoch, filled up to the longest of its batch, and such of a length together.
  @Test func paddedBatches() throws {
    let lengths = (0..<40).map { 1 + ($0 * 13) % 17 }
    let arrays = try lengths.enumerated().map { index, length in
      try NDArray([Float](repeating: Float(index), count: 2 * length), shape: [length, 2])
    }
    func source(_ pool: Int) throws -> PaddedBatches {
      try PaddedBatches(
        ["x": arrays], padding: -1, lengths: "n", labels: ["y": NDArray((0..<40).map { Int32($0) })], of: 6,
        pool: pool, seed: 3)
    }
    func batches(_ source: PaddedBatches, _ epoch: Int, _ first: Int = 0) throws -> [Batch] {
      let iterator = try source.batches(ofEpoch: epoch, from: first)
      var all: [Batch] = []
      while let batch = try iterator.next() { all.append(batch) }
      return all
    }
    let pooled = try source(3)
    let all = try batches(pooled, 0)
    #expect(all.count == pooled.batchCount(ofEpoch: 0))
    #expect(all.flatMap { $0.indices ?? [] }.sorted() == Array(0..<40))
    #expect(try batches(pooled, 0, 2).map(\.indices) == all.dropFirst(2).map(\.indices))
    #expect(try batches(pooled, 1).map(\.indices) != all.map(\.indices))
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", "time", 2])
    let n = graph.placeholder("n", shape: ["batch"], dtype: .i32)
    let y = graph.placeholder("y", shape: ["batch"], dtype: .i32)
    let session = try quietSession(graph)
    let program = try session.compile(fetching: [x, n, y])
    for batch in all {
      let (results, indices) = (try session.run(program, feeding: batch.feeds), batch.indices ?? [])
      let longest = indices.map { lengths[$0] }.max() ?? 0
      #expect(try results[x].shape == [indices.count, longest, 2])
      #expect(try results[n].doubles == indices.map { Double(lengths[$0]) })
      #expect(try results[y].doubles == indices.map { Double($0) })
      let values = try results[x].floats
      for (row, index) in indices.enumerated() {
        for step in 0..<longest {
          #expect(values[(row * longest + step) * 2] == (step < lengths[index] ? Float(index) : -1))
        }
      }
    }
    func filled(_ pool: Int) throws -> Int {
      try batches(source(pool), 0).reduce(0) { sum, batch in
        let own = (batch.indices ?? []).map { lengths[$0] }
        return sum + own.count * (own.max() ?? 0) - own.reduce(0, +)
      }
    }
    #expect(try filled(7) < filled(1) / 3)
    #expect(throws: FirnError.self) { _ = try PaddedBatches(["x": []], of: 2) }
    #expect(throws: FirnError.self) {
      _ = try PaddedBatches(["x": [NDArray(zeros: [2, 3]), NDArray(zeros: [2, 4])]], of: 2)
    }
    #expect(throws: FirnError.self) { _ = try PaddedBatches(["x": [NDArray(zeros: [0, 3])]], of: 2) }
    let words = [NDArray([1, 2] as [Int32])]
    for padding in [-0.5, .nan, 3e9] {
      #expect(throws: FirnError.self) { _ = try PaddedBatches(["x": words], padding: padding, of: 2) }
    }
    _ = try PaddedBatches(["x": words], padding: -1, of: 2)
  }

  @Test func foldersOfPictures() throws {
    try withFolder { url in
      for (name, level) in [("b/2.pgm", 2), ("a/1.pgm", 1), ("b/1.ppm.txt", 9), ("b/10.pgm", 3)] {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data("P2 2 1 4 \(level) 0".utf8).write(to: file)
      }
      let folder = try ImageFolder(url.path)
      #expect(folder.classes == ["a", "b"] && folder.labels.doubles == [0, 1, 1])
      #expect(folder.images.shape == [3, 1, 2, 1] && folder.images.floats == [0.25, 0, 0.75, 0, 0.5, 0])
      try Data("P2 1 1 4 0".utf8).write(to: url.appendingPathComponent("b/3.pgm"))
      let fault = try error { _ = try ImageFolder(url.path) }
      #expect(fault.code == .shapeMismatch && fault.message.contains("b/3.pgm"))
      try FileManager.default.createDirectory(
        at: url.appendingPathComponent("c"), withIntermediateDirectories: true)
      #expect(try error { _ = try ImageFolder(url.path + "/a") }.code == .file)
    }
  }

  /// Rates grow, the loss falls and rises, and nothing of it stays.
  @Test func rangeTestsLeaveNoTrace() throws {
    let tower = Tower()
    let session = try tower.session()
    let data = try tower.data(24)
    let program = try session.compile(minimizing: tower.loss, with: Adam())
    for batch in data.batches(of: 8, epoch: 0, seed: 1) {
      try session.run(program, feeding: data.feeds(batch))
    }
    let (before, runs) = (try session.everything(), session.runs)
    let fresh = try tower.session()
    try fresh.restore(session.snapshot())
    fresh.runs = runs
    func measured(_ session: Session) throws -> RateRangeTest {
      try RateRangeTest(
        in: session, on: data.inBatches(of: 8, seed: 1), from: 1e-4, to: 100, steps: 60
      ) {
        try session.compile(minimizing: tower.loss, with: Adam(learningRate: $0))
      }
    }
    let test = try measured(session)
    // Nor does what was before leave one in it: memory begins anew.
    #expect(try test == measured(fresh))
    #expect(test.rates.first == 1e-4 && test.rates.count > 20 && test.rates.count == test.losses.count)
    #expect(test.steepest != nil && test.lowest != nil && test.lowest != test.rates.first)
    for (name, value) in before { #expect(try session.value(of: name) == value, "\(name)") }
    #expect(session.runs == runs)
    // The program of before goes on as if there had been no test.
    let twin = try tower.session()
    let own = try twin.compile(minimizing: tower.loss, with: Adam())
    for epoch in 0..<2 {
      for batch in data.batches(of: 8, epoch: epoch, seed: 1) {
        try twin.run(own, feeding: data.feeds(batch))
        if epoch == 1 { try session.run(program, feeding: data.feeds(batch)) }
      }
    }
    for (name, value) in try twin.everything() { #expect(try session.value(of: name) == value, "\(name)") }
  }

  /// A loss below 0, of which four times is less, ends a test where it has risen, and not at once.
  @Test func rangesOfLossesBelowZero() throws {
    let tower = Tower()
    let data = try tower.data(30)
    let session = try tower.session()
    let loss = tower.loss - 10
    let test = try RateRangeTest(
      in: session, on: data.inBatches(of: 8, seed: 1), from: 1e-4, to: 1e4, steps: 60
    ) {
      try session.compile(minimizing: loss, with: SGD(learningRate: $0))
    }
    #expect(test.losses.count > 20 && test.losses.allSatisfy { $0 < 40 })
  }

  /// Frozen blocks and held elements have no part in norms; of two stages that train other blocks each has its own.
  @Test func normsAreOfWhatIsTrained() throws {
    let tower = Tower()
    let session = try tower.session()
    let held = tower.graph.constant(NDArray([true, false, true]))
    let stages = FreezeSchedule([
      (.epoch(0), "layer2 | layer3 | layer1/kernel[0..<3]"),
      (.epoch(1), "layer2 | layer3 | layer1/kernel[0..<1]"),
    ])
    var trainer = try Trainer(in: session, through: stages) { stage in
      try session.compile(
        minimizing: tower.loss, with: SGD(learningRate: 0.5), freezing: stage.freezing,
        holding: ["layer4/bias": held])
    }
    let norms = Norms()
    trainer.callbacks = [norms]
    trainer.norms = NormWatch(every: 1)
    try trainer.train(on: tower.data(20).inBatches(of: 10, seed: 1), epochs: 2)
    #expect(norms.reports.map { $0.scopes[0].count } == [18, 18, 30, 30])
    for report in norms.reports {
      for scope in report.scopes {
        #expect(abs(scope.updateNorm - 0.5 * scope.gradientNorm) < 1e-5 * scope.gradientNorm + 1e-7)
      }
    }
  }

  private final class Norms: TrainingCallback {
    var reports: [NormReport] = []
    func measured(_ norms: NormReport, in run: TrainingRun) throws(FirnError) { reports.append(norms) }
  }

  /// Norms are those of the gradients that the step takes, and a scope where they vanish is named.
  @Test func normsAreMeasuredByScope() throws {
    let tower = Tower()
    let session = try tower.session()
    var trainer = Trainer(
      try session.compile(minimizing: tower.loss, with: SGD(learningRate: 0.5), freezing: "layer2"),
      in: session)
    let norms = Norms()
    trainer.callbacks = [norms]
    trainer.norms = NormWatch(every: 2)
    try trainer.train(on: tower.data(20).inBatches(of: 5, seed: 1), epochs: 1)
    #expect(norms.reports.map(\.step) == [1, 3])
    for report in norms.reports {
      #expect(report.scopes.map(\.scope) == ["layer1", "layer3", "layer4"] && report.finding == nil)
      // A step of plain descent is the gradient times its rate.
      for scope in report.scopes {
        #expect(abs(scope.updateNorm - 0.5 * scope.gradientNorm) < 1e-5 * scope.gradientNorm + 1e-7)
      }
    }
    func finding(_ gradients: [Double]) -> NormReport.Finding? {
      NormReport(
        step: 1,
        scopes: gradients.enumerated().map {
          .init(scope: "s\($0.offset)", count: 4, gradientNorm: $0.element, updateNorm: 0, weightNorm: 1)
        }, watch: NormWatch()
      ).finding
    }
    #expect(finding([1e-9, 1e-6, 0.1, 1]) == .vanishing(scope: "s1"))
    #expect(finding([1e9, 1e6, 10, 1]) == .exploding(scope: "s1"))
    #expect(finding([0.1, .nan, 1]) == .exploding(scope: "s1") && finding([0.5, 1]) == nil)
  }

  /// Of several objectives a variable has the gradients of those that move it, of a loss or given.
  @Test func normsAreThoseOfEachObjective() throws {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch"])
    let w = graph.scope("left") { graph.variable("w", shape: [], initializer: .constant(1)) }
    let v = graph.scope("right") { graph.variable("w", shape: [], initializer: .constant(1)) }
    let u = graph.scope("given") { graph.variable("w", shape: [], initializer: .constant(1)) }
    // Both losses hang on both variables.
    let (first, second) = ((w * v * x).mean() * 2, (w * v * x).mean() * 30)
    let data = try DataSet([x: NDArray([1, 1, 1, 1] as [Float])])
    let session = try quietSession(graph)
    let program = try session.compile(
      updates: [
        .minimize(first, training: "left", with: SGD(learningRate: 0.5), named: "first"),
        .minimize(second, training: "right", with: SGD(learningRate: 0.5), named: "second"),
        .update(u, by: u * 7, with: SGD(learningRate: 0.5), named: "third"),
      ])
    var trainer = Trainer(program, in: session)
    let norms = Norms()
    trainer.callbacks = [norms]
    trainer.norms = NormWatch(every: 5)
    try trainer.train(on: data.inBatches(of: 2, seed: 1), epochs: 1)
    let found = try #require(norms.reports.first)
    #expect(found.scopes.map(\.scope) == ["left", "right", "given"])
    #expect(found.scopes.map(\.gradientNorm) == [2, 30, 7])
    #expect(found.scopes.map(\.updateNorm) == [1, 15, 3.5])
  }

  @Test func plotsAndProgress() throws {
    var history = TrainingHistory()
    #expect(history.plot() == "nothing to draw yet")
    for epoch in 0..<5 {
      history.epochs.append(
        EpochRecord(
          epoch: epoch, step: epoch + 1, stage: 0, trainingLoss: 4 - Double(epoch), validation: [],
          rateFactor: 1, seconds: 0))
    }
    #expect(
      history.plot(width: 20, height: 5) == """
        4 |*
          |    *
          |        *
          |            *
        0 |                *
          +-----------------
           epoch           4
        * training loss
        """)
    var (text, time) = ("", ContinuousClock.now)
    let progress = TrainingProgress(.lines, isTerminal: false, now: { time }, write: { text += $0 })
    let position = DataPosition(seed: 0, batchSize: 1)
    for step in 1...4 {
      time += .seconds(1)
      progress.update(
        StepRecord(step: step, epoch: 0, stage: 0, loss: 0.5, exampleCount: 1, position: position), of: 10)
    }
    progress.finish()
    #expect(
      text == """
        epoch 0  step 2/10  1.0 steps/s  ETA 0:08  loss 0.5
        epoch 0  step 4/10  1.0 steps/s  ETA 0:06  loss 0.5
        epoch 0  step 4/10  1.0 steps/s  took 4.0 s  loss 0.5

        """)
  }
}
