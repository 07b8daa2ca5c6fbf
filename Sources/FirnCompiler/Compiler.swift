package import FirnGraph
import FirnOps

extension Compiler {
  /// The pipeline, in order, with the reason for each place.
  package static let pipeline: [Pass] = [
    // First, so that nothing below works on what nobody asked for, and no fetch pulls in a stray assignment.
    extractRequested,
    // Before differentiation: what a frozen dropout does decides which gradients exist.
    resolveModes,
    // Requests the user wrote come first: the loss may be made of their results.
    expandGradients,
    // Before pruning: it asks for gradients by the trained blocks of a variable, so these must be values of their own
    // by then.
    splitVariables,
    // The objectives' own requests, each over exactly the variables a gradient reaches: no adjoint is built to be
    // thrown away.
    pruneGradients,
    // Before expansion, while each gradient still is one result of one node.
    applyOptimizer,
    // Now the objectives'.
    expandGradients,
    // Right after: it says which gradients are of looked-up rows alone, and what of an update is by rows must not hang
    // on a pass that can be left out.
    updateRows,
    // Only after every expansion may a `stop_gradient` go: until then it is what cuts.
    simplify,
    // After `simplify`, which has joined the slices that loops read into whole variables again: where only a block of
    // an adjoint is used, this computes only that block.
    narrowAdjoints,
    // Before the passes on loops, which look for one total and one operand: equal ones are merged by now.
    commonSubexpressions,
    // First of the passes on loops: what it takes out of a body, the next two find outside as captures.
    hoistInvariants,
    // Second: the products it takes out leave their results stacked, as `sum-after-loops` wants its operands.
    batchSteps,
    // Last of them: it multiplies what the loops, as they are now, have stacked.
    sumAfterLoops,
    // After what moves products out of loops: only those that stay read their weights step by step. After all
    // differentiation too, so that no gradient goes by way of panels.
    arrangeOnce,
    // A loop forward and its loop back have each put the same nodes before them; one of each is enough.
    commonSubexpressions,
    // Removes what expansion kept for nobody and what merging made superfluous: a program's results are what is read.
    deadCode,
    // After all that makes gradients cheaper or moves them: the order in which they are made is what buckets go by.
    exchangeGradients,
    // After dead nodes are gone, for it asks who else reads a value; after all gradients exist, which read what is made
    // before it is scaled.
    foldFrozen,
    // After `fold-frozen`: what is rounded is the kernel that is multiplied.
    storeFrozen,
    // After `fold-frozen`, which makes kernels of kernels and norms, and knows convolutions; after all differentiation, so
    // that gradients of images have it too; before `hoist-frozen`, which takes what it makes out of the step.
    transformFrozen,
    // After `arrange-once`, whose packing is a node by now, and after what makes more of what is frozen; before `fuse`,
    // which would put what is frozen into one program with what is not.
    hoistFrozen,
    // After the last pass that would merge a copy with what it copies, and after what takes frozen values out of scopes:
    // those are at hand.
    recompute,
    // After it: what is computed again is not kept. Before `fuse`, which makes masks where it makes what they are of.
    keepBits,
    // After it: of what less is kept than it is, nothing else is to be made. Before `fuse`, whose programs make it.
    remakeQuick,
    // Nothing looks into a program any more.
    fuse,
    // Last: what all passes have made of one update holds for its copies, so that none has to go through them.
    copyUpdates,
  ]

  /// The pipeline without some of its passes, to find which one is to blame.
  ///
  /// - Parameter text: names to leave out, each behind a minus: `-simplify,-batch-steps`; blanks do not count.
  /// - Throws: `.invalidArgument` for what is no pass, or one that no program is right without.
  package static func pipeline(changedBy text: String) throws(FirnError) -> [Pass] {
    let optional = pipeline.filter { !$0.isRequired }.map(\.name)
    var skipped: Set<String> = []
    for part in text.split(separator: ",") {
      let word = part.filter { !$0.isWhitespace }
      let name = word.hasPrefix("-") ? String(word.dropFirst()) : word
      guard word.hasPrefix("-"), optional.contains(name) else {
        let isRequired = pipeline.contains { $0.name == name }
        let known = optional.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        throw FirnError(
          .invalidArgument,
          isRequired && word.hasPrefix("-")
            ? "no program is right without the pass `\(name)`" : "`\(word)` leaves out no pass",
          remedy: (NearestNames(to: name, among: known).question.map { $0 + " " } ?? "")
            + "write a minus before one of " + known.joined(separator: ", "),
          place: "FIRN_PASSES")
      }
      skipped.insert(name)
    }
    return pipeline.filter { !skipped.contains($0.name) }
  }

