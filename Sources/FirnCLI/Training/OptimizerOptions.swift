internal import FirnCompiler
internal import FirnGraph
internal import FirnTraining

/// Which optimiser moves weights, and how fast.
struct OptimizerOptions {
  private static let names = [
    "adam", "adamw", "sgd", "momentum", "nadam", "rmsprop", "adagrad", "lion", "lamb",
  ]

  static let options = [
    ArgumentParser.Option(
      name: "optimizer", value: .choice(names), help: "momentum is SGD with 0.9; adamw decays by 0.01",
      defaultValue: "adam"),
    ArgumentParser.Option(name: "rate", value: .number, help: "learning rate", defaultValue: "0.001"),
    ArgumentParser.Option(
      name: "schedule", value: .choice(["constant", "cosine"]), help: "how the rate goes on over all steps",
      defaultValue: "constant"),
    ArgumentParser.Option(name: "decay", value: .number, help: "weight decay (default: the optimiser's)"),
    ArgumentParser.Option(
      name: "clip", value: .number, help: "largest global norm of gradients (default: not clipped)"),
  ]

  let optimizer: any Optimizer
  let clippingNorm: Double?
  let words: String
  private let isCosine: Bool
  private let decay: Double?

  /// All that is said of it; a schedule that ends has an end.
  func words(over steps: Int) -> String {
    words + (isCosine ? " of \(steps) steps" : "") + (decay.map { ", decay \($0)" } ?? "")
      + (clippingNorm.map { ", clipped to \($0)" } ?? "")
  }

  /// - Parameter steps: of the whole run.
  init(_ arguments: ParsedArguments, steps: Int) throws {
    let rate = arguments.number("rate") ?? 0.001
    guard rate >= 0 else {
      throw UsageError("firn train", "the learning rate is \(rate)", remedy: "give 0 or more")
    }
    let schedule: Schedule =
      arguments.text("schedule") == "cosine" ? .cosine(initial: rate, over: max(1, steps)) : .constant(rate)
    let name = arguments.text("optimizer") ?? "adam"
    let decay = arguments.number("decay")
    self.decay = decay
    isCosine = arguments.text("schedule") == "cosine"
    optimizer =
      switch name {
      case "adamw": Adam(learningRate: schedule, weightDecay: decay ?? 0.01)
      case "sgd": SGD(learningRate: schedule, weightDecay: decay ?? 0)
      case "momentum": SGD(learningRate: schedule, momentum: 0.9, weightDecay: decay ?? 0)
      case "nadam": NAdam(learningRate: schedule, weightDecay: decay ?? 0)
      case "rmsprop": RMSprop(learningRate: schedule, weightDecay: decay ?? 0)
      case "adagrad": Adagrad(learningRate: schedule, weightDecay: decay ?? 0)
      case "lion": Lion(learningRate: schedule, weightDecay: decay ?? 0)
      case "lamb": LAMB(learningRate: schedule, weightDecay: decay ?? 0)
      default: Adam(learningRate: schedule, weightDecay: decay ?? 0)
      }
    clippingNorm = arguments.number("clip")
    words = "\(name) at \(rate)" + (arguments.text("schedule") == "cosine" ? ", along a cosine" : "")
  }
}
