import Firn

/// An LSTM that reads 22 years, and a head that tells the next 11 at once.
struct Forecaster {
  let graph = Graph()
  let session: Session
  let loss: Tensor
  private let (told, forecast): (Tensor, Tensor)

  /// - Parameter pretrained: whose weights it begins with; random ones by default.
  init(seed: UInt64, from pretrained: Forecaster? = nil) throws {
    // Counts vary with their size: roots have about the same noise everywhere, and lie in about -0.7...0.7.
    func scaled(_ numbers: Tensor) -> Tensor { sqrt(numbers) / 10 - 0.7 }
    let seen = graph.placeholder("seen", shape: ["batch", 22])
    told = graph.placeholder("told", shape: ["batch", 11])
    let years = scaled(seen).reshaped(to: ["batch", 22, 1])
    let code = graph.scope("encoder") { LSTM(24, name: "lstm")(years) }
    let roots = Dense(11, name: "head")(code)
    loss = meanSquaredError(roots, scaled(told))
    forecast = identity(square(relu(10 * roots + 7)), name: "forecast")
    session = try Session(graph, seed: seed)
    if let pretrained { try session.load(pretrained.session.weights()) }
  }

  /// Trains with Adam and ends with the weights that did best on `validation`.
  @discardableResult
  func train(
    on data: DataSet, validation: DataSet, epochs: Int, rate: Double, freezing: Selection? = nil
  ) throws -> Program {
    let program = try session.compile(
      minimizing: loss, with: Adam(learningRate: .constant(rate)), freezing: freezing, clippingNorm: 1)
    var trainer = Trainer(program, in: session)
    trainer.validation = Validation(validation.inBatches(of: 1000))
    trainer.earlyStopping = EarlyStopping(patience: epochs)
    try trainer.train(on: data.inBatches(of: 1000, seed: session.seed), epochs: epochs)
    return program
  }

  /// The root mean squared error, in sunspot numbers.
  func error(on data: DataSet) throws -> Double {
    let judge = try Evaluator([.rootMeanSquaredError(forecast, targets: told)], in: session)
    return try judge.evaluate(data.inBatches(of: 1000)).values[0].value
  }

  /// Forecasts in sunspot numbers, a row for each window.
  func forecasts(_ data: DataSet) throws -> [[Double]] {
    try session.run(session.compile(fetching: [forecast]), feeding: data.feeds)[forecast].rows
  }
}
