import FirnGraph
import FirnOps

extension RandomModel {
  /// What one more random op makes of the pool; several results where it has them, none where it does not apply.
  mutating func step(_ pool: Pool, depth: Int) -> [Tensor] {
    let floats = pool.tensors.filter { $0.dtype == options.dtype }
    guard !floats.isEmpty else { return [] }
    // Late values more often than early ones: deep graphs rather than wide ones.
    let a = floats[max(source.below(floats.count), source.below(floats.count))]
    if options.convolves, source.chance(12) { return usable(convolved(a)) }
    if options.hasModes, source.chance(8) { return usable([byMode(training: sin(a), inference: a * a)]) }
    let results: [Tensor] =
      switch source.below(22) {
      case 0, 1: [unary(a)]
      case 2, 3: [binary(a, partner(a, pool))]
      case 4: [chosen(a, partner(a, pool))]
      case 5, 6: matrices(a)
      case 7, 8: [reduced(a)]
      case 9: [moved(a)]
      case 10: [cut(a)]
      case 11: parts(a, partner(a, pool))
      case 12: [distribution(a, partner(a, pool))]
      case 13: [noisy(a)]
      case 14: [simplifiable(a)]
      case 15: [tanh(a) + tanh(a) * sin(a)]
      case 16: indexed(a)
      case 17: [integers(a)]
      default: depth < 2 && source.chance(depth == 0 ? 75 : 35) ? loop(pool, depth: depth) : [unary(a)]
      }
    return usable(results)
  }

  private func usable(_ results: [Tensor]) -> [Tensor] {
    results.filter { !$0.isPoisoned && count($0.shape) <= 120 && $0.rank <= 4 }
  }

  /// A value of the pool with the type of `a`, or a scalar made from one.
  private mutating func partner(_ a: Tensor, _ pool: Pool) -> Tensor {
    let alike = pool.like(a.type)
    if !alike.isEmpty, source.chance(80) { return source.pick(alike) }
    let floats = pool.tensors.filter { $0.dtype == a.dtype }
    return tanh(source.pick(floats).sum())
  }

  private mutating func unary(_ a: Tensor) -> Tensor {
    if !options.isSmooth, source.chance(30) {
      switch source.below(7) {
      case 0: return relu(a)
      case 1: return abs(a)
      case 2: return sign(a)
      case 3: return floor(3 * a)
      case 4: return round(2 * a)
      case 5: return leakyReLU(a)
      default: return elu(a)
      }
    }
    switch source.below(18) {
    case 0: return tanh(a)
    case 1: return sigmoid(a)
    case 2: return sin(a)
    case 3: return cos(a)
    case 4: return softplus(a)
    case 5: return -a
    case 6: return exp(tanh(a))
    case 7: return square(sin(a))
    case 8: return erf(a)
    case 9: return gelu(sin(a))
    case 10: return silu(sin(a))
    case 11: return expm1(tanh(a))
    case 12: return log1p(square(sin(a)))
    case 13: return log(softplus(a) + 0.5)
    case 14: return sqrt(softplus(a) + 0.5)
    case 15: return rsqrt(softplus(a) + 0.5)
    case 16: return reciprocal(softplus(a) + 0.5)
    default: return pow(softplus(a) + 0.5, 1.5)
    }
  }

  private mutating func binary(_ a: Tensor, _ b: Tensor) -> Tensor {
    if !options.isSmooth, source.chance(30) { return source.chance(50) ? maximum(a, b) : minimum(b, a) }
    switch source.below(6) {
    case 0: return a + b
    case 1: return b - a
    case 2: return a * tanh(b)
    case 3: return a / (softplus(b) + 0.5)
    case 4: return a * a
    default: return 1.5 - a * 0.25
    }
  }

