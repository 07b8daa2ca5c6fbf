import FirnGraph
import FirnNotation

extension Explanation {
  /// What is suspicious: every rule of `Docs/Lint.md`, in the order of codes.
  ///
  /// - Parameter loaded: names of the variables that hold loaded or trained values; without it none is called random.
  public func lint(loaded: Set<String>? = nil) -> LintReport {
    let report = status
    var findings = starved(report)
    if let loaded { findings += frozenAndRandom(report, loaded) }
    if !flow.ends.isEmpty {
      let traffic = GradientTraffic(flow, trainability)
      let stops = traffic.idleStops()
      findings += stops.filter { $0.code == .stopWithoutEffect }
      findings += stopsBeyondTheirScope(report)
      findings += notUnderLoss(report)
      findings += tiedAndSplit(report)
      findings += stops.filter { $0.code == .stopBehindStop }
      findings += movingAndHeld()
      findings += numberedSiblings()
      findings += laggingAverages()
      findings += traffic.poisonedSelects()
      findings += traffic.channelsFirst()
    }
    findings += rateOfZero()
    return LintReport(findings)
  }

  private func finding(
    _ code: Finding.Code, _ message: String, subjects: [String] = [], at values: [Int] = [], remedy: String
  ) -> Finding {
    Finding(
      code, message, subjects: subjects, places: values.map { NodePlace(flow.node(of: $0)) }, remedy: remedy)
  }

  /// What groups give a rate of 0: it costs what training costs, and stays where it is.
  private func rateOfZero() -> [Finding] {
    objectives.compactMap { objective in
      let still = objective.groups.still.filter { part in
        [.trained, .partly].contains(verdicts.verdict(on: part.variable).status)
      }.map(\.description)
      if still.isEmpty { return nil }
      let listed = still.prefix(LossFlow.listed).map { "`\($0)`" }.joined(separator: ", ")
      let rest = still.count - LossFlow.listed
      return Finding(
        .rateOfZero,
        "\(listed)" + (rest > 0 ? " and \(rest) more" : "")
          + " \(still.count == 1 ? "is" : "are") trained by `\(objective.goal.optimizer.name)` at a rate of 0",
        subjects: still,
        remedy: "freeze by `freezing:` what is to stay: then no gradient is made, and no memory kept")
    }
  }

  private func starved(_ report: StatusReport) -> [Finding] {
    report.variables.filter { $0.status == .cutOff }.map { entry in
      let flow = flow(by: entry.name)
      let reads = flow.reads[entry.name] ?? []
      return finding(
        .starved, "`\(entry.name)` is trainable, but \(entry.reason)",
        subjects: [entry.name], at: flow.firstCuts(of: reads).map(\.to),
        remedy: "move or remove the cut, or freeze the variable so that it is meant")
    }
  }

  private func frozenAndRandom(_ report: StatusReport, _ loaded: Set<String>) -> [Finding] {
    zip(variables, report.variables).filter { variable, entry in
      entry.status == .frozen && variable.kind == .parameter && variable.shadow == nil
        && !variable.initializer.isGiven && !loaded.contains(variable.name)
    }.map { variable, entry in
      finding(
        .frozenAndRandom, "`\(variable.name)` is frozen but was never loaded or trained: it stays random",
        subjects: [variable.name], remedy: "load it before training, or train it")
    }
  }

  /// Stops that starve variables of scopes other than the one they stand in, or on whose output they stand.
  private func stopsBeyondTheirScope(_ report: StatusReport) -> [Finding] {
    var starved: [Int: [String]] = [:]
    var order: [Int] = []
    for entry in report.variables where entry.status == .cutOff {
      let flow = flow(by: entry.name)
      for cut in flow.firstCuts(of: flow.reads[entry.name] ?? []).map(\.to)
      where flow.node(of: cut).isStop && !flow.node(of: cut).isOfFormula {
        if starved[cut] == nil { order.append(cut) }
        starved[cut, default: []].append(entry.name)
      }
    }
    return order.sorted().compactMap { cut in
      let node = flow.node(of: cut)
      let operand = node.inputs.first.map { flow.graph.nodes[$0.node].scope } ?? ""
      let own = node.scope.isEmpty ? operand : node.scope
      let strangers = (starved[cut] ?? []).filter { own.isEmpty || !Path.isWithin($0, own) }
      guard !own.isEmpty, !strangers.isEmpty else { return nil }
      return finding(
        .stopBeyondItsScope,
        "stop_gradient `\(node.name)` stands at `\(own)` and cuts off "
          + strangers.map { "`\($0)`" }.joined(separator: ", "), subjects: strangers, at: [cut],
        remedy:
          "to keep a layer as it is, freeze it by name; a stop on a layer's output starves that one too")
    }
  }

