import FirnGraph
import FirnOps

/// The values of a graph that may hold infinities because a constant of its user does, as the -inf of a mask.
struct InfiniteValues {
  private let index: ValueIndex
  private var marks: [Bool]

  /// - Parameter entering: whether what a loop gives its body may hold some.
  init(_ graph: GraphDef, entering: (LoopInput) -> Bool = { _ in false }) {
    index = ValueIndex(graph)
    marks = Array(repeating: false, count: index.count)
    // Most graphs hold none, and then only what could bring the first is looked into.
    var isAny = false
    for (position, node) in graph.nodes.enumerated() {
      guard isAny || node.inputs.isEmpty || node.traits.contains(.body) else { continue }
      for (result, isInfinite) in results(of: node, entering).enumerated() where isInfinite {
        marks[index[Value(position, result)]] = true
        isAny = true
      }
    }
  }

  subscript(value: Value) -> Bool { marks[index[value]] }

  private func results(of node: Node, _ entering: (LoopInput) -> Bool) -> [Bool] {
    if case .holds(let array) = node.op.effect { return [array.holdsInfinity] }
    if let input = node.loopInput { return [entering(input)] }
    let operands = node.inputs.map { self[$0] }
    if let loop = node.loop {
      guard operands.contains(true) || loop.body.nodes.contains(where: \.holdsInfinity) else {
        return node.types.map { _ in false }
      }
      let inner = InfiniteValues(bodyOf: loop, operands: operands)
      return node.types.indices.map { result in
        inner[loop.body.outputs[result]] || loop.carryRange.contains(result) && operands[result]
      }
    }
    let isCarried = node.op.numerics.carriesInfinity && operands.contains(true)
    return node.types.map { isCarried && $0.dtype.isFloatingPoint }
  }

  /// Inside a loop, whatever step it is at.
  ///
  /// - Parameter operands: which of the loop's operands may hold infinities.
  init(bodyOf loop: Scan, operands: [Bool]) {
    var operands = operands
    while true {
      let inner = InfiniteValues(loop.body) { input in loop.operand(of: input).map { operands[$0] } ?? false }
      let grown = loop.carryRange.filter { inner[loop.body.outputs[$0]] && !operands[$0] }
      if grown.isEmpty {
        self = inner
        return
      }
      for carry in grown { operands[carry] = true }
    }
  }
}

extension Node {
  fileprivate var holdsInfinity: Bool {
    if case .holds(let array) = op.effect { return array.holdsInfinity }
    return loop?.body.nodes.contains(where: \.holdsInfinity) ?? false
  }
}

extension NDArray {
  fileprivate var holdsInfinity: Bool {
    withUnsafeBytes { bytes in
      switch dtype {
      case .f32: bytes.bindMemory(to: Float.self).contains(where: \.isInfinite)
      case .f64: bytes.bindMemory(to: Double.self).contains(where: \.isInfinite)
      case .i32, .bool: false
      }
    }
  }
}
