import FirnNotation
import FirnCompiler
import FirnGraph
import FirnNN
import FirnOps
import FirnRuntime
import FirnTraining

/// What can be wrong with a run, or with the values a session is given.
extension FaultyInput {
  static let running: [FaultyInput] = feeding + numerics + values

  private static let feeding: [FaultyInput] = [
    FaultyInput(
      "wrong extent", .invalidFeed, ["`x`", "axis 1 is 4, wanted is 3", "f32[batch,3]", "f32[7,4]"]
    ) { bench in
      try bench.session.run(bench.program, feeding: bench.feeds(["x": noise([7, 4])]))
    },
    FaultyInput(
      "wrong element type", .invalidFeed, ["`x`", "f64 is fed, f32 is wanted", "converted(to: .f32)"]
    ) { bench in
      try bench.session.run(bench.program, feeding: bench.feeds(["x": noise([7, 3], dtype: .f64)]))
    },
    FaultyInput(
      "channels first", .invalidFeed,
      [
        "`images`", "axis 3 is 6, wanted is 3", "channels seem to come first",
        "array.transposed([0, 2, 3, 1])",
      ]
    ) { bench in
      let graph = Graph()
      let images = graph.placeholder("images", shape: ["batch", "height", "width", 3])
      let session = try quietSession(graph)
      try session.run(session.compile(fetching: [images * 2]), feeding: [images: noise([2, 3, 5, 6])])
    },
    FaultyInput("wrong rank", .invalidFeed, ["`x`", "1 axes are fed, 2 are wanted"]) { bench in
      try bench.session.run(bench.program, feeding: bench.feeds(["x": noise([7])]))
    },
    FaultyInput("inconsistent dimension", .invalidFeed, ["`ids`", "`batch` is 6 here but 7 in `x`"]) {
      bench in
      try bench.session.run(bench.program, feeding: bench.feeds(["ids": labels(6, classes: 5)]))
    },
    FaultyInput("missing feed", .missingFeed, ["`ids` is not fed", "i32[batch]"]) { bench in
      try bench.session.run(bench.program, feeding: ["x": noise([7, 3])])
    },
    FaultyInput("no feeds", .missingFeed, ["`x` is not fed"]) { bench in
      try bench.session.run(bench.program)
    },
    FaultyInput("unknown feed", .unknownName, ["`idz`", "did you mean ids?"]) { bench in
      try bench.session.run(bench.program, feeding: bench.feeds(["idz": labels(7, classes: 5)]))
    },
    FaultyInput("fed variable", .unknownName, ["`head/kernel`", "no placeholder"]) { bench in
      try bench.session.run(bench.program, feeding: bench.feeds(["head/kernel": noise([4, 5])]))
    },
    FaultyInput("label out of range", .indexOutOfRange, ["outside 0..<5", "5", "position 2"]) { bench in
      let ids = NDArray([0, 1, 5, 0, 0, 0, 0] as [Int32])
      try bench.session.run(bench.program, feeding: bench.feeds(["ids": ids]))
    },
    FaultyInput(
      "negative embedding index", .indexOutOfRange, ["encoder/embedding/gather", "-1 at position 0"]
    ) { bench in
      let ids = NDArray([-1, 0, 0, 0, 0, 0, 0] as [Int32])
      try bench.session.run(bench.program, feeding: bench.feeds(["ids": ids]))
    },
    FaultyInput("out of range in a training step", .indexOutOfRange, ["outside 0..<5"]) { bench in
      let training = try bench.session.compile(minimizing: bench.loss, with: Adam())
      let ids = NDArray([0, 0, 0, 0, 0, 0, 99] as [Int32])
      try bench.session.run(training, feeding: bench.feeds(["ids": ids]))
    },
    FaultyInput("program of another session", .invalidArgument, ["another session"]) { bench in
      let other = try quietSession(bench.graph)
      try other.run(bench.program, feeding: bench.feeds)
    },
    FaultyInput("program of a session that is gone", .invalidArgument, ["another session"]) { bench in
      // Sessions made and dropped in turn are likely to share one address.
      var orphan: Program?
      for _ in 0..<4 {
        if let orphan { try quietSession(bench.graph).run(orphan, feeding: bench.feeds) }
        orphan = try quietSession(bench.graph).compile(fetching: [bench.loss])
      }
    },
    FaultyInput(
      "result that was not fetched", .unknownName, ["`risky/reduce_sum` was not fetched", "fetched were"]
    ) { bench in
      _ = try bench.session.run(bench.program, feeding: bench.feeds)["risky/reduce_sum"]
    },
    FaultyInput("scalar of an array", .notScalar, ["`x`", "[7,3]"]) { bench in
      let program = try bench.session.compile(fetching: [bench.x])
      _ = try bench.session.run(program, feeding: bench.feeds).scalar(bench.x)
    },
    FaultyInput("more memory than there is", .invalidArgument, ["bytes of memory"]) { bench in
      let big = exp(bench.x.sum().broadcast(to: [1_073_741_824, 1_048_576])).sum()
      let program = try bench.session.compile(fetching: [big])
      try bench.session.run(program, feeding: bench.feeds)
    },
    FaultyInput("more elements than can be counted", .invalidArgument, ["more elements than can be held"]) {
      bench in
      let big = bench.x.sum().broadcast(to: [1_099_511_627_776, 1_099_511_627_776]).sum()
      let program = try bench.session.compile(fetching: [big])
      try bench.session.run(program, feeding: bench.feeds)
    },
  ]

