import Firn

/// An LSTM that reads 22 years, and a head that tells the next 11 at once.
struct Forecaster {
  let session: Session
  private let seen: Tensor
  private let told: Tensor
  private let forecast: Tensor
  private let loss: Tensor
  private let ask: Program

  init(seed: UInt64) throws {
    let graph = Graph()
    seen = graph.placeholder("seen", shape: ["batch", .init(SunspotNumbers.seen), 1])
    told = graph.placeholder("told", shape: ["batch", .init(SunspotNumbers.told)])
    let code = graph.scope("encoder") { [seen] in LSTM(24, name: "lstm")(seen) }
    forecast = Dense(SunspotNumbers.told, name: "head")(code)
    loss = meanSquaredError(forecast, told)
    session = try Session(graph, seed: seed)
    ask = try session.compile(fetching: [forecast, loss])
  }

  /// Trains with Adam and ends with the weights that did best on `validation`, looked at every ten steps.
  func train(
    on data: Windows, validation: Windows, steps: Int, learningRate: Double, freezing: Selection? = nil
  ) throws -> Program {
    let program = try session.compile(
      minimizing: loss, with: Adam(learningRate: learningRate), freezing: freezing, clippingNorm: 1)
    var best = (loss: try self.loss(on: validation), weights: try session.snapshot())
    for step in 1...steps {
      try session.run(program, feeding: [seen: data.seen, told: data.told])
      guard step.isMultiple(of: 10) else { continue }
      let loss = try self.loss(on: validation)
      if loss < best.loss { best = (loss, try session.snapshot()) }
    }
    try session.restore(best.weights)
    return program
  }

  private func loss(on windows: Windows) throws -> Double {
    try session.run(ask, feeding: [seen: windows.seen, told: windows.told]).scalar(loss)
  }

  /// Forecasts in sunspot numbers.
  func forecasts(_ windows: Windows) throws -> [(origin: Int, numbers: [Double])] {
    let results = try session.run(ask, feeding: [seen: windows.seen, told: windows.told])
    let rows = try results[forecast].rows
    return zip(windows.origins, rows).map { ($0, $1.map(SunspotNumbers.number)) }
  }
}
