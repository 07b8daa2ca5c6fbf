import FirnGraph
import FirnOps

extension Operator {
  /// NumPy's matmul: vectors are rows on the left and columns on the right, and lose that axis again.
  static func product(_ a: Tensor, _ b: Tensor) -> Tensor {
    let left = a.rank == 1 ? a.expandingAxis(at: 0) : a
    let right = b.rank == 1 ? b.expandingAxis(at: 1) : b
    let type = a.dtype
    // Firn multiplies matrices of floats; f64 holds every i32, and sums of such products as far as they fit.
    let result =
      type == .i32
      ? matmul(left.cast(to: .f64), right.cast(to: .f64)).cast(to: .i32) : matmul(left, right)
    var gone: [Int] = []
    if a.rank == 1 { gone.append(result.rank - 2) }
    if b.rank == 1 { gone.append(result.rank - 1) }
    return gone.isEmpty ? result : result.squeezed(axes: gone)
  }

  static let products: [Operator] = [
    Operator("MatMul", means: "`matmul`") { c throws(FirnError) in
      let right = try c.shape(1).rank == 2 ? c.weight(1, role: "kernel") : c.tensor(1)
      return [.of(product(try c.tensor(0), right))]
    },
    Operator("Gemm", means: "`matmul`, scaled, and an addend") { c throws(FirnError) in
      let (alpha, beta) = (c.float("alpha", 1), c.float("beta", 1))
      let a = c.flag("transA") ? try c.tensor(0).transposed([1, 0]) : try c.tensor(0)
      // A weight lies as a dense layer's kernel does, [in, out].
      let b = try c.weight(1, order: c.flag("transB") ? [1, 0] : [0, 1], role: "kernel")
      var result = product(a, b)
      if alpha != 1 { result = scaled(result, alpha) }
      if c.has(2) {
        let addend = try c.weight(2, role: "bias")
        result = result + (beta == 1 ? addend : scaled(addend, beta))
      }
      return [.of(result)]
    },
    Operator("Einsum", means: "`transposed`, `matmul` and `sum`, two operands at a time") {
      c throws(FirnError) in
      var operands: [Tensor] = []
      for index in c.inputs.indices { operands.append(try c.tensor(index)) }
      return [.of(try EinsteinSum(c.string("equation", ""), of: operands).result())]
    },
  ]

  private static func scaled(_ x: Tensor, _ factor: Double) -> Tensor {
    x.dtype == .i32 ? (x.cast(to: .f64) * factor).cast(to: .i32) : x * factor
  }
}

/// Products of tensors summed over the letters that the result has not, as NumPy's `einsum` writes them.
struct EinsteinSum {
  private var operands: [(tensor: Tensor, letters: [Character])]
  private let target: [Character]

  /// - Throws: where the equation does not fit the operands.
  init(_ equation: String, of tensors: [Tensor]) throws(FirnError) {
    let compact = equation.filter { $0 != " " }
    let arrow = compact.firstRange(of: "->")
    let left = arrow.map { compact[..<$0.lowerBound] } ?? compact[...]
    let terms = left.split(separator: ",", omittingEmptySubsequences: false)
    func fault(_ message: String) -> FirnError {
      FirnError(
        .invalidArgument, "the equation \"\(equation)\" \(message)",
        remedy: "check the file with onnx.checker")
    }
    guard terms.count == tensors.count else {
      throw fault("has \(terms.count) terms for \(tensors.count) operands")
    }
    var spread = 0
    for (term, tensor) in zip(terms, tensors) where term.contains("...") {
      spread = Swift.max(spread, tensor.rank - (term.count - 3))
    }
    // Axes of an ellipsis are letters of their own, that count from the right.
    func letters(_ term: Substring, rank: Int?) throws(FirnError) -> [Character] {
      guard let dots = term.firstRange(of: "...") else { return Array(term) }
      let named = term.count - 3
      let count = rank.map { $0 - named } ?? spread
      guard count >= 0 else { throw fault("names more axes than an operand has") }
      let free = (0..<count).map { Character(Unicode.Scalar(UInt32(0x2460 + spread - count + $0)) ?? "?") }
      return Array(term[..<dots.lowerBound]) + free + Array(term[dots.upperBound...])
    }
    operands = []
    for (term, tensor) in zip(terms, tensors) {
      let names = try letters(term, rank: tensor.rank)
      guard names.count == tensor.rank else { throw fault("names \(names.count) axes of \(tensor.type)") }
      operands.append((tensor, names))
    }
    if let arrow {
      target = try letters(compact[arrow.upperBound...], rank: nil)
    } else {
      let all = operands.flatMap(\.letters)
      let free = Set(all.filter { $0 >= "\u{2460}" }).sorted()
      target =
        free + Set(all.filter { letter in letter < "\u{2460}" && all.count { $0 == letter } == 1 }).sorted()
    }
    let known = Set(operands.flatMap(\.letters))
    guard target.allSatisfy({ known.contains($0) }), Set(target).count == target.count else {
      throw fault("has a result of other axes")
    }
  }