  /// The outermost scopes that hold trainable variables, none of which the loss can move.
  private func notUnderLoss(_ report: StatusReport) -> [Finding] {
    var reported: Set<String> = []
    var findings: [Finding] = []
    var isAlive: [String: Bool] = [:]
    for entry in report.variables where entry.status != .frozen && entry.status != .state {
      let isDead = entry.status == .notUnderLoss || entry.status == .neverRead
      for scope in Path.ancestors(of: entry.name) { isAlive[scope] = isAlive[scope] ?? false || !isDead }
    }
    for entry in report.variables where entry.status == .notUnderLoss || entry.status == .neverRead {
      let scope = Path.ancestors(of: entry.name).last { isAlive[$0] == false }
      let subject = scope ?? entry.name
      guard reported.insert(subject).inserted else { continue }
      let what = scope == nil ? "variable `\(subject)`" : "scope `\(subject)`"
      findings.append(
        finding(
          .notUnderLoss, "\(what) is trainable, but \(entry.reason)", subjects: [subject],
          remedy: "make the loss from it, or freeze it so that it is meant"))
    }
    return findings
  }

  private func tiedAndSplit(_ report: StatusReport) -> [Finding] {
    let context = request.selectionContext
    let frozen = Set((try? request.freezing?.resolve(in: context))?.map(\.variable.name) ?? [])
    let thawed = Set((try? request.thawing?.resolve(in: context))?.map(\.variable.name) ?? [])
    let scopes = Dictionary(report.scopes.map { ($0.path, $0.status) }) { first, _ in first }
    return report.variables.filter { $0.readers.count > 1 && $0.status != .state }.compactMap { entry in
      if frozen.contains(entry.name), thawed.contains(entry.name) {
        return finding(
          .tiedAndSplit,
          "`\(entry.name)`, read in \(list(entry.readers)), is named by `freezing:` and by `thawing:`",
          subjects: [entry.name], remedy: "name it in one of them; `thawing:` wins")
      }
      let cold = entry.readers.filter { scopes[$0] == .frozen && !Path.isWithin(entry.name, $0) }
      let warm = entry.readers.filter {
        (scopes[$0] == .trained || scopes[$0] == .partly) && !Path.isWithin(entry.name, $0)
      }
      guard entry.status == .frozen ? !warm.isEmpty && entry.readers.count > warm.count : !cold.isEmpty
      else { return nil }
      return finding(
        .tiedAndSplit,
        entry.status == .frozen
          ? "`\(entry.name)` is frozen, also for \(list(warm)), where it is read among trained variables"
          : "`\(entry.name)` is trained, also for \(list(cold)), where all else is frozen",
        subjects: [entry.name],
        remedy: "it is one variable with one state; cut one use with `stopGradient`, or give each its own")
    }
  }

  /// State that moves in a frozen scope, then state that is held in a trained one.
  private func movingAndHeld() -> [Finding] {
    var moving: [String: [String]] = [:]
    var held: [String: [String]] = [:]
    for variable in variables where variable.kind == .state {
      let scope = Path.parent(of: variable.name)
      switch verdicts.modes.motions[variable.name] {
      case .moves(.some, _): moving[scope, default: []].append(variable.name)
      case .held(.selection), .held(.declaration): held[scope, default: []].append(variable.name)
      case .moves, .held, nil: continue
      }
    }
    return moving.keys.sorted(by: isBefore).map { scope in
      finding(
        .frozenAndMoving,
        "`\(scope)` is frozen, but \(list(moving[scope] ?? [])) move\(moving[scope]?.count == 1 ? "s" : "") in every step",
        subjects: moving[scope] ?? [],
        remedy: "leave `\(scope)` out of `keepingTrainingMode:` unless this is meant")
    }
      + held.keys.sorted(by: isBefore).map { scope in
        finding(
          .trainedAndHeld,
          "`\(scope)` learns by the statistics of batches, but \(list(held[scope] ?? [])) \(held[scope]?.count == 1 ? "is" : "are") held: inference will differ",
          subjects: held[scope] ?? [],
          remedy:
            "name the state by `thawing:` too, or `\(scope)` by `keepingInferenceMode:`, or freeze all of it")
      }
  }

  private func isBefore(_ a: String, _ b: String) -> Bool {
    let first = { scope in variables.firstIndex { Path.isWithin($0.name, scope) } ?? 0 }
    return first(a) < first(b)
  }

  private func list(_ scopes: [String]) -> String {
    scopes.map { $0.isEmpty ? "the top scope" : "`\($0)`" }.joined(separator: ", ")
  }
}
