import FirnGraph

/// A stored tensor under the name, and with the shape, a map gives it.
struct MappedWeight {
  /// Relative to the scope that is loaded into.
  let target: String
  /// What it is made from, in the order of the file.
  let sources: [WeightEntry]
  let shape: [Int]
  /// What was done to the elements, in words; empty where nothing was.
  let change: String
  /// What is done to the only source; nil for what is made from several.
  let transform: WeightTransform?
  let read: () throws(FirnError) -> NDArray
}

/// What a map makes of a file.
struct MappedWeights {
  var weights: [MappedWeight] = []
  /// Left out on purpose.
  var ignored: [String] = []
  /// What a rule was about but could not convert, and why.
  var failed: [(sources: [String], error: FirnError)] = []

  /// - Parameter variables: names of what is loaded into, for rules with a choice.
  /// - Throws: where a pattern of the map is none.
  init(_ weights: Weights, by map: NameMap, variables: Set<String>) throws(FirnError) {
    var rules: [(NameMap.Rule, NamePattern.Compiled?)] = []
    for rule in map.rules {
      switch rule {
      case .rename(let pattern, _), .ignore(let pattern): rules.append((rule, try pattern.compiled()))
      case .modules, .recurrent: rules.append((rule, nil))
      }
    }
    let wanted = map.rules.map { rule in
      if case .recurrent(let network, let layout, _, _) = rule {
        network.names(in: layout)
      } else {
        Set<String>()
      }
    }
    var members = [[WeightEntry]](repeating: [], count: rules.count)
    for entry in weights.entries {
      var isTaken = false
      for (number, (rule, pattern)) in rules.enumerated() where !isTaken {
        isTaken = true
        switch rule {
        case .recurrent(_, _, let prefix, _):
          isTaken = Self.weightName(of: entry, below: prefix).map(wanted[number].contains) ?? false
          if isTaken { members[number].append(entry) }
        case .modules: addModule(entry, variables)
        case .ignore:
          isTaken = try pattern?.apply(to: entry.name) != nil
          if isTaken { ignored.append(entry.name) }
        case .rename(_, let transform):
          let target = try pattern?.apply(to: entry.name)
          if let target { add(entry, target, transform) }
          isTaken = target != nil
        }
      }
      if !isTaken { add(entry, entry.name, .none) }
    }
    for (number, (rule, _)) in rules.enumerated() where !members[number].isEmpty {
      if case .recurrent(let network, let layout, let prefix, let scope) = rule {
        addNetwork(network, layout, members[number], prefix: prefix, scope: scope)
      }
    }
  }

  private mutating func add(_ entry: WeightEntry, _ target: String, _ transform: WeightTransform) {
    do throws(FirnError) {
      weights.append(
        MappedWeight(
          target: target, sources: [entry], shape: try transform.shape(of: entry.shape),
          change: transform.description, transform: transform
        ) { () throws(FirnError) in try transform(entry.array()) })
    } catch {
      failed.append(([entry.name], error))
    }
  }

  private mutating func addModule(_ entry: WeightEntry, _ variables: Set<String>) {
    var path = entry.name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let leaf = path.removeLast()
    if leaf == "num_batches_tracked" {
      ignored.append(entry.name)
      return
    }
    let rank = entry.shape.count
    let spatial = rank < 3 ? [] : Array(2..<rank)
    let candidates: [(String, WeightTransform)] =
      switch leaf {
      case "weight" where rank == 1: [("gamma", .none)]
      case "weight" where rank == 2: [("kernel", .transposed), ("table", .none)]
      case "weight" where rank > 2: [("kernel", .permuted(spatial + [1, 0]))]
      case "bias": [("bias", .none), ("beta", .none)]
      case "running_mean": [("moving_mean", .none)]
      case "running_var": [("moving_variance", .none)]
      default: [(leaf, .none)]
      }
    let paths = candidates.map { ((path + [$0.0]).joined(separator: "/"), $0.1) }
    let chosen = paths.first { variables.contains($0.0) } ?? paths[0]
    add(entry, chosen.0, chosen.1)
  }

  /// What a recurrent network calls it: TensorFlow 1 adds `:0`, as to the name of any output.
  private static func weightName(of entry: WeightEntry, below prefix: String) -> String? {
    guard entry.name.hasPrefix(prefix) else { return nil }
    let name = entry.name.dropFirst(prefix.count)
    return String(name.hasSuffix(":0") ? name.dropLast(2) : name)
  }

  private mutating func addNetwork(
    _ network: RecurrentNetwork, _ layout: RecurrentLayout, _ entries: [WeightEntry], prefix: String,
    scope: String
  ) {
    do throws(FirnError) {
      var arrays: [String: NDArray] = [:]
      for entry in entries {
        guard let name = Self.weightName(of: entry, below: prefix) else { continue }
        arrays[name] = try entry.array()
      }
      let converted = try network.converting(arrays, from: layout, to: .firn(scope: scope))
      for name in converted.keys.sorted() {
        guard let array = converted[name] else { continue }
        weights.append(
          MappedWeight(
            target: name, sources: entries, shape: array.shape, change: "converted as a recurrent network",
            transform: nil
          ) { () throws(FirnError) in array })
      }
    } catch {
      failed.append((entries.map(\.name), error))
    }
  }
}
