internal import CFirnKernels
package import FirnGraph

extension Reduce {
  /// An axis after neighbours of the same kind have been merged.
  private struct Group {
    var size: Int
    var isReduced: Bool
  }

  package func kernel(operands: [ArrayType], results: [ArrayType]) -> Kernel {
    var groups: [Group] = []
    for (axis, size) in operands[0].shape.enumerated() where size != 1 {
      let isReduced = axes.contains(axis)
      if let last = groups.indices.last, groups[last].isReduced == isReduced {
        groups[last].size *= size
      } else {
        groups.append(Group(size: size, isReduced: isReduced))
      }
    }
    let loops = Loops(groups.map(\.size), reduced: groups.map(\.isReduced))
    switch operands[0].dtype {
    case .f32:
      if groups.count(where: \.isReduced) <= 1 {
        let at = groups.firstIndex(where: \.isReduced)
        let outer = groups[..<(at ?? groups.endIndex)].reduce(1) { $0 * $1.size }
        let inner = at.map { groups[($0 + 1)...].reduce(1) { $0 * $1.size } } ?? 1
        return fast(outer: outer, reduced: at.map { groups[$0].size } ?? 1, inner: inner)
      }
      return wide(loops)
    case .f64: return plain(loops, Double.self)
    case .i32: return integers(loops)
    case .bool: firnBug("reduce", "\(mnemonic) of \(operands[0])")
    }
  }

  private var code: FirnReduce {
    switch function {
    case .sum, .mean: FIRN_REDUCE_SUM
    case .max: FIRN_REDUCE_MAX
    case .min: FIRN_REDUCE_MIN
    case .prod: FIRN_REDUCE_PROD
    }
  }

  private func fast(outer: Int, reduced: Int, inner: Int) -> Kernel {
    let code = code
    let divisor = function == .mean ? Float(reduced) : nil
    let splitsInner = outer < 8 && inner > outer
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: Float.self)
      let y = call.result(as: Float.self)
      @inline(__always)
      func piece(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ outer: Int, _ width: Int) {
        firn_reduce_f32(code, x, y, outer, reduced, width, reduced * inner, inner, inner)
        guard let divisor else { return }
        for o in 0..<outer {
          for i in 0..<width { y[o * inner + i] /= divisor }
        }
      }
      if splitsInner {
        call.inPieces(inner, grain: Swift.max(64, grain(ofItems: outer * reduced))) { start, n in
          piece(x + start, y + start, outer, n)
        }
      } else {
        call.inPieces(outer, grain: grain(ofItems: reduced * inner)) { start, n in
          piece(x + start * reduced * inner, y + start * inner, n, inner)
        }
      }
    }
  }

  /// `f32` in loops over interleaved axes; sums and products in `Double`.
  private func wide(_ loops: Loops) -> Kernel {
    let function = function
    let divisor = Double(loops.reducedCount)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: Float.self)
      let y = call.result(as: Float.self)
      call.inPieces(loops.keptCount, grain: grain(ofItems: loops.reducedCount)) { start, n in
        for i in start..<start + n {
          y[i] = Float(reduce(function, loops, at: i, divisor) { Double(x[$0]) })
        }
      }
    }
  }

  private func plain(_ loops: Loops, _: Double.Type) -> Kernel {
    let function = function
    let divisor = Double(loops.reducedCount)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: Double.self)
      let y = call.result(as: Double.self)
      call.inPieces(loops.keptCount, grain: grain(ofItems: loops.reducedCount)) { start, n in
        for i in start..<start + n { y[i] = reduce(function, loops, at: i, divisor) { x[$0] } }
      }
    }
  }

  private func integers(_ loops: Loops) -> Kernel {
    let function = function
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: Int32.self)
      let y = call.result(as: Int32.self)
      call.inPieces(loops.keptCount, grain: grain(ofItems: loops.reducedCount)) { start, n in
        for i in start..<start + n {
          y[i] =
            switch function {
            case .sum, .mean: loops.fold(at: i, 0) { $0 &+ x[$1] }
            case .max: loops.fold(at: i, Int32.min) { Swift.max($0, x[$1]) }
            case .min: loops.fold(at: i, Int32.max) { Swift.min($0, x[$1]) }
            case .prod: loops.fold(at: i, 1) { $0 &* x[$1] }
            }
        }
      }
    }
  }
}

@inline(__always)
private func reduce(
  _ function: Reduce.Function, _ loops: Loops, at i: Int, _ divisor: Double, _ x: (Int) -> Double
) -> Double {
  switch function {
  case .sum: loops.fold(at: i, 0) { $0 + x($1) }
  case .mean: loops.fold(at: i, 0) { $0 + x($1) } / divisor
  case .max: loops.fold(at: i, -Double.infinity) { $0.isNaN || $0 > x($1) ? $0 : x($1) }
  case .min: loops.fold(at: i, Double.infinity) { $0.isNaN || $0 < x($1) ? $0 : x($1) }
  case .prod: loops.fold(at: i, 1) { $0 * x($1) }
  }
}

/// Nested loops over the kept and the reduced axes of a row-major array, as two flat counts.
private struct Loops: Sendable {
  private var kept: [(size: Int, stride: Int)] = []
  /// The reduced axes but the last, which is the innermost loop.
  private var reduced: [(size: Int, stride: Int)] = []
  private var last = (size: 1, stride: 0)
  private(set) var keptCount = 1
  private(set) var reducedCount = 1

  init(_ shape: [Int], reduced isReduced: [Bool]) {
    for ((size, stride), isReduced) in zip(zip(shape, strides(of: shape)), isReduced) {
      if isReduced {
        if last.stride != 0 { reduced.append(last) }
        last = (size, stride)
        reducedCount *= size
      } else {
        kept.append((size, stride))
        keptCount *= size
      }
    }
  }

  @inline(__always)
  private func offset(_ index: Int, _ axes: [(size: Int, stride: Int)]) -> Int {
    var (rest, offset) = (index, 0)
    for axis in axes.indices.reversed() {
      offset += rest % axes[axis].size * axes[axis].stride
      rest /= axes[axis].size
    }
    return offset
  }

  /// Combines the offsets of the elements that result element `i` is made of, in their order.
  @inline(__always)
  func fold<R>(at i: Int, _ initial: R, _ combine: (R, Int) -> R) -> R {
    let start = offset(i, kept)
    var result = initial
    guard reducedCount > 0 else { return result }
    for r in 0..<reducedCount / last.size {
      let row = start + offset(r, reduced)
      for j in 0..<last.size { result = combine(result, row + j * last.stride) }
    }
    return result
  }
}
