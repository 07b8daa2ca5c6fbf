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
      let y = call.result(as: Float.self)
      call.inPieces(loops.keptCount, grain: grain(ofItems: loops.reducedCount)) { start, n in
        reduce(function, loops, start, n, call.operand(0, as: Float.self), divisor) { y[$0] = Float($1) }
      }
    }
  }

  private func plain(_ loops: Loops, _: Double.Type) -> Kernel {
    let function = function
    let divisor = Double(loops.reducedCount)
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let y = call.result(as: Double.self)
      call.inPieces(loops.keptCount, grain: grain(ofItems: loops.reducedCount)) { start, n in
        reduce(function, loops, start, n, call.operand(0, as: Double.self), divisor) { y[$0] = $1 }
      }
    }
  }

  private func integers(_ loops: Loops) -> Kernel {
    let function = function
    return Kernel { (call: borrowing KernelCall) throws(FirnError) in
      let x = call.operand(0, as: Int32.self)
      let y = call.result(as: Int32.self)
      call.inPieces(loops.keptCount, grain: grain(ofItems: loops.reducedCount)) { start, n in
        switch function {
        case .sum, .mean: loops.fold(WrappingSum.self, start, n, x) { y[$0] = $1 }
        case .max: loops.fold(Greatest<Int32>.self, start, n, x) { y[$0] = $1 }
        case .min: loops.fold(Smallest<Int32>.self, start, n, x) { y[$0] = $1 }
        case .prod: loops.fold(WrappingProduct.self, start, n, x) { y[$0] = $1 }
        }
      }
    }
  }
}

/// Makes `n` results from `start` on.
@inline(__always)
private func reduce<T: Summand>(
  _ function: Reduce.Function, _ loops: Loops, _ start: Int, _ n: Int, _ x: UnsafePointer<T>,
  _ divisor: Double, _ store: (Int, Double) -> Void
) where T.Sum == Double {
  switch function {
  case .sum: loops.fold(Total.self, start, n, x, store)
  case .mean: loops.fold(Total.self, start, n, x) { store($0, $1 / divisor) }
  case .max: loops.fold(GreatestNumber.self, start, n, x, store)
  case .min: loops.fold(SmallestNumber.self, start, n, x, store)
  case .prod: loops.fold(Product.self, start, n, x, store)
  }
}

/// An element that is reduced as a `Sum`.
private protocol Summand {
  associatedtype Sum: SIMDScalar
  var summand: Sum { get }
}

extension Float: Summand { fileprivate var summand: Double { Double(self) } }
extension Double: Summand { fileprivate var summand: Double { self } }
extension Int32: Summand { fileprivate var summand: Int32 { self } }

/// How two values become one, by themselves and eight side by side.
private protocol Combining {
  associatedtype Value: SIMDScalar
  static var identity: Value { get }
  static func one(_ a: Value, _ b: Value) -> Value
  static func eight(_ a: SIMD8<Value>, _ b: SIMD8<Value>) -> SIMD8<Value>
}

private enum Total: Combining {
  static var identity: Double { 0 }
  static func one(_ a: Double, _ b: Double) -> Double { a + b }
  static func eight(_ a: SIMD8<Double>, _ b: SIMD8<Double>) -> SIMD8<Double> { a + b }
}

private enum Product: Combining {
  static var identity: Double { 1 }
  static func one(_ a: Double, _ b: Double) -> Double { a * b }
  static func eight(_ a: SIMD8<Double>, _ b: SIMD8<Double>) -> SIMD8<Double> { a * b }
}

// NaN wins. Two choices rather than a branch, which would be guessed wrong.
private enum GreatestNumber: Combining {
  static var identity: Double { -.infinity }
  static func one(_ a: Double, _ b: Double) -> Double {
    let greater = a > b ? a : b
    return a == a ? greater : a
  }
  static func eight(_ a: SIMD8<Double>, _ b: SIMD8<Double>) -> SIMD8<Double> {
    b.replacing(with: a, where: a .> b).replacing(with: a, where: a .!= a)
  }
}

