internal import FirnCompiler
internal import FirnGraph
internal import FirnNotation

/// What `--world` asks: what so many members would exchange in a step, and how long that takes.
struct WorldOptions {
  static let options: [ArgumentParser.Option] = [
    .init(
      name: "world", value: .text(placeholder: "N"), help: "also what N processes exchange in a step"),
    .init(
      name: "bandwidth", value: .text(placeholder: "GB/s"), help: "of the network, for each process",
      defaultValue: "12.5"),
    .init(
      name: "latency", value: .text(placeholder: "µs"), help: "of the network, for each message",
      defaultValue: "5"),
    .init(
      name: "speed", value: .text(placeholder: "GFLOP/s"), help: "of a process", defaultValue: "100"),
  ]

  private let members: Int
  private let bandwidth: Double
  private let latency: Double
  private let speed: Double

  /// Nil where nobody asked.
  init?(_ arguments: ParsedArguments) throws {
    guard let text = arguments.text("world") else {
      try arguments.refuse(
        ["bandwidth", "latency", "speed"], without: "world", remedy: "say of how many processes: --world 8")
      return nil
    }
    guard let members = Int(text), (1...1_000_000).contains(members) else {
      throw UsageError("firn cost", "'\(text)' is no number of processes", remedy: "write --world 8")
    }
    func number(_ name: String) throws -> Double {
      let text = arguments.text(name) ?? ""
      guard let number = Double(text), number > 0, number.isFinite else {
        throw UsageError("firn cost", "--\(name) is '\(text)'", remedy: "give a number above 0")
      }
      return number
    }
    self.members = members
    bandwidth = try number("bandwidth") * 1e9
    latency = try number("latency") * 1e-6
    speed = try number("speed") * 1e9
  }

  /// The step is compiled as a member would.
  func cost(of question: GraphQuestion, _ options: CostOptions) throws(FirnError) -> ExchangeCost {
    var request = try question.request(optimizer: options.optimizer)
    request.training?.exchange = .init(weight: .one)
    let graph = try Compiler.compile(request).graph.mapping(.binding(options.binding))
    return ExchangeCost(
      graph, members: members, bandwidth: bandwidth, latency: latency, flops: speed)
  }

  /// In a sentence or two.
  static func words(_ cost: ExchangeCost) -> String {
    func time(_ seconds: Double) -> String { NumberFormat.fixed(seconds * 1e3, digits: 3) + " ms" }
    return
      "world of \(cost.members): each process hands in \(NumberFormat.count(cost.bytes)) bytes a step in "
      + "\(cost.sums) sum\(cost.sums == 1 ? "" : "s") and sends \(NumberFormat.count(cost.sentBytes)); "
      + "exchanging takes "
      + "\(time(cost.exchanging)), of which \(time(cost.waiting)) are waited for after \(time(cost.computing)) of "
      + "arithmetic (\(NumberFormat.fixed(cost.efficiency * 100, digits: 1)) % of the step)"
  }
}
