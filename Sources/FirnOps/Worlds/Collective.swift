public import FirnGraph

/// Sums and copies between the members of a world; who is alone gets its own values.
///
/// | mnemonic | y on each rank | gradient |
/// | --- | --- | --- |
/// | `all_reduce` | Σ over ranks r of x_r, in their order; with weights Σ w_r x_r | `all_reduce`, by the same weights |
/// | `broadcast_from` | x of one rank | `reduce_to` |
/// | `reduce_to` | the sum on one rank, zeros on others | `broadcast_from` |
/// | `all_gather` | x of all ranks, stacked along a new first axis | `reduce_scatter` |
/// | `reduce_scatter` | of the sum, the entry of the first axis that is the own rank's | `all_gather` |
///
/// | operand | type | |
/// | --- | --- | --- |
/// | x | `f32`, `f64`, `i32` | as large on every rank |
/// | weight | as x, scalar | of `all_reduce` only, perhaps absent |
///
/// C1: x are numbers. C2: a weight is a floating-point scalar of x's element type. C3: the first extent of what is
/// scattered is the number of members. C4: the rank is not negative.
///
/// Gradients are those of the sum of all ranks' losses; with weights, of the sum by these weights, as gradients of
/// training are averaged: so what is averaged afterwards is exact for parts of a batch of any size.
///
/// A rank that runs along without an example of its own adds nothing to a sum, whatever its x is, and neither does one
/// of weight 0.
///
/// - Complexity: 1 FLOP an element and member that sums; what is sent is said by `World`.
/// - Throws: when run, `.world` where a member is gone, or the world is not of the extent that types have.
package struct Collective: KernelOp, OpaqueOp {
  package enum Kind: Hashable, Sendable {
    case allReduce
    case broadcast(from: Int)
    case reduce(to: Int)
    case allGather(count: Dim)
    case reduceScatter
  }

  package var kind: Kind

  package init(_ kind: Kind) { self.kind = kind }

  /// The extent that a session binds to the number of members.
  package static let members: Dim = "world"

  package static let mnemonics = [
    "all_reduce", "broadcast_from", "reduce_to", "all_gather", "reduce_scatter",
  ]
  package var mnemonic: String {
    switch kind {
    case .allReduce: "all_reduce"
    case .broadcast: "broadcast_from"
    case .reduce: "reduce_to"
    case .allGather: "all_gather"
    case .reduceScatter: "reduce_scatter"
    }
  }
  package var attributes: Attributes {
    switch kind {
    case .allReduce, .reduceScatter: [:]
    case .broadcast(let rank), .reduce(let rank): ["rank": .int(rank)]
    case .allGather(let count): ["count": .extent(count)]
    }
  }

  package init(mnemonic: String, attributes: Attributes) throws(FirnError) {
    switch mnemonic {
    case "broadcast_from": kind = .broadcast(from: try attributes.int("rank"))
    case "reduce_to": kind = .reduce(to: try attributes.int("rank"))
    case "all_gather": kind = .allGather(count: try attributes.dimension("count"))
    case "reduce_scatter": kind = .reduceScatter
    default: kind = .allReduce
    }
  }

  package func resultTypes(of operands: [TensorType]) throws(FirnError) -> [TensorType] {
    let isWeighted = kind == .allReduce && operands.count == 2
    try operands.require(isWeighted ? 2 : 1)
    var type = operands[0]
    try type.requireNumeric("operand", "C1")
    if isWeighted {
      try operands[1].requireFloatingPoint("weight", "C2")
      try require(
        operands[1] == TensorType(type.dtype, .scalar), "C2", .typeMismatch,
        "the weight is \(operands[1]), what it weighs is \(type)",
        remedy: "give one number of x's element type")
    }
    switch kind {
    case .allReduce: break
    case .broadcast(let rank), .reduce(let rank):
      try require(rank >= 0, "C4", .invalidArgument, "rank \(rank)", remedy: "ranks count from 0")
    case .allGather(let count):
      try require(
        (count.value ?? 1) >= 1, "C3", .invalidArgument, "a world of \(count)", remedy: "give 1 or more")
      type.shape = Shape([count] + Array(type.shape))
    case .reduceScatter:
      try require(
        type.shape.rank > 0, "C3", .shapeMismatch, "\(type) has no axis to scatter",
        remedy: "give an entry for each member along the first axis")
      type.shape = Shape(Array(type.shape.dropFirst()))
    }
    return [type]
  }

  package func gradientFlow(from operand: Int, to result: Int) -> GradientFlow { .passes }

  package func gradient(_ context: GradientContext) -> [Tensor?] {
    let cotangent = context.cotangent
    if context.operands.count == 2 {
      let (x, weight) = (context.operands[0], context.operands[1])
      // The sum of all ranks' losses by these weights hangs on x times the weight; what is averaged later is multiplied
      // by the own weight once more.
      let sum = cotangent.applying(self, weight)
      return context.adjoints({ sum }, { (x * sum).sum() / weight })
    }
    let x: Tensor
    switch kind {
    case .allReduce: x = cotangent.applying(self)
    case .broadcast(let rank): x = cotangent.applying(Collective(.reduce(to: rank)))
    case .reduce(let rank): x = cotangent.applying(Collective(.broadcast(from: rank)))
    case .allGather: x = cotangent.applying(Collective(.reduceScatter))
    case .reduceScatter:
      x = cotangent.applying(Collective(.allGather(count: context.operands[0].shape[0])))
    }
    return [x]
  }

  /// With the other members' data.
  package func dependence(of operands: [Dependence], results: Int) -> [Dependence] {
    Array(repeating: operands.reduce(.data) { $0.union($1) }, count: results)
  }

  package func flops(of operands: [TensorType], results: [TensorType]) -> Dim {
    switch kind {
    case .broadcast, .allGather: 0
    case .allReduce where operands.count == 2: operands[0].shape.elementCount * 2
    case .allReduce, .reduce, .reduceScatter: operands[0].shape.elementCount
    }
  }

  package func exchangedBytes(of operands: [TensorType], results: [TensorType]) -> Dim {
    operands[0].shape.elementCount * Dim(operands[0].dtype.byteCount)
  }

  package var canFail: Bool { true }
  package var aliasing: Aliasing { .none }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    switch results[0].dtype {
    case .f32: kernel(operands, results[0], Float(0)) { $0 * $1 }
    case .f64: kernel(operands, results[0], Double(0)) { $0 * $1 }
    case .i32: kernel(operands, results[0], Int32(0)) { $0 &* $1 }
    case .bool: firnBug("collective", "operands \(operands)")
    }
  }

  private func kernel<T: Sendable & Equatable>(
    _ operands: [ArrayType], _ type: ArrayType, _ zero: T, _ times: @escaping @Sendable (T, T) -> T
  ) -> Kernel {
    let (kind, count, own) = (kind, operands[0].elementCount, type.elementCount)
    let (dtype, isWeighted) = (type.dtype, operands.count == 2)
    let first = operands[0].shape.first ?? 1
    let scratch = kind == .reduceScatter ? (operands[0].byteCount + 63) / 64 * 64 : 0
    return Kernel(workspaceBytes: scratch) { (call: borrowing KernelCall) throws(FirnError) in
      let (x, y) = (call.operand(0, as: T.self), call.result(as: T.self))
      let world = call.world
      let (rank, size) = (world?.rank ?? 0, world?.size ?? 1)
      func sum(_ values: UnsafeMutablePointer<T>) throws(FirnError) {
        guard let world else { return }
        if !world.counts { values.update(repeating: zero, count: count) }
        try world.finish(world.startSum(values, count: count, of: dtype))
      }
      switch kind {
      case .allReduce:
        if isWeighted {
          let weight = call.operand(1, as: T.self)[0]
          // What weighs nothing may be NaN.
          for index in 0..<count { y[index] = weight == zero ? zero : times(weight, x[index]) }
        } else {
          y.update(from: x, count: count)
        }
        try sum(y)
      case .broadcast(let root):
        try Self.requireRank(root, below: size)
        y.update(from: x, count: count)
        try world?.broadcast(
          UnsafeMutableRawBufferPointer(start: y, count: count * MemoryLayout<T>.stride), from: root)
      case .reduce(let root):
        try Self.requireRank(root, below: size)
        y.update(from: x, count: count)
        try sum(y)
        if rank != root { fill(y, type, with: 0) }
      case .allGather(let members):
        try Self.requireMembers(members.value ?? 0, is: size)
        guard let world else { return y.update(from: x, count: count) }
        let bytes = count * MemoryLayout<T>.stride
        try world.gather(
          UnsafeRawBufferPointer(start: x, count: bytes),
          into: UnsafeMutableRawBufferPointer(start: y, count: bytes * size))
      case .reduceScatter:
        try Self.requireMembers(first, is: size)
        let whole = call.workspace.assumingMemoryBound(to: T.self)
        whole.update(from: x, count: count)
        try sum(whole)
        y.update(from: whole + own * rank, count: own)
      }
    }
  }

  private static func requireRank(_ rank: Int, below size: Int) throws(FirnError) {
    guard rank >= size else { return }
    throw FirnError(
      .world, "rank \(rank) is asked of a world of \(size)", remedy: "name a rank in 0..<\(size)",
      constraint: "C4")
  }

  private static func requireMembers(_ extent: Int, is size: Int) throws(FirnError) {
    if extent == size { return }
    throw FirnError(
      .world, "an axis of \(extent) is to be that of the members of a world of \(size)",
      remedy: "leave the extent to the dimension `world`", constraint: "C3")
  }
}