  private static let numerics: [FaultyInput] = [
    FaultyInput(
      "NaN made by an op", .notFinite, ["`risky/log` produced nan at element 2", "Workbench.swift:"]
    ) {
      bench in
      let program = try bench.session.compile(fetching: [bench.risky])
      let x = try NDArray([1, 2, -3] as [Float], shape: [1, 3])
      try bench.checkingNumerics { try bench.session.run(program, feeding: ["x": x]) }
    },
    FaultyInput(
      "NaN made in a loop", .notFinite, ["`risky_loop/scan/sqrt` produced", "element 1", "Workbench.swift:"]
    ) {
      bench in
      let program = try bench.session.compile(fetching: [bench.riskyLoop])
      let series = try NDArray([1, 1, 1, -1] as [Float], shape: [2, 2])
      try bench.checkingNumerics { try bench.session.run(program, feeding: ["series": series]) }
    },
    FaultyInput("NaN in the data", .notFinite, ["fed to `x`", "nan at element 1", "clean the data"]) {
      bench in
      let program = try bench.session.compile(minimizing: bench.loss, with: Adam())
      let one = try NDArray((0..<21).map { $0 == 1 ? Float.nan : 0 }, shape: [7, 3])
      try bench.checkingNumerics { try bench.session.run(program, feeding: bench.feeds(["x": one])) }
    },
    FaultyInput("infinity in a step of training", .notFinite, ["produced inf"]) { bench in
      let program = try bench.session.compile(
        minimizing: bench.loss * exp(bench.x.sum()), with: SGD(learningRate: 0.1))
      let x = try NDArray(zeros: [7, 3])
      var big = x.floats
      big[0] = 1e4
      let fed = try NDArray(big, shape: [7, 3])
      try bench.checkingNumerics { try bench.session.run(program, feeding: bench.feeds(["x": fed])) }
    },
    FaultyInput("NaN in a variable", .notFinite, ["variable `encoder/dense/bias` holds nan", "restore"]) {
      bench in
      let before = try bench.session.snapshot()
      try bench.session.setValue(NDArray([0, .nan, 0, 0] as [Float]), of: "encoder/dense/bias")
      defer { try? bench.session.restore(before) }
      try bench.checkingNumerics { try bench.session.run(bench.program, feeding: bench.feeds) }
    },
  ]

  private static let values: [FaultyInput] = [
    FaultyInput("value of another shape", .shapeMismatch, ["`head/kernel` is f32[4,5]", "f32[5,4]"]) {
      bench in
      try bench.session.setValue(noise([5, 4]), of: "head/kernel")
    },
    FaultyInput("value of another type", .typeMismatch, ["`head/kernel` is f32[4,5]", "f64[4,5]"]) { bench in
      try bench.session.setValue(noise([4, 5], dtype: .f64), of: "head/kernel")
    },
    FaultyInput("value of no variable", .unknownName, ["`head/kernle`", "did you mean head/kernel"]) {
      bench in
      try bench.session.setValue(noise([4, 5]), of: "head/kernle")
    },
    FaultyInput("value of an op", .unknownName, ["`risky/log`"]) { bench in
      _ = try bench.session.value(of: "risky/log")
    },
    FaultyInput("snapshot with one wrong shape", .shapeMismatch, ["`head/bias`"]) { bench in
      var snapshot = try bench.session.snapshot()
      for index in snapshot.values.indices {
        let array = snapshot.values[index].array
        snapshot.values[index].array = try NDArray(
          zeros: snapshot.values[index].name == "head/bias" ? [6] : array.shape)
      }
      try bench.session.restore(snapshot)
    },
    FaultyInput("snapshot of another model", .unknownName, ["`other`"]) { bench in
      var snapshot = try bench.session.snapshot()
      snapshot.values = try snapshot.values.map {
        .init(name: $0.name, array: try NDArray(zeros: $0.array.shape))
      }
      snapshot.values.append(.init(name: "other", array: NDArray([1] as [Float])))
      try bench.session.restore(snapshot)
    },
    FaultyInput("snapshot of a mistyped scope", .invalidSelection, ["`encodr` matches nothing", "encoder"]) {
      bench in
      _ = try bench.session.snapshot("encodr")
    },
    FaultyInput(
      "data whose columns differ in length", .shapeMismatch, ["leading extent", "f32[7,3]", "i32[6]"]
    ) { bench in
      _ = try DataSet([bench.x: noise([7, 3]), bench.ids: labels(6, classes: 5)])
    },
    FaultyInput("training by a program that does not train", .invalidArgument, ["trains nothing"]) { bench in
      let data = try DataSet([bench.x: noise([7, 3]), bench.ids: labels(7, classes: 5)])
      try Trainer(bench.program, in: bench.session).fit(data, epochs: 1, batchSize: 2)
    },
    FaultyInput("training by a program without a loss", .invalidArgument, ["returns no loss"]) { bench in
      let kernels = bench.session.variables.filter { $0.kind == .parameter }.prefix(1).map(\.name)
      let updates = kernels.map { Objective.update($0, by: $0, with: SGD(learningRate: 1)) }
      let program = try bench.session.compile(updates: updates)
      let data = try DataSet([bench.x: noise([7, 3]), bench.ids: labels(7, classes: 5)])
      try Trainer(program, in: bench.session).fit(data, epochs: 1, batchSize: 2)
    },
  ]
}
