public import FirnGraph
public import FirnRuntime

/// Measures a model over data sets: compiled once, in inference mode.
///
///     let judge = try Evaluator([.mean(of: loss), .accuracy(logits, labels: y)], in: session)
///     print(try judge.evaluate(test.inBatches(of: 100)))
///
/// It changes nothing: not a variable, and not the random numbers of runs to come.
public struct Evaluator {
  /// What is measured.
  public let metrics: [Metric]
  private let session: Session
  let program: Program
  /// For each metric, which of the fetches are its own.
  private let places: [[Int]]
  private let names: [any TensorReference]

  /// - Parameters:
  ///   - metrics: of different names.
  ///   - averages: averages that the training program keeps, to be read in the place of the variables.
  /// - Throws: `.unknownName` where the graph has not what a metric is made of, `.duplicateName` for two metrics of one
  ///   name; what compiling throws.
  public init(
    _ metrics: [Metric], in session: Session, underAverages averages: String? = nil
  ) throws(FirnError) {
    var seen: Set<String> = []
    for metric in metrics where !seen.insert(metric.name).inserted {
      throw FirnError(
        .duplicateName, "two metrics are called `\(metric.name)`", remedy: "give one of them `named:`")
    }
    var names: [any TensorReference] = []
    var numbers: [String: Int] = [:]
    places = metrics.map { metric in
      metric.fetches.map { reference in
        if let known = numbers[reference.tensorName] { return known }
        numbers[reference.tensorName] = names.count
        names.append(reference)
        return names.count - 1
      }
    }
    self.metrics = metrics
    self.session = session
    self.names = names
    program = try session.compile(fetching: names, underAverages: averages)
  }

  /// Runs all batches of a source's first epoch.
  ///
  /// In a world all members call it: each runs some of the batches, and all measure the same, to the bits of one that
  /// runs them all.
  ///
  /// - Throws: `.invalidArgument` where there are none; what a run or a metric throws.
  /// - Complexity: a forward pass over the data.
  public func evaluate(_ source: any BatchSource) throws(FirnError) -> Evaluation {
    try evaluate(source, by: nil)
  }

  /// - Parameter progress: is told after each batch how many examples are done.
  package func evaluate(
    _ source: any BatchSource, telling progress: (Int) -> Void
  ) throws(FirnError) -> Evaluation {
    try evaluate(source, by: nil, telling: progress)
  }

  /// - Parameter features: of this program over the source's data.
  func evaluate(
    _ source: any BatchSource, by features: CachedFeatures?, telling progress: (Int) -> Void = { _ in }
  ) throws(FirnError) -> Evaluation {
    let runs = session.runs
    defer { session.runs = runs }
    var accumulators = metrics.map { $0.makeAccumulator() }
    var source = source
    if let features, let batches = source as? DataBatches {
      source = DataBatches(features.numbers, size: batches.size, seed: batches.seed)
    }
    let batches = try MeasuredBatches(source, in: session)
    var count = 0
    while let round = try batches.next(running: { batch throws(FirnError) in
      let (program, feeds) =
        if let features, let indices = batch.indices { (features.step, try features.feeds(indices)) } else {
          (program, batch.feeds)
        }
      let results = try session.run(program, feeding: feeds)
      return try names.map { name throws(FirnError) in try results[name] }
    }) {
      for (arrays, size) in round {
        for index in accumulators.indices {
          do throws(FirnError) {
            try accumulators[index].add(places[index].map { arrays[$0] }, count: size)
          } catch {
            var error = error
            error.place = error.place ?? metrics[index].name
            throw error
          }
        }
        count += size
      }
      progress(count)
    }
    guard count > 0 else {
      throw FirnError(
        .invalidArgument, "there are no examples to measure by", remedy: "give a set that is not empty")
    }
    return Evaluation(Array(zip(metrics, accumulators)).map { ($0.0, $0.1) }, exampleCount: count)
  }
}
