import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnRuntime
import FirnTraining

/// An epoch of training on stored features, beside the head alone on arrays of them, and beside an epoch without
/// caching.
enum CachingBenchmark {
  /// A model, its frozen part by name, and what is left of it where the frozen part's results are data.
  private struct Subject {
    var name: String
    var count: Int
    var batch: Int
    var freezing: Selection
    /// The columns of the data set.
    var columns: [(name: String, array: NDArray)]
    /// The whole; placeholders have the columns' names.
    var whole: (Graph) -> Tensor
    /// The rest, given the frozen part's result.
    var rest: (Graph, Tensor) -> Tensor
    /// What the rest reads besides.
    var restColumns: [String]
    /// The frozen part's result, in the whole.
    var result: (Graph) -> Tensor
  }

  private static let rounds = 8

  static func run() throws {
    print("model                ms an epoch      cached   head alone   cached of head   cached of uncached")
    for subject in try subjects() { try measure(subject) }
  }

  private static func measure(_ subject: Subject) throws {
    let graph = Graph()
    let loss = subject.whole(graph)
    let session = try Session(graph)
    session.onWarning = { _ in }
    let program = try session.compile(
      minimizing: loss, with: SGD(learningRate: 0.001), freezing: subject.freezing)
    let data = try set(subject.columns)
    let plain = try epoch(program, in: session, data, subject.batch, epochs: 2, nil)
    let place = FeaturePlace.memory(limit: 1 << 30)
    // The head alone.
    let code = Graph()
    let result = subject.result(code)
    let probe = try Session(code)
    let features = try probe.run(probe.compile(fetching: [result]), feeding: Feeds([subject.columns[0]]))[
      result]
    let rest = Graph()
    let stored = rest.placeholder(
      "stored", shape: Shape(["batch"] + features.shape.dropFirst().map { Dim($0) }))
    let restLoss = subject.rest(rest, stored)
    let head = try Session(rest)
    head.onWarning = { _ in }
    let restData = try set(
      [("stored", features)] + subject.columns.filter { subject.restColumns.contains($0.name) })
    let headProgram = try head.compile(minimizing: restLoss, with: SGD(learningRate: 0.001))
    // In turns, so that what else the machine does meets both.
    var (cached, alone) = (Double.infinity, Double.infinity)
    for _ in 0..<rounds {
      cached = min(
        cached,
        try epoch(program, in: session, data, subject.batch, epochs: 8, .frozenFeatures(in: place)))
      alone = min(alone, try epoch(headProgram, in: head, restData, subject.batch, epochs: 8, nil))
    }
    print(
      subject.name.padded(to: 18), column(plain), column(cached), column(alone), column(cached / alone),
      column(cached / plain, digits: 4))
  }

  /// The milliseconds of the fastest epoch after the first.
  private static func epoch(
    _ program: Program, in session: Session, _ data: DataSet, _ batch: Int, epochs: Int, _ caching: Caching?
  ) throws -> Double {
    let clock = ContinuousClock()
    var (began, epoch) = (clock.now, 0)
    var times: [Double] = []
    try Trainer(program, in: session).fit(data, epochs: epochs, batchSize: batch, caching: caching) {
      guard $0.position.epoch != epoch else { return }
      epoch = $0.position.epoch
      times.append(began.duration(to: clock.now) / .milliseconds(1))
      began = clock.now
    }
    return times.dropFirst().min() ?? 0
  }

  private static func set(_ columns: [(name: String, array: NDArray)]) throws -> DataSet {
    columns.count == 1
      ? try DataSet([columns[0].name: columns[0].array])
      : try DataSet([columns[0].name: columns[0].array, columns[1].name: columns[1].array])
  }

  // MARK: Models

  private static func classes(_ count: Int, _ classes: Int) -> (name: String, array: NDArray) {
    ("labels", NDArray((0..<count).map { Int32($0 % classes) }))
  }

  private static func noise(_ shape: [Int]) throws -> NDArray {
    try Initializer.normal(deviation: 1).values(shape: shape)
  }

  private static func loss(_ code: Tensor, _ graph: Graph, _ classes: Int) -> Tensor {
    let labels = graph.placeholder("labels", shape: ["batch"], dtype: .i32)
    return sparseSoftmaxCrossEntropy(logits: Dense(classes, name: "head")(code), labels: labels).mean()
  }

  private static func subjects() throws -> [Subject] {
    func classifier(
      _ name: String, _ count: Int, _ batch: Int, _ column: NDArray, classes number: Int,
      dtype: DType = .f32, _ encoder: @escaping (Tensor) -> Tensor
    ) -> Subject {
      func code(_ graph: Graph) -> Tensor {
        let shape = Shape(["batch"] + column.shape.dropFirst().map { Dim($0) })
        let x = graph.placeholder("x", shape: shape, dtype: dtype)
        return graph.scope("encoder") { encoder(x) }
      }
      return Subject(
        name: name, count: count, batch: batch, freezing: "encoder",
        columns: [("x", column), classes(count, number)],
        whole: { graph in loss(code(graph), graph, number) },
        rest: { graph, stored in loss(stored, graph, number) }, restColumns: ["labels"],
        result: code)
    }
    let words = NDArray((0..<512 * 20).map { Int32($0 * 31 % 1000) })
    func taught(_ x: Tensor) -> Tensor {
      x.graph.scope("teacher") {
        softmax(Dense(10, name: "top")(relu(Dense(512, name: "upper")(relu(Dense(512, name: "lower")(x))))))
      }
    }
    func student(_ x: Tensor, _ targets: Tensor) -> Tensor {
      klDivergence(
        logProbabilities: logSoftmax(Dense(10, name: "top")(relu(Dense(64, name: "low")(x)))),
        targets: targets
      ).mean()
    }
    func input(_ graph: Graph) -> Tensor { graph.placeholder("x", shape: ["batch", 64]) }
    return [
      classifier("ResNet-18", 64, 8, try noise([64, 224, 224, 3]), classes: 1000) { x in
        // Its own head is a part of the frozen trunk; another is trained on what that makes.
        ResNet(.resNet18, classes: 512, name: "trunk")(x)
      },
      classifier("digits CNN", 512, 32, try noise([512, 8, 8, 1]), classes: 10) { x in
        let low = relu(Conv2D(16, kernel: 3, padding: .same, name: "first")(x))
        return relu(Conv2D(32, kernel: 3, padding: .same, name: "second")(low)).mean(axes: [1, 2])
      },
      classifier("embedding + LSTM", 512, 32, try words.reshaped(to: [512, 20]), classes: 5, dtype: .i32) {
        x in
        LSTM(128, name: "lstm")(Embedding(count: 1000, width: 64)(x))
      },
      Subject(
        name: "teacher-student", count: 512, batch: 32, freezing: "teacher",
        columns: [("x", try noise([512, 64]))],
        whole: { graph in
          let x = input(graph)
          return student(x, taught(x))
        },
        rest: { graph, stored in student(input(graph), stored) }, restColumns: ["x"],
        result: { graph in taught(input(graph)) }),
    ]
  }
}