  private mutating func chosen(_ a: Tensor, _ b: Tensor) -> Tensor {
    if options.isSmooth {
      let condition = less(constant([], in: a.graph), 0)
      return select(where: condition, a, otherwise: b)
    }
    let both = logicalAnd(less(a, b), logicalNot(greater(a, 0.5)))
    return select(where: source.chance(50) ? both : notEqual(a, b), a, otherwise: b)
  }

  mutating func matrices(_ a: Tensor) -> [Tensor] {
    guard a.rank > 0, let inner = a.extent(-1).value, inner > 0 else { return [] }
    let rows = a.reshaped(to: Shape([a.shape.dropLast().reduce(1) { $0 * $1 }, Dim(inner)]))
    let width = 1 + source.below(4)
    let known = variables.filter { $0.shape.first == Dim(inner) && $0.rank == 2 }
    switch source.below(7) {
    case 0: return [tanh(matmul(rows, rows, transposeA: true))]
    case 1: return [sin(matmul(rows, constant([width, inner], in: a.graph), transposeB: true))]
    case 2: return [sin(matmul(rows, constant([width, inner], in: a.graph).transposed()))]
    case 3: return [sin(matmul(rows.transposed(), rows.transposed(), transposeB: true))]
    case 4 where a.rank == 3: return [tanh(matmul(a, a.transposed([0, 2, 1])))]
    case 5 where a.rank == 3:
      return [tanh(matmul(a.transposed([0, 2, 1]), a, transposeA: true, transposeB: true))]
    default:
      let kernel = known.isEmpty ? constant([inner, width], in: a.graph) : source.pick(known)
      return [tanh(matmul(a.rank < 2 ? rows : a, kernel))]
    }
  }

  /// Rows of the last axis as images of one channel, or of two pixels side by side.
  private mutating func convolved(_ a: Tensor) -> [Tensor] {
    guard a.rank > 0, let height = a.extent(-1).value, height > 1 else { return [] }
    let rows = a.reshaped(to: Shape([a.shape.dropLast().reduce(1) { $0 * $1 }, Dim(height), 1, 1]))
    let isWide = source.chance(40)
    let images = isWide ? concatenate([rows, sin(rows)], axis: 2) : rows
    // Of the variables, [3, 5] is a kernel of five features.
    let isVariable = source.chance(40) && height > 2
    let size = isVariable ? 3 : 1 + source.below(min(height, 3))
    let width = isWide && !isVariable ? 1 + source.below(2) : 1
    let kernel =
      isVariable
      ? variables[1].reshaped(to: [3, 1, 1, 5])
      : constant([size, width, 1, 1 + source.below(3)], in: a.graph)
    let made = conv2d(
      images, kernel, strides: (1 + source.below(2), 1), padding: source.chance(50) ? .same : .valid)
    let features = made.shape.dropFirst().reduce(1) { $0 * $1 }
    return [tanh(made.reshaped(to: Shape([made.shape[0], features])))]
  }

  private mutating func reduced(_ a: Tensor) -> Tensor {
    let axes = source.shuffled(0..<a.rank).prefix(source.below(a.rank + 1)).sorted()
    let keeps = source.chance(40)
    switch source.below(options.isSmooth ? 3 : 5) {
    case 0: return sin(a.sum(axes: axes, keepingAxes: keeps))
    case 1 where count(a.shape) > 0: return a.mean(axes: axes, keepingAxes: keeps)
    case 2: return (sin(a) + 1.2).product(axes: axes.suffix(1), keepingAxes: keeps)
    case 3 where count(a.shape) > 0: return a.max(axes: axes, keepingAxes: keeps)
    case 4 where count(a.shape) > 0: return a.min(axes: axes, keepingAxes: keeps)
    default: return a.sum(axes: axes, keepingAxes: keeps)
    }
  }

