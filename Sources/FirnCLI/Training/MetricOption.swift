internal import FirnCompiler
internal import FirnGraph
internal import FirnTraining

/// What `--metric` measures besides the loss.
enum MetricOption {
  static let option = ArgumentParser.Option(
    name: "metric", value: .text(placeholder: "METRIC"),
    help: "measured besides the loss: 'accuracy(OUTPUT, labels)'; also top5, auc, mae, rmse, r2",
    repeats: true)

  /// - Throws: `UsageError` for what is no metric; `.unknownName` for a tensor that is not there.
  static func metrics(_ arguments: ParsedArguments, of graph: GraphDef) throws -> [(
    metric: Metric, tensors: [String]
  )] {
    var metrics: [(metric: Metric, tensors: [String])] = []
    for text in arguments.texts("metric") {
      let parts = text.split(separator: "(", maxSplits: 1).map(String.init)
      let names =
        parts.count == 2 && text.hasSuffix(")")
        ? parts[1].dropLast().split(separator: ",").map { String($0.filter { $0 != " " }) } : []
      guard names.count == 2, let metric = metric(parts[0].filter { $0 != " " }, names[0], names[1]) else {
        throw UsageError(
          "firn \(arguments.command ?? "")", "'\(text)' is no metric",
          remedy: "write accuracy(OUTPUT, labels), or one of top5, auc, mae, rmse and r2 in its place")
      }
      for name in names where !graph.hasTensor(named: name) {
        throw FirnError(
          .unknownName, "the graph has no node `\(name)` for --metric '\(text)'",
          remedy: NearestNames(to: name, among: graph.nodes.map(\.name)).question)
      }
      metrics.append((metric, names))
    }
    // Two heads may both have an accuracy.
    let counts = Dictionary(metrics.map { ($0.metric.name, 1) }, uniquingKeysWith: +)
    let outputs = Dictionary(
      metrics.map { ("\($0.metric.name) of \($0.tensors[0])", 1) }, uniquingKeysWith: +)
    let wholes = Dictionary(
      metrics.map { ("\($0.metric.name) of \($0.tensors)", 1) }, uniquingKeysWith: +)
    for (metric, names) in metrics where wholes["\(metric.name) of \(names)", default: 1] > 1 {
      throw UsageError(
        "firn \(arguments.command ?? "")",
        "--metric names the \(metric.name) of \(names.joined(separator: ", ")) twice", remedy: "name it once")
    }
    return metrics.map { metric, names in
      guard counts[metric.name, default: 1] > 1 else { return (metric, names) }
      let isPlain = outputs["\(metric.name) of \(names[0])", default: 1] == 1
      let told = isPlain ? names[0] : names.joined(separator: ", ")
      return (
        Metric(
          "\(metric.name) of \(told)", fetching: metric.fetches, accumulator: metric.makeAccumulator),
        names
      )
    }
  }

  private static func metric(_ name: String, _ output: String, _ target: String) -> Metric? {
    switch name {
    case "accuracy": .accuracy(output, labels: target)
    case "auc": .auc(output, labels: target)
    case "mae": .meanAbsoluteError(output, targets: target)
    case "rmse": .rootMeanSquaredError(output, targets: target)
    case "r2": .rSquared(output, targets: target)
    case _ where name.hasPrefix("top"):
      Int(name.dropFirst(3)).flatMap { $0 > 0 ? .topK($0, output, labels: target) : nil }
    default: nil
    }
  }
}

extension GraphDef {
  func hasTensor(named name: String) -> Bool { value(named: name) != nil }

  /// A result of a node: `head/add`, `split:1`.
  func value(named name: String) -> Value? {
    let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
    guard let node = parts.first.flatMap({ index(ofNodeNamed: $0) }) else { return nil }
    guard let result = parts.count == 2 ? Int(parts[1]) : 0, nodes[node].types.indices.contains(result) else {
      return nil
    }
    return Value(node, result)
  }

  /// The placeholders that these tensors are made of, in the order of the graph.
  func placeholders(of values: [Value]) -> [(name: String, type: TensorType)] {
    var graph = self
    graph.outputs = values
    return graph.removingDeadNodes(keepingAssignments: false).nodes.compactMap { node in
      guard case .feeds = node.op.effect, let type = node.types.first else { return nil }
      return (node.name, type)
    }
  }
}