  /// Runs the pipeline.
  ///
  /// - Parameters:
  ///   - pipeline: other passes, for tests.
  ///   - dump: is given the input and every stage that differs from the one before.
  /// - Throws: what the request gets wrong (selection, gradients without path, loss that is no scalar).
  package static func compile(
    _ request: CompilationRequest, pipeline: [Pass] = pipeline, dump: (any StageDump)? = nil
  ) throws(FirnError) -> Compilation {
    try request.graph.verify()
    try requireWhole(request.graph)
    var context = try CompilationContext(request)
    try check(request)
    // Members exchange gradients in the order in which these are made, which copies would not show.
    context.copiesUpdates =
      request.training?.exchange == nil && pipeline.contains { $0.name == copyUpdates.name }
    var graph = request.graph
    graph.outputs = context.outputs
    dump?.stage("input", graph, at: 0)
    let clock = ContinuousClock()
    // By pass, how often the graph had changed when it was run last.
    var (changes, settled) = (0, [String: Int]())
    let verification = StageVerification(isBeside: dump == nil)
    defer { verification.finish() }
    for (position, pass) in pipeline.enumerated() {
      let start = clock.now
      let isSettled = pass.isIdempotent && settled[pass.name] == changes
      let result = isSettled ? graph : try pass.run(graph, &context)
      let isChange = result != graph
      context.history.append(
        PassRecord(
          pass: pass.name, nodesBefore: graph.nodes.count, nodesAfter: result.nodes.count, isChange: isChange,
          duration: clock.now - start))
      if isChange { changes += 1 }
      settled[pass.name] = changes
      guard isChange else { continue }
      verification.begin(result, madeOf: graph, by: pass.name, outputs: context.outputCount)
      graph = result
      graph.origins = nil
      dump?.stage(pass.name, graph, at: position + 1)
    }
    verification.finish()
    let written = try requireOneWriter(graph)
    requireComplete(graph, context, writing: written)
    if !context.bound.outputs.isEmpty { dump?.stage("bound", context.bound, at: pipeline.count + 1) }
    return Compilation(graph: graph, context: context)
  }

  /// - Throws: what is wrong with the objectives.
  private static func check(_ request: CompilationRequest) throws(FirnError) {
    guard let training = request.training else { return }
    if training.goals.isEmpty {
      throw FirnError(.invalidArgument, "a training program without an objective", remedy: "give one")
    }
    var names: Set<String> = []
    for goal in training.goals {
      try check(goal, request.graph)
      guard let name = goal.name, !(Path.isValid(name) && names.insert(name).inserted) else { continue }
      throw FirnError(
        .invalidArgument,
        Path.isValid(name) ? "two objectives are called `\(name)`" : "an objective is called `\(name)`",
        remedy: "give each a path of its own", place: name)
    }
    var held: Set<String> = []
    for (read, mask) in training.holding {
      let variable = try request.graph.requireMask(mask, of: read)
      if held.insert(variable).inserted { continue }
      throw FirnError(
        .invalidArgument, "two masks hold elements of `\(variable)`",
        remedy: "give one, true where either is", place: variable)
    }
    if case .value(let weight)? = training.exchange?.weight {
      try request.graph.requireNumber(weight, "the weight of a run", isFlag: false)
    }
    guard let averaging = training.averaging else { return }
    if case .decay(let decay) = averaging.rule, !(0..<1).contains(decay) {
      throw FirnError(
        .invalidArgument, "averages have a decay of \(decay)",
        remedy: "give a number of at least 0 and below 1")
    }
    if averaging.name.contains("/") || !Path.isValid(averaging.name)
      || training.goals.contains(where: { $0.optimizer.name == averaging.name })
    {
      throw FirnError(
        .invalidArgument, "averages are called `\(averaging.name)`",
        remedy: "give one component of a path that is no optimiser's name", place: averaging.name)
    }
  }

  private static func check(_ goal: CompilationRequest.Goal, _ graph: GraphDef) throws(FirnError) {
    if let loss = goal.loss { try graph.requireScalar(loss) }
    if let clipping = goal.clipping, !(clipping.limit > 0) {
      let what = if case .value = clipping { "bound" } else { "norm" }
      throw FirnError(
        .invalidArgument, "the clipping \(what) is \(clipping.limit)", remedy: "give a positive one, or none")
    }
    for (read, gradient) in goal.given {
      let (type, wanted) = (graph.type(of: gradient), graph.type(of: read))
      guard type != wanted else { continue }
      throw FirnError(
        type.shape == wanted.shape ? .typeMismatch : .shapeMismatch,
        "`\(graph.name(of: gradient))` is \(type), and no gradient of `\(graph.name(of: read))`, which is \(wanted)",
        remedy: "give a tensor of the variable's type", place: graph.name(of: gradient))
    }
    if let window = goal.window {
      if window.runs < 1 {
        throw FirnError(
          .invalidArgument, "gradients are accumulated over \(window.runs) runs", remedy: "give one or more")
      }
      if goal.adding != nil {
        throw FirnError(
          .invalidArgument, "an objective that accumulates adds to the gradients of another",
          remedy: "let the objective accumulate that trains the variables")
      }
      if let weight = window.weight { try graph.requireNumber(weight, "the weight of a run", isFlag: false) }
      if let closing = window.closing {
        try graph.requireNumber(closing, "what closes a window", isFlag: true)
      }
    }
    switch goal.condition {
    case .every(let runs) where runs < 1:
      throw FirnError(
        .invalidArgument, "an objective is to take part in every run of \(runs)", remedy: "give one or more")
    case .flag(let flag): try graph.requireNumber(flag, "the condition of an objective", isFlag: true)
    case .every, nil: break
    }
    try goal.optimizer.validate()
  }