  private mutating func moved(_ a: Tensor) -> Tensor {
    switch source.below(5) {
    case 0: return a.transposed(source.shuffled(0..<a.rank))
    case 1: return a.reshaped(to: Shape([a.shape.elementCount]))
    case 2: return a.expandingAxis(at: source.below(a.rank + 1))
    case 3:
      let axis = source.below(a.rank + 1)
      let wide = a.expandingAxis(at: axis)
      var shape = wide.shape
      shape[axis] = 2
      return wide.broadcast(to: shape)
    default: return a.rank == 0 ? a : a.reversed(axes: [source.below(a.rank)])
    }
  }

  private mutating func cut(_ a: Tensor) -> Tensor {
    guard a.rank > 0 else { return a }
    let axis = source.below(a.rank)
    guard source.chance(60) else {
      var low = [Dim](repeating: 0, count: a.rank)
      low[axis] = Dim(source.below(2))
      var high = low
      high[axis] = 1
      return a.padded(low: low, high: high, value: 0.5)
    }
    if a.shape[axis] == "batch" { return a.sliced(axis: axis, from: 1) }
    guard let extent = a.shape[axis].value, extent > 1 else { return a }
    let from = source.below(extent)
    return a.sliced(axis: axis, from: Dim(from), by: 1 + source.below(2))
  }

  private mutating func parts(_ a: Tensor, _ b: Tensor) -> [Tensor] {
    guard a.rank > 0 else { return [stack([a, b * a])] }
    let axis = source.below(a.rank)
    if source.chance(50) { return [concatenate([a, a * b, a].suffix(2 + source.below(2)), axis: axis)] }
    guard let extent = a.shape[axis].value, extent > 1 else { return [] }
    let first = 1 + source.below(extent - 1)
    return a.split(sizes: [Dim(first), Dim(extent - first)], axis: axis)
  }

  private mutating func distribution(_ a: Tensor, _ b: Tensor) -> Tensor {
    guard a.rank > 0, (a.extent(-1).value ?? 0) > 0 else {
      return sigmoidCrossEntropy(logits: a, labels: sigmoid(b))
    }
    switch source.below(4) {
    case 0: return softmax(a)
    case 1: return logSoftmax(a)
    case 2: return softmaxCrossEntropy(logits: a, labels: softmax(a * b))
    default: return count(a.shape) == 0 ? a : meanSquaredError(a, a * b)
    }
  }

  private mutating func noisy(_ a: Tensor) -> Tensor {
    source.chance(60)
      ? dropout(a, rate: 0.4) : a * a.graph.randomUniform([], low: 0.5, high: 1.5, dtype: a.dtype)
  }

  /// Something `simplify` takes apart again.
  private mutating func simplifiable(_ a: Tensor) -> Tensor {
    switch source.below(7) {
    case 0: return identity(a)
    case 1 where !options.isSmooth: return stopGradient(a)
    case 2: return -(-a)
    case 3: return a * 1
    case 4: return a / 1
    case 5: return a.reshaped(to: Shape([a.shape.elementCount, 1])).reshaped(to: a.shape)
    default: return a.transposed().transposed()
    }
  }

  private mutating func indexed(_ a: Tensor) -> [Tensor] {
    guard a.rank > 0 else { return [] }
    let axis = source.below(a.rank)
    guard let extent = a.shape[axis].value, extent > 0 else { return [] }
    let indices = a.graph.constant(NDArray((0..<3).map { _ in Int32(source.below(extent)) }))
    let rows = gather(a, indices: indices, axis: axis)
    return source.chance(50)
      ? [rows] : [scatterAdd(rows, indices: indices, axis: axis, size: Dim(extent + 1))]
  }

  private mutating func integers(_ a: Tensor) -> Tensor {
    if options.isSmooth || count(a.shape) == 0 || a.rank == 0 {
      return a + a.graph.iota(3).cast(to: a.dtype).sum()
    }
    switch source.below(3) {
    case 0: return (4 * a).cast(to: .i32).cast(to: a.dtype) * a
    case 1: return a.argmax(axis: source.below(a.rank)).cast(to: a.dtype)
    default: return oneHot(a.argmin(axis: 0), depth: 3, dtype: a.dtype)
    }
  }
}
