internal import FirnCompiler
internal import FirnGraph
internal import FirnNotation
internal import FirnTraining

/// What costs depend on besides the graph: the sizes of named dimensions and the optimiser.
struct CostOptions {
  static let bind = ArgumentParser.Option(
    name: "bind", value: .text(placeholder: "NAME=N,…"),
    help: "sizes of named dimensions (default: each counts as 1)")
  static let optimizer = ArgumentParser.Option(
    name: "optimizer", value: .choice(["adam", "sgd", "momentum"]), help: "whose memory and updates count",
    defaultValue: "adam")

  static let options = [bind, optimizer]

  let optimizer: any Optimizer
  /// As given, and 1 for every other name of the graph; JSON has polynomials of these instead.
  let binding: DimBinding
  /// As given.
  let given: DimBinding
  private let assumed: [String]

  /// - Throws: `UsageError` for what is no binding, `.unknownName` for a dimension that the graph does not have.
  init(_ arguments: ParsedArguments, _ command: String, for graphs: [GraphDef]) throws {
    optimizer =
      switch arguments.text("optimizer") {
      case "sgd": SGD(learningRate: 0.01)
      case "momentum": SGD(learningRate: 0.01, momentum: 0.9)
      default: Adam(learningRate: 0.001)
      }
    var names: Set<String> = []
    for node in graphs.flatMap(\.nodes) {
      for type in node.types { names.formUnion(type.shape.flatMap(\.names)) }
    }
    let parts = arguments.text("bind")?.split(separator: ",", omittingEmptySubsequences: false) ?? []
    var binding: DimBinding = [:]
    for part in parts {
      let sides = part.filter { $0 != " " }.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, let number = Int(sides[1]), (0...1_000_000_000).contains(number) else {
        throw UsageError(
          "firn \(command)", "'\(part)' binds nothing", remedy: "write for instance --bind batch=32")
      }
      let name = String(sides[0])
      guard names.contains(name) else {
        throw FirnError(
          .unknownName, "the graph has no dimension `\(name)`",
          remedy: names.isEmpty ? "it has none" : "it has " + names.sorted().joined(separator: ", "))
      }
      guard binding[name] == nil else {
        throw UsageError("firn \(command)", "--bind gives `\(name)` twice", remedy: "keep one of them")
      }
      binding[name] = number
    }
    given = binding
    assumed = names.sorted().filter { binding[$0] == nil }
    for name in assumed { binding[name] = 1 }
    self.binding = binding
  }

  /// What was taken to be 1, or bound, in words.
  var note: String? {
    let bound = given.description
    if assumed.isEmpty { return bound.isEmpty ? nil : "with " + bound }
    let ones = assumed.map { "\($0)=1" }.joined(separator: ", ")
    return "with " + (bound.isEmpty ? ones : "\(bound), \(ones)")
      + " (bind sizes with --bind " + assumed.map { "\($0)=N" }.joined(separator: ",") + ")"
  }
}