  /// - Throws: where a graph is a step's alone, without the bound program.
  private static func requireWhole(_ graph: GraphDef) throws(FirnError) {
    guard let node = graph.nodes.first(where: { $0.traits.contains(.recalls) }) else { return }
    throw FirnError(
      .invalidGraph, "`\(node.name)` is a value of a bound program, which is not here",
      remedy: "compile the graph as it was built, or what was compiled with `FIRN_PASSES=-hoist-frozen`",
      place: node.name, location: node.location)
  }

  /// Two assignments of one variable have no order that a user could know, unless the rows they write are apart.
  ///
  /// - Returns: by variable the first node that writes it.
  private static func requireOneWriter(_ graph: GraphDef) throws(FirnError) -> [String: Int] {
    // Most variables have one writer.
    var first: [String: Int] = Dictionary(
      minimumCapacity: graph.nodes.count { $0.traits.contains(.writes) })
    var further: [String: [Int]] = [:]
    for position in graph.nodes.indices where graph.nodes[position].traits.contains(.writes) {
      let node = graph.nodes[position]
      guard case .writes(let name) = node.op.effect else { continue }
      guard let known = first[name] else {
        first[name] = position
        continue
      }
      let other = ([known] + (further[name] ?? [])).first {
        !areApart(graph.nodes[$0].op.writtenRows, node.op.writtenRows)
      }
      further[name, default: []].append(position)
      if let other = other.map({ graph.nodes[$0] }) {
        throw FirnError(
          .invalidGraph, "one run would write `\(name)` twice: by `\(other.name)` and by `\(node.name)`",
          remedy: "fetch one of the assignments, or freeze the variable where it is assigned by hand",
          place: name,
          location: node.location ?? other.location)
      }
    }
    return first
  }

  private static func areApart(_ a: Range<Int>?, _ b: Range<Int>?) -> Bool {
    guard let a, let b else { return false }
    return a.upperBound <= b.lowerBound || b.upperBound <= a.lowerBound
  }

  /// Nothing that a pass was to do may be left undone, however the pipeline is made up: a program that trains less than
  /// was asked for would look like one that learns badly.
  ///
  /// - Parameter written: the variables that the graph writes.
  private static func requireComplete(
    _ graph: GraphDef, _ context: CompilationContext, writing written: [String: Int]
  ) {
    for position in graph.nodes.indices
    where !graph.nodes[position].traits.isDisjoint(with: .unfinished) {
      let node = graph.nodes[position]
      if node.holdsGradientRequest { firnBug("compiler", "the request `\(node.name)` was not expanded") }
      if node.isExchangedMean { firnBug("compiler", "`\(node.name)` was not exchanged") }
      if node.trainingAssignment != nil { firnBug("compiler", "the mode of `\(node.name)` was not resolved") }
    }
    requireBound(graph, context.bound)
    guard context.request.training != nil else { return }
    guard context.prunings.count == context.objectives.count else {
      firnBug("compiler", "the loss was never differentiated")
    }
    if let idle = context.prunings.lazy.flatMap(\.live).first(where: { written[$0] == nil }) {
      firnBug("compiler", "`\(idle)` is to be trained, but nothing writes it")
    }
  }

  /// What a step recalls the bound program makes.
  private static func requireBound(_ graph: GraphDef, _ bound: GraphDef) {
    do {
      try bound.verify()
    } catch {
      firnBug("hoist-frozen", error.description)
    }
    var made: [String: TensorType] = [:]
    for output in bound.outputs { made[bound.name(of: output)] = bound.type(of: output) }
    for node in graph.nodes where node.traits.contains(.recalls) {
      guard case .recalls(let value) = node.op.effect, made[value] == node.types[0] else {
        firnBug("hoist-frozen", "the bound program does not make `\(node.name)`")
      }
    }
  }
}

/// Where the stages of a compilation are written, for debugging.
package protocol StageDump {
  func stage(_ name: String, _ graph: GraphDef, at position: Int)
}
