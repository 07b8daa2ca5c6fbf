/// What a loop's body reads of the graphs around it, made once more in the body, so far as gradients pass there to
/// values from outside.
///
/// A gradient of one iteration passes to what is outside only through what the body holds; a value that reads nothing of
/// the loop was put outside. Its copy has the same bits, random draws by their keys too.
struct PathCopies {
  private let stopping: Set<Tensor>
  private let body: Graph
  private var made: MadeValues
  private var copies: [Tensor: Tensor] = [:]
  /// Of the graphs met, what each capture stands for.
  private var captured: [ObjectIdentifier: [Value: Tensor]] = [:]
  /// An assignment met on the way, which must not be made twice.
  private(set) var assignment: Tensor?

  init(of targets: [Tensor], stopping: [Tensor], into body: Graph) {
    made = MadeValues(of: targets)
    self.stopping = Set(stopping)
    self.body = body
  }

  /// The copy of a tensor; itself where no gradient passes from it to what is copied for.
  ///
  /// - Complexity: O(what it is made of), once; chains of any length take no stack.
  subscript(tensor: Tensor) -> Tensor {
    mutating get {
      var pending = [tensor]
      while let next = pending.last {
        let missing = copies[next] == nil ? copy(next) : []
        if missing.isEmpty { pending.removeLast() } else { pending += missing.reversed() }
      }
      return copies[tensor] ?? tensor
    }
  }

  /// Makes the copy of a tensor, or says which ones it wants first.
  private mutating func copy(_ tensor: Tensor) -> [Tensor] {
    let graph = tensor.graph
    if stopping.contains(tensor) {
      copies[tensor] = tensor
      return []
    }
    if let outer = capture(tensor) {
      guard let known = copies[outer] else { return [outer] }
      copies[tensor] = known
      return []
    }
    guard made.isMadeOfAnother(tensor) else {
      copies[tensor] = tensor
      return []
    }
    let node = graph.nodes[tensor.value.node]
    if case .writes = node.op.effect {
      assignment = tensor
      copies[tensor] = tensor
      return []
    }
    let sources = node.inputs.map { Tensor(graph, $0) }
    let missing = sources.filter { copies[$0] == nil }
    if !missing.isEmpty { return missing }
    let operands = sources.map { copies[$0] ?? $0 }
    guard graph !== body || operands != sources else {
      copies[tensor] = tensor
      return []
    }
    let inputs = operands.map { operand in
      guard let local = body.local(operand) else { firnBug("gradients", "`\(operand.name)` is outside") }
      return local.value
    }
    for (result, value) in body.emit(node.op, inputs, name: node.name, like: node).enumerated() {
      copies[Tensor(graph, Value(tensor.value.node, result))] = Tensor(body, value)
    }
    return []
  }

  /// The value of an outer graph that a tensor stands for.
  private mutating func capture(_ tensor: Tensor) -> Tensor? {
    let key = ObjectIdentifier(tensor.graph)
    if captured[key] == nil {
      // Those that copies add stand for nothing that is copied.
      captured[key] = Dictionary(
        tensor.graph.captures.map { ($0.inner, $0.outer) }, uniquingKeysWith: { first, _ in first })
    }
    return captured[key]?[tensor.value]
  }
}