private enum SmallestNumber: Combining {
  static var identity: Double { .infinity }
  static func one(_ a: Double, _ b: Double) -> Double {
    let smaller = a < b ? a : b
    return a == a ? smaller : a
  }
  static func eight(_ a: SIMD8<Double>, _ b: SIMD8<Double>) -> SIMD8<Double> {
    b.replacing(with: a, where: a .< b).replacing(with: a, where: a .!= a)
  }
}

private enum WrappingSum: Combining {
  static var identity: Int32 { 0 }
  static func one(_ a: Int32, _ b: Int32) -> Int32 { a &+ b }
  static func eight(_ a: SIMD8<Int32>, _ b: SIMD8<Int32>) -> SIMD8<Int32> { a &+ b }
}

private enum WrappingProduct: Combining {
  static var identity: Int32 { 1 }
  static func one(_ a: Int32, _ b: Int32) -> Int32 { a &* b }
  static func eight(_ a: SIMD8<Int32>, _ b: SIMD8<Int32>) -> SIMD8<Int32> { a &* b }
}

private enum Greatest<Value: FixedWidthInteger & SIMDScalar>: Combining {
  static var identity: Value { .min }
  static func one(_ a: Value, _ b: Value) -> Value { Swift.max(a, b) }
  static func eight(_ a: SIMD8<Value>, _ b: SIMD8<Value>) -> SIMD8<Value> { pointwiseMax(a, b) }
}

private enum Smallest<Value: FixedWidthInteger & SIMDScalar>: Combining {
  static var identity: Value { .max }
  static func one(_ a: Value, _ b: Value) -> Value { Swift.min(a, b) }
  static func eight(_ a: SIMD8<Value>, _ b: SIMD8<Value>) -> SIMD8<Value> { pointwiseMin(a, b) }
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

  /// Makes `n` results from `start` on, each of its elements in their order; eight at once where that pays, since eight
  /// sums do not wait for each other as the summands of one do.
  @inline(__always)
  func fold<T: Summand, C: Combining>(
    _: C.Type, _ start: Int, _ n: Int, _ x: UnsafePointer<T>, _ store: (Int, T.Sum) -> Void
  ) where C.Value == T.Sum {
    let (size, step) = kept.last ?? (1, 0)
    let rows = reducedCount > 0 ? reducedCount / last.size : 0
    let end = start + n
    var i = start
    while i < end {
      let from = x + offset(i, kept)
      if step == 1 && Swift.min(end - i, size - i % size) >= 8 {
        var sums = SIMD8(repeating: C.identity)
        for r in 0..<rows {
          let row = from + offset(r, reduced)
          for j in 0..<last.size {
            let next = row + j * last.stride
            sums = C.eight(
              sums,
              SIMD8(
                next[0].summand, next[1].summand, next[2].summand, next[3].summand, next[4].summand,
                next[5].summand, next[6].summand, next[7].summand))
          }
        }
        for lane in 0..<8 { store(i + lane, sums[lane]) }
        i += 8
      } else if step != 1 && end - i >= 8 && reducedCount >= 16 {
        let (at1, at2, at3) = (offset(i + 1, kept), offset(i + 2, kept), offset(i + 3, kept))
        let (at4, at5, at6) = (offset(i + 4, kept), offset(i + 5, kept), offset(i + 6, kept))
        let at7 = offset(i + 7, kept)
        var sums = SIMD8(repeating: C.identity)
        for r in 0..<rows {
          let row = offset(r, reduced)
          let (a, b, c, d) = (from + row, x + (at1 + row), x + (at2 + row), x + (at3 + row))
          let (e, f, g, h) = (x + (at4 + row), x + (at5 + row), x + (at6 + row), x + (at7 + row))
          for j in 0..<last.size {
            let o = j * last.stride
            sums = C.eight(
              sums,
              SIMD8(
                a[o].summand, b[o].summand, c[o].summand, d[o].summand, e[o].summand, f[o].summand,
                g[o].summand, h[o].summand))
          }
        }
        for lane in 0..<8 { store(i + lane, sums[lane]) }
        i += 8
      } else {
        var sum = C.identity
        for r in 0..<rows {
          let row = from + offset(r, reduced)
          for j in 0..<last.size { sum = C.one(sum, row[j * last.stride].summand) }
        }
        store(i, sum)
        i += 1
      }
    }
  }
}
