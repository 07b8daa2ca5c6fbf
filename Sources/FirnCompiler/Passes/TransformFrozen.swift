import FirnGraph
import FirnOps

extension Compiler {
  /// `transform-frozen`: what a frozen operand can be made into beforehand, so that steps have less to do, it is made into.
  ///
  ///     variable k : f32[3,3,64,64] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
  ///     %x = placeholder() {dtype = f32, shape = [batch,28,28,64]} : f32[batch,28,28,64]
  ///     %k = read() {variable = "k", dtype = f32, shape = [3,3,64,64]} : f32[3,3,64,64]
  ///     %y = conv2d(%x, %k) {strides = [1,1], padding = [1,1,1,1], dilation = [1,1], groups = 1} : f32[batch,28,28,64]
  ///     return %y
  ///
  /// becomes
  ///
  ///     variable k : f32[3,3,64,64] {kind = "parameter", role = "", trainable = false, initializer = ["constant", 1.0]}
  ///     %x = placeholder() {dtype = f32, shape = [batch,28,28,64]} : f32[batch,28,28,64]
  ///     %k = read() {variable = "k", dtype = f32, shape = [3,3,64,64]} : f32[3,3,64,64]
  ///     %y/winograd_kernel = winograd_kernel(%k) {tile = 2, turned = false} : f32[16,2,64,32]
  ///     %y = winograd_convolution(%x, %y/winograd_kernel) {tile = 2, padding = [1,1,1,1], features = 64} : f32[batch,28,28,64]
  ///     return %y
  ///
  /// What can be made of an operand, and whether that gains, ops say of themselves (`preparation`): convolutions with 3 × 3
  /// taps have Winograd's transform, and so has the gradient of an image by a frozen kernel. It rounds differently, so, like
  /// `fold-frozen`, it is done only for what a selection or a declaration freezes. What is made of named dimensions would
  /// be made in every step, and stays; so do loops' bodies.
  package static let transformFrozen = Pass("transform-frozen") { graph, context throws(FirnError) in
    guard let tile = context.request.winogradTile else { return graph }
    let isFrozen = graph.frozenNodes(context.together, moving: context.writtenByCopies)
    var made: [Value: [(op: any Op, value: Value)]] = [:]
    return graph.rewritten { rewriter, position in
      let (node, types) = (graph.nodes[position], graph.types(round: position))
      if isFrozen[position] { return }
      for (operand, input) in node.inputs.enumerated() where isFrozen[input.node] {
        guard let preparation = node.op.preparation(of: operand, tile: tile, in: types) else { continue }
        let source = rewriter(input)
        let value: Value
        if let known = made[input]?.first(where: { $0.op.isEqual(to: preparation.prepare) })?.value {
          value = known
        } else {
          value =
            rewriter.emit(
              preparation.prepare, [source], named: Path.joined(node.name, preparation.prepare.mnemonic),
              like: node)[0]
          made[input, default: []].append((preparation.prepare, value))
        }
        var other = rewriter.kept(position)
        other.inputs[operand] = value
        other.op = preparation.op
        let operands = other.inputs.map { rewriter.nodes[$0.node].types[$0.result] }
        context.transforms.append(
          FrozenTransform(
            node.name, preparation.name,
            before: Quantity(node.op.flops(of: types.operands, results: types.results)),
            after: Quantity(preparation.op.flops(of: operands, results: types.results)),
            error: preparation.error))
        rewriter.place(other, insteadOf: position)
        return
      }
    }
  }
}

extension GraphDef {
  /// By node, whether it is made of frozen variables, perhaps with state that stays and constants, and of nothing else.
  ///
  /// Of a program in which nothing is frozen by name no node is.
  fileprivate func frozenNodes(_ trainability: Trainability, moving others: Set<String>) -> [Bool] {
    var isFrozen = [Bool](repeating: false, count: nodes.count)
    var statuses: [String: TrainingStatus] = [:]
    for variable in variables { statuses[variable.name] = trainability.status(of: variable) }
    guard statuses.values.contains(.frozen) else { return isFrozen }
    var isStill = FrozenNodes.movable(self, moving: others)
    for position in nodes.indices where isStill[position] {
      let node = nodes[position]
      if case .reads(let name) = node.op.effect {
        isFrozen[position] = statuses[name] == .frozen
        isStill[position] = isFrozen[position] || statuses[name] == .state
      } else {
        isStill[position] = node.inputs.allSatisfy { isStill[$0.node] }
        isFrozen[position] = isStill[position] && node.inputs.contains { isFrozen[$0.node] }
      }
    }
    return isFrozen
  }
}