  func result() -> Tensor {
    var pending = operands.map { Self.diagonal($0.tensor, $0.letters) }
    var current = pending.removeFirst()
    while !pending.isEmpty {
      let next = pending.removeFirst()
      let wanted = Set(target + pending.flatMap(\.letters))
      current = Self.contracted(current, next, keeping: wanted)
    }
    let (tensor, letters) = Self.summed(current, keeping: Set(target))
    return tensor.transposed(target.compactMap { letters.firstIndex(of: $0) })
  }

  /// An axis for each letter: of two that share one, the diagonal.
  private static func diagonal(_ tensor: Tensor, _ letters: [Character]) -> (
    tensor: Tensor, letters: [Character]
  ) {
    var (tensor, letters) = (tensor, letters)
    while let second = letters.indices.first(where: { letters[..<$0].contains(letters[$0]) }),
      let first = letters.firstIndex(of: letters[second])
    {
      let extent = tensor.extent(first)
      let places = tensor.graph.iota(extent)
      let isOn = equal(places.reshaped(to: [extent, 1]), places.reshaped(to: [1, extent]))
      var shape = [Dim](repeating: 1, count: tensor.rank)
      shape[first] = extent
      shape[second] = extent
      let mask = isOn.reshaped(to: Shape(shape))
      tensor = select(where: mask, tensor, otherwise: tensor.graph.constant(0, dtype: tensor.dtype)).sum(
        axes: [second])
      letters.remove(at: second)
    }
    return (tensor, letters)
  }

  private static func summed(
    _ operand: (tensor: Tensor, letters: [Character]), keeping wanted: Set<Character>
  ) -> (tensor: Tensor, letters: [Character]) {
    let gone = operand.letters.indices.filter { !wanted.contains(operand.letters[$0]) }
    if gone.isEmpty { return operand }
    return (operand.tensor.sum(axes: gone), operand.letters.filter { wanted.contains($0) })
  }

  private static func contracted(
    _ a: (tensor: Tensor, letters: [Character]), _ b: (tensor: Tensor, letters: [Character]),
    keeping wanted: Set<Character>
  ) -> (tensor: Tensor, letters: [Character]) {
    let a = summed(a, keeping: wanted.union(b.letters))
    let b = summed(b, keeping: wanted.union(a.letters))
    let shared = a.letters.filter { b.letters.contains($0) }
    let batch = shared.filter { wanted.contains($0) }
    let inner = shared.filter { !wanted.contains($0) }
    let rows = a.letters.filter { !shared.contains($0) }
    let columns = b.letters.filter { !shared.contains($0) }
    func arranged(_ operand: (tensor: Tensor, letters: [Character]), _ order: [Character]) -> Tensor {
      operand.tensor.transposed(order.compactMap { operand.letters.firstIndex(of: $0) })
    }
    let left = arranged(a, batch + rows + inner)
    let right = arranged(b, batch + inner + columns)
    func extents(_ tensor: Tensor, _ range: Range<Int>) -> [Dim] { range.map { tensor.extent($0) } }
    func size(_ dims: [Dim]) -> Dim { dims.reduce(1, *) }
    // An axis of one beside a longer one broadcasts, as an ellipsis lets it.
    let batchLeft = extents(left, 0..<batch.count)
    let rowShape = extents(left, batch.count..<batch.count + rows.count)
    let innerShape = extents(left, batch.count + rows.count..<left.rank)
    let batchRight = extents(right, 0..<batch.count)
    let columnShape = extents(right, batch.count + inner.count..<right.rank)
    let x = left.reshaped(to: Shape(batchLeft + [size(rowShape), size(innerShape)]))
    let y = right.reshaped(to: Shape(batchRight + [size(innerShape), size(columnShape)]))
    let product = Operator.product(x, y)
    let result = product.reshaped(
      to: Shape(product.shape.dimensions.prefix(batch.count) + rowShape + columnShape))
    return (result, batch + rows + columns)
  }
}
