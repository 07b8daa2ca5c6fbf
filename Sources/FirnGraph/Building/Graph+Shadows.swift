extension Graph {
  /// Declares a second set of the variables of a scope, which follows the first: a mean teacher, the target of BYOL,
  /// the key encoder of MoCo, a target network.
  ///
  ///     graph.scope("online") { encoder(x) }
  ///     graph.shadow(of: "online", as: "target", decay: 0.99)
  ///     let goal = graph.scope("target", reuse: true) { sameLayers(y) }
  ///
  /// The variables of the shadow begin as what their sources are, loaded weights too, as long as no step has moved the
  /// shadow and nobody has set it. After each step of a program that trains any of the sources, each of them moves:
  ///
  ///     t' = t + (1 - decay)·(w' - t)
  ///  where w' is the source after the step. Runs that make no step move none. What reads the shadow reads it as it was
  /// before the step, as everything does. No gradient ever trains it (`thawing:` changes nothing about that), no
  /// optimiser keeps memory for it, and its scope runs in inference mode unless `keepingTrainingMode:` names it.
  /// Sources that a program freezes are followed in it too, as a shadow may lag behind what was trained before.
  ///
  /// Variables that the scope gets later have no shadow. What the graph says of shadows is stored with it.
  ///
  /// Tarvainen and Valpola, NeurIPS 2017, equation 1; Grill and others, NeurIPS 2020, equation 1; He and others, CVPR
  /// 2020, equation 2; copies every n steps: Mnih and others, Nature 518, 2015.
  ///
  /// - Parameters:
  ///   - scope: the path of the sources, with variables.
  ///   - target: the path of the shadow, a scope without variables, that is not inside of `scope`.
  ///   - decay: how much of itself the shadow keeps, at least 0 and below 1; 0 copies.
  ///   - interval: steps from one change to the next: `decay: 0, every: 1000` copies each thousandth. Their count is
  ///     one more
  ///     variable, `target/shadowed_steps`. 1 by default.
  ///   - statistics: what becomes of state, such as moving averages of batch norms; copied by default.
  /// - Complexity: memory for one more of each variable; 3 FLOPs and 3 accesses for each element in a step.
  public func shadow(
    of scope: String, as target: String, decay: Double, every interval: Int = 1,
    statistics: Shadow.Statistics = .copied, file: StaticString = #fileID, line: UInt = #line
  ) {
    let location = CallSite(file, line)
    let graph = root
    let (from, to) = (Path.joined(fullScopePath, scope), Path.joined(fullScopePath, target))
    let sources = graph.variables.filter { Path.isWithin($0.name, from) && $0.kind != .slot }
    if let fault = shadowFault(from, to, sources, decay, interval) {
      report(fault, location: location)
      return
    }
    let counter = interval > 1 ? Path.joined(to, "shadowed_steps") : nil
    if let counter {
      graph.declare(
        Variable(
          name: counter, type: TensorType(.f64, .scalar), kind: .state, role: "shadowed_steps",
          initializer: .zeros, isTrainable: false, location: location))
    }
    for source in sources {
      let isState = source.kind == .state
      let copies = isState && (statistics == .copied || !source.type.dtype.isFloatingPoint)
      let shadow =
        isState && statistics == .own
        ? nil
        : Shadow(of: source.name, decay: copies ? 0 : decay, interval: interval, counter: counter)
      graph.declare(
        Variable(
          name: to + source.name.dropFirst(from.count), type: source.type, kind: source.kind,
          role: source.role,
          initializer: source.initializer, isTrainable: false, isHeld: source.isHeld, blocks: source.blocks,
          shadow: shadow, location: location))
    }
  }

  private func shadowFault(
    _ from: String, _ to: String, _ sources: [Variable], _ decay: Double, _ interval: Int
  ) -> FirnError? {
    let variables = root.variables
    if sources.isEmpty {
      let scopes = variables.flatMap { Path.ancestors(of: $0.name) }
      return FirnError(
        .unknownName, "there is no scope `\(from)` with variables that a shadow could be of",
        remedy: NearestNames(to: from, among: scopes).question
          ?? "make the variables first, then their shadow",
        place: from)
    }
    if !Path.isValid(to) || Path.isWithin(to, from) {
      return FirnError(
        .invalidArgument, "the shadow of `\(from)` cannot stand in `\(to)`",
        remedy: "name a scope outside of it by letters, digits, `_`, `-` and `.`", place: to)
    }
    if let taken = variables.first(where: { $0.name == to || Path.isWithin($0.name, to) }) {
      return FirnError(
        .duplicateName, "variable `\(taken.name)` exists already, where the shadow of `\(from)` is to stand",
        remedy: "declare the shadow first, then make its layers in `graph.scope(\"\(to)\", reuse: true)`",
        place: taken.name)
    }
    if let shadow = sources.first(where: { $0.shadow != nil }) {
      return FirnError(
        .invalidArgument, "`\(shadow.name)` is a shadow itself",
        remedy: "make a second shadow of what it follows",
        place: shadow.name)
    }
    if !(0..<1).contains(decay) {
      return FirnError(
        .invalidArgument, "a shadow has a decay of \(decay)",
        remedy: "give a number of at least 0 and below 1",
        place: to)
    }
    if interval < 1 {
      return FirnError(
        .invalidArgument, "a shadow changes every \(interval) steps", remedy: "give one or more", place: to)
    }
    return nil
  }
}
