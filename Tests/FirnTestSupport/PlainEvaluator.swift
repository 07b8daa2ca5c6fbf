package import FirnGraph
import FirnOps

/// Runs a graph node by node as it stands: every value has a buffer of its own, a loop is a recursion.
///
/// What compiled and planned programs are held against.
package struct PlainEvaluator {
  package var variables: [String: NDArray]
  package var feeds: [String: NDArray]
  package var seed: UInt64
  package var run: UInt64

  package init(
    variables: [String: NDArray] = [:], feeds: [String: NDArray] = [:], seed: UInt64 = 0, run: UInt64 = 0
  ) {
    self.variables = variables
    self.feeds = feeds
    self.seed = seed
    self.run = run
  }

  /// Every result of every node of a graph whose dimensions are all numbers.
  package func values(of graph: GraphDef) throws -> [Value: NDArray] {
    try values(of: graph) { parameter in
      throw FirnError(.invalidGraph, "parameter \(parameter.slot) outside a loop")
    }
  }

  private func values(
    of graph: GraphDef, parameter: (LoopInput) throws -> NDArray
  ) throws -> [Value: NDArray] {
    var values: [Value: NDArray] = [:]
    for (position, node) in graph.nodes.enumerated() {
      let operands = try node.inputs.map { try known(values[$0], node) }
      let results: [NDArray] =
        switch node.op {
        case let op as Constant: [op.array]
        case let op as LoopInput: [try parameter(op)]
        case let op as ReadVariable: [try known(variables[op.variable], node)]
        case is Placeholder: [try known(feeds[node.name], node)]
        case is RandomState: [randomState]
        case let op as Scan: try results(of: op, operands)
        case let op as any KernelOp: try results(of: op, operands)
        case is PassThrough, is AssignVariable: operands
        // As in training.
        case is ByMode: [operands[0]]
        case is AssignRows: [operands[0]]
        case is Reshape: [try operands[0].reshaped(to: try known(node.types[0].shape.extents, node))]
        default: throw FirnError(.invalidGraph, "`\(node.name)`: \(node.mnemonic) cannot be run")
        }
      guard results.map({ TensorType($0.dtype, Shape($0.shape)) }) == node.types else {
        throw FirnError(.invalidGraph, "`\(node.name)` is \(results), not \(node.types)")
      }
      for (number, array) in results.enumerated() { values[Value(position, number)] = array }
    }
    return values
  }

  private func known<Known>(_ value: Known?, _ node: Node) throws -> Known {
    if let value { return value }
    throw FirnError(.invalidGraph, "`\(node.name)` lacks a value")
  }

  private var randomState: NDArray {
    NDArray([seed, run].flatMap { [Int32(truncatingIfNeeded: $0), Int32(truncatingIfNeeded: $0 >> 32)] })
  }

  private func results(of op: any KernelOp, _ operands: [NDArray]) throws -> [NDArray] {
    let types = try op.resultTypes(of: operands.map { TensorType($0.dtype, Shape($0.shape)) })
      .compactMap { ArrayType($0) }
    let kernel = op.kernel(operands: operands.map(\.type), results: types)
    let results = try types.map { type in
      let array = try NDArray(zeros: type.shape, dtype: type.dtype)
      // What a kernel leaves unwritten shall not look like a number.
      array.storagePointer.initializeMemory(as: UInt8.self, repeating: 0xff, count: type.byteCount)
      return array
    }
    let workspace = Storage(byteCount: kernel.workspaceBytes)
    let table = (operands + results).map(\.storagePointer)
    let slots = Array(0...table.count)
    let worker = OneWorker()
    try withExtendedLifetime((operands, results, workspace, worker)) {
      try table.withUnsafeBufferPointer { table in
        try slots.withUnsafeBufferPointer { slots in
          guard let table = table.baseAddress, let slots = slots.baseAddress else { return }
          try kernel.run(
            KernelCall(
              table: table, operandSlots: slots, resultSlots: slots + operands.count,
              workspace: workspace.pointer, workers: UnretainedWorkers(worker)))
        }
      }
    }
    return results
  }

  private func results(of scan: Scan, _ operands: [NDArray]) throws -> [NDArray] {
    guard let length = scan.length.value else { throw FirnError(.invalidGraph, "a loop without length") }
    var carries = Array(operands[scan.carryRange])
    var stacks = [[Int: NDArray]](repeating: [:], count: scan.outputs)
    for iteration in 0..<length {
      let position = scan.isReversed ? length - 1 - iteration : iteration
      let values = try values(of: scan.body) { parameter in
        switch parameter.kind {
        case .index: return NDArray(scalar: Int32(position))
        case .carry: return carries[parameter.position]
        case .slice:
          let step = try operands[scan.sliceRange.lowerBound + parameter.position].rows([position])
          return try step.reshaped(to: Array(step.shape.dropFirst()))
        case .capture: return operands[scan.captureRange.lowerBound + parameter.position]
        }
      }
      let results = try scan.body.outputs.map { try known(values[$0], scan.body.nodes[$0.node]) }
      carries = Array(results.prefix(scan.carries))
      for (stack, array) in results.dropFirst(scan.carries).enumerated() { stacks[stack][position] = array }
    }
    return try carries
      + stacks.enumerated().map { number, steps in
        let output = scan.body.outputs[scan.carries + number]
        let node = scan.body.nodes[output.node]
        let shape = try known(scan.body.type(of: output).shape.extents, node)
        var result = try NDArray(zeros: [length] + shape, dtype: scan.body.type(of: output).dtype)
        result.withUnsafeMutableBytes { bytes in
          for (position, step) in steps {
            step.withUnsafeBytes { bytes[(position * $0.count)...].copyBytes(from: $0) }
          }
        }
        return result
      }
  }
}

/// Runs everything where it is called.
private final class OneWorker: Workers {
  let count = 1
  func split(_ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void) { body(0..<count, 0) }
}