/// The sum of every rank's x, in the order of ranks, on all of them; x itself where the session is alone.
///
/// A rank that has no example of a batch, and runs along, adds nothing; nor does one of weight 0.
///
/// The gradient by x is the sum of every rank's: that of the sum of all ranks' losses.
///
/// Constraints: (C1) x are numbers, of one shape on all ranks; (C2) a weight is one number of x's element type.
///
/// - Parameter weight: what x is multiplied by first; the gradient is then that of the ranks' losses summed by the same
///   weights. None by default.
/// - Complexity: 1 FLOP an element and rank; a rank sends 2 (n - 1) / n of its bytes where there are n.
/// - Throws: a run throws `.world` where a member is gone.
public func allReduce(
  _ x: Tensor, weight: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  let op = Collective(.allReduce)
  let location = CallSite(file, line)
  if let weight { return x.applying(op, weight, location: location) }
  return x.applying(op, location: location)
}

/// The x of one rank, on all of them; x itself where the session is alone.
///
/// The gradient by that rank's x is the sum of every rank's; those of the others are 0.
///
/// Constraints: (C1) x are numbers, of one shape on all ranks; (C4) the rank is not negative, and there when it runs.
///
/// - Parameter rank: whose x it is.
/// - Complexity: no FLOPs; the rank sends its bytes to each other one.
/// - Throws: a run throws `.world` where a member is gone, or the rank is none.
public func broadcast(
  _ x: Tensor, fromRank rank: Int, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  x.applying(Collective(.broadcast(from: rank)), location: CallSite(file, line))
}

/// The x of all ranks, stacked in their order along a new first axis, the dimension `world`; of extent 1 where the
/// session is alone.
///
/// The gradient by x is the sum of every rank's for the own entry.
///
/// Constraints: (C1) x are numbers, of one shape on all ranks.
///
/// - Complexity: no FLOPs; each rank sends its bytes to each other one.
/// - Throws: a run throws `.world` where a member is gone.
public func allGather(_ x: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
  x.applying(Collective(.allGather(count: Collective.members)), location: CallSite(file, line))
}
