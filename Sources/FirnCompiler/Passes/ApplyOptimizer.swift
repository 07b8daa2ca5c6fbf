import FirnGraph
import FirnOps

extension Compiler {
  /// `apply-optimizer`: one update for each trained variable, and the variables that are its memory.
  ///
  /// Frozen variables have no node here: no slot, no decay, no share in the clipping norm (rule 5). By gradient descent at rate 0.5:
  ///
  ///     variable w : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %w = read() {variable = "w", dtype = f32, shape = [2]} : f32[2]
  ///     %loss = reduce_sum(%w) {axes = [0], keeps_axes = false} : f32[]
  ///     %gradients = gradients(%loss, %w) {seeded = [false], targets = 1, stops = 0, unconnected = "error"} : f32[2] @backward
  ///     return %loss
  ///
  /// becomes
  ///
  ///     variable w : f32[2] {kind = "parameter", role = "", trainable = true, initializer = ["constant", 1.0]}
  ///     %w = read() {variable = "w", dtype = f32, shape = [2]} : f32[2]
  ///     %loss = reduce_sum(%w) {axes = [0], keeps_axes = false} : f32[]
  ///     %gradients = gradients(%loss, %w) {seeded = [false], targets = 1, stops = 0, unconnected = "error"} : f32[2] @backward
  ///     %update/w/constant = constant() {value = f32[](0.5)} : f32[] @update
  ///     %update/w/broadcast = broadcast(%update/w/constant) {shape = [2]} : f32[2] @update
  ///     %update/w/mul = mul(%update/w/broadcast, %gradients) : f32[2] @update
  ///     %update/w/sub = sub(%w, %update/w/mul) : f32[2] @update
  ///     %update/w/assign = assign(%update/w/sub) {variable = "w"} : f32[2] @update
  ///     return %loss
  package static let applyOptimizer = Pass("apply-optimizer") { graph, context throws(FirnError) in
    guard let training = context.request.training, let pruning = context.pruning,
      let request = graph.nodes.indices.last, let op = graph.nodes[request].op as? Gradients
    else { return graph }
    let builder = Graph(resuming: graph)
    builder.phase = .update
    var gradients: [String: Tensor] = [:]
    for (result, target) in op.targetRange.enumerated() {
      guard case .reads(let name) = graph.nodes[graph.nodes[request].inputs[target].node].op.effect else {
        continue
      }
      let gradient = Tensor(builder, Value(request, result))
      gradients[name] = gradients[name].map { $0 + gradient } ?? gradient
    }
    var ordered: [(Variable, Tensor)] = []
    for name in pruning.live {
      if let variable = graph.variable(named: name), let gradient = gradients[name] {
        ordered.append((variable, gradient))
      }
    }
    if let limit = training.clippingNorm {
      let clipped = builder.section("update/clip", phase: .update) {
        Self.clipping(ordered.map(\.1), toGlobalNorm: limit)
      }
      ordered = zip(ordered, clipped).map { ($0.0, $1) }
    }
    for (variable, gradient) in ordered {
      builder.section("update/" + variable.name, phase: .update) {
        Self.append(training.optimizer, for: variable, gradient: gradient, to: builder)
      }
    }
    try builder.validate()
    var result = builder.definition
    result.outputs = graph.outputs
    return result
  }

  private static func append(
    _ optimizer: any Optimizer, for variable: Variable, gradient: Tensor, to graph: Graph
  ) {
    var slots: [Tensor] = []
    var declarations: [Variable] = []
    for slot in optimizer.slots(for: variable) {
      let name = "\(variable.name)/\(optimizer.name)/\(slot.name)"
      if let fault = fault(of: slot, named: name, among: graph.variables) {
        graph.report(
          FirnError(
            .invalidArgument, "optimizer `\(optimizer.name)`: slot `\(slot.name)` \(fault.message)",
            remedy: fault.remedy, place: variable.name))
        return
      }
      let declaration = Variable(
        name: name, type: slot.type, kind: .slot, role: slot.name, initializer: slot.initializer,
        isTrainable: false)
      graph.declare(declaration)
      declarations.append(declaration)
      slots.append(graph.append(ReadVariable(declaration), [], name: slot.name)[0])
    }
    guard let read = graph.nodes.firstIndex(where: { ($0.op as? ReadVariable)?.variable == variable.name })
    else {
      firnBug("apply-optimizer", "`\(variable.name)` is trained but never read")
    }
    let updated = optimizer.update(
      ParameterUpdate(variable: variable, value: Tensor(graph, Value(read)), gradient: gradient, slots: slots)
    )
    let targets = [variable] + declarations
    let values = [updated.value] + updated.slots
    guard values.count == targets.count else {
      graph.report(
        FirnError(
          .invalidArgument,
          "optimizer `\(optimizer.name)` lists \(declarations.count) slots and updates \(updated.slots.count)",
          remedy: "return one new value for each slot", place: variable.name))
      return
    }
    for (target, value) in zip(targets, values) {
      if value.isPoisoned, graph.diagnostics.isEmpty {
        graph.report(
          FirnError(
            .invalidArgument, "optimizer `\(optimizer.name)` makes a faulty expression of `\(target.name)`",
            remedy: "make the update from the tensors it is given", place: variable.name))
      }
      guard value.isPoisoned || value.type == target.type else {
        graph.report(
          FirnError(
            .shapeMismatch,
            "optimizer `\(optimizer.name)` makes \(value.type) of `\(target.name)`, which is \(target.type)",
            remedy: "keep types in the update", place: variable.name))
        continue
      }
      _ = graph.append(AssignVariable(target.name), [value])
    }
  }

  private static func fault(
    of slot: OptimizerSlot, named name: String, among variables: [Variable]
  ) -> (message: String, remedy: String)? {
    if !Path.isValid(name) {
      return (
        "would be the variable `\(name)`", "name optimisers and slots by letters, digits, `_`, `-` and `.`"
      )
    }
    if variables.contains(where: { $0.name == name }) {
      return ("would be a second variable `\(name)`", "give optimisers, slots and variables distinct names")
    }
    if slot.type.shape.extents?.allSatisfy({ $0 >= 0 }) != true {
      return ("is \(slot.type)", "give a slot extents that are numbers")
    }
    return nil
  }

  /// Gradients scaled so that their global norm is at most `limit`; Pascanu et al., ICML 2013.
  private static func clipping(_ gradients: [Tensor], toGlobalNorm limit: Double) -> [Tensor] {
    let dtype: DType = gradients.contains { $0.dtype == .f64 } ? .f64 : .f32
    let squares = gradients.map { square($0).sum().cast(to: dtype) }
    guard let first = squares.first else { return gradients }
    let norm = sqrt(squares.dropFirst().reduce(first) { $0 + $1 })
    let scale = minimum(limit / maximum(norm, 1e-12), 1)
    return gradients.map { $0 * scale.cast(to: $0.dtype) }
  }
}
