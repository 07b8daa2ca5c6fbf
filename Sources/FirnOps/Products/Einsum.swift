public import FirnGraph

/// Sums of products over named axes: NumPy's `einsum`.
///
/// `einsum("bij,bjk->bik", [a, b])` is a product of stacks of matrices, `einsum("ii->", [a])` a trace,
/// `einsum("...i,i", [a, b])` a product along the last axis.
///
/// A letter names an axis of each operand it stands in; axes of one name have one extent, or extent 1, which is
/// repeated. What the result has is behind the arrow; without one it is all letters that stand only once, by the
/// alphabet. `...` stands for any axes before, between or behind, which broadcast. Spaces do not count.
///
/// Two operands at a time are multiplied, from the left: by `matmul` where something is summed, else element by
/// element.
///
/// Constraints: (C1) the equation has a term for each operand, of letters and at most one `...` each; (C2) a term has a
/// letter for each axis; (C3) the result's letters are the operands', each once; (C4) extents of one name are equal or
/// 1; (C5) operands are of one element type, numbers.
///
/// - Parameters:
///   - equation: which axes are which.
///   - operands: one or more.
/// - Complexity: that of the products, and of the transpositions before and after them.
public func einsum(
  _ equation: String, _ operands: [Tensor], file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
  guard let first = operands.first else { return .poisoned(in: Graph()) }
  if let poison = operands.first(where: \.isPoisoned) { return poison }
  return first.graph.at(CallSite(file, line)) {
    do throws(FirnError) {
      return try Contraction(equation, operands).result()
    } catch {
      return first.graph.report(error, operands: operands)
    }
  }
}

/// An equation read, and its operands with their axes named.
private struct Contraction {
  /// The axes of `...` have the numbers from the end as names, letters their own.
  typealias Name = String

  private var terms: [(tensor: Tensor, names: [Name])] = []
  private var output: [Name] = []

  init(_ equation: String, _ operands: [Tensor]) throws(FirnError) {
    let text = equation.filter { !$0.isWhitespace }.replacingDots()
    let sides = text.split(separator: ">", omittingEmptySubsequences: false)
    let isArrow = sides.count == 1 || sides.count == 2 && sides[0].last == "-"
    let left = sides.count == 2 ? sides[0].dropLast() : sides[0]
    let inputs = left.split(separator: ",", omittingEmptySubsequences: false)
    let written = sides.count == 2 ? [sides[1]] : []
    try require(
      isArrow && inputs.count == operands.count
        && (inputs + written).allSatisfy { term in
          term.count { $0 == "…" } <= 1 && term.allSatisfy { $0 == "…" || $0.isASCII && $0.isLetter }
        }, "C1", .invalidArgument, "einsum: `\(equation)` for \(operands.count) operands",
      remedy: "give a term of letters for each, `ij,jk->ik`")
    let dtype = operands[0].dtype
    try require(
      dtype != .bool && operands.allSatisfy { $0.dtype == dtype }, "C5", .typeMismatch,
      "einsum: operands are \(operands.map { "\($0.type)" }.joined(separator: ", "))",
      remedy: "cast them to one type of numbers")
    var open = 0
    for (term, operand) in zip(inputs, operands) {
      let letters = term.count { $0 != "…" }
      try require(
        term.contains("…") ? letters <= operand.rank : letters == operand.rank, "C2", .shapeMismatch,
        "einsum: `\(term)` for \(operand.type)", remedy: "give one letter for each axis, or `...` for some")
      let between = operand.rank - letters
      open = Swift.max(open, between)
      terms.append((operand, Self.names(term, between)))
    }
    if let written = written.first {
      output = Self.names(written, open)
    } else {
      let all = terms.flatMap(\.names)
      let letters = all.filter { name in name.first?.isLetter == true && all.count { $0 == name } == 1 }
      output = Self.names("…", open) + letters.sorted()
    }
    let known = Set(terms.flatMap(\.names))
    try require(
      Set(output).count == output.count && output.allSatisfy(known.contains), "C3", .invalidArgument,
      "einsum: the result of `\(equation)`", remedy: "name axes of the operands, each once")
    var extents: [Name: Dim] = [:]
    for (tensor, names) in terms {
      for (name, extent) in zip(names, tensor.shape) {
        let held = extents[name] ?? 1
        try require(
          held == extent || held == 1 || extent == 1, "C4", .shapeMismatch,
          "einsum: axis `\(name)` of `\(equation)` is \(held) and \(extent)",
          remedy: "make the extents equal or one of them 1")
        extents[name] = held == 1 ? extent : held
      }
    }
    for index in terms.indices { spread(index, to: extents) }
  }

  private static func names(_ term: Substring, _ between: Int) -> [Name] {
    term.flatMap { letter in
      letter == "…" ? (0..<between).reversed().map { "\($0)" } : [String(letter)]
    }
  }

  /// Axes of extent 1 are repeated to what others of their name have; of two axes of one name the diagonal is left.
  private mutating func spread(_ index: Int, to extents: [Name: Dim]) {
    var (tensor, names) = terms[index]
    tensor = tensor.repeated(to: Shape(names.map { extents[$0] ?? 1 }))
    while let axis = names.indices.first(where: { names[..<$0].contains(names[$0]) }),
      let other = names.firstIndex(of: names[axis])
    {
      let mask = tensor.graph.diagonals(tensor.shape[other], tensor.shape[axis])
      let shape = names.indices.map { $0 == axis || $0 == other ? tensor.shape[$0] : 1 }
      let isOn = equal(mask, 0).withShape(Shape(shape)).repeated(to: tensor.shape)
      tensor = select(where: isOn, tensor, otherwise: tensor.filled(0)).sum(axes: [axis])
      names.remove(at: axis)
    }
    terms[index] = (tensor, names)
  }

  func result() -> Tensor {
    var terms = terms
    var current = terms.removeFirst()
    current = summed(current, keeping: terms.flatMap(\.names))
    while !terms.isEmpty {
      let next = summed(terms.removeFirst(), keeping: current.names + terms.flatMap(\.names))
      current = product(current, next, keeping: Set(terms.flatMap(\.names)).union(output))
    }
    return current.tensor.permuted(output.compactMap(current.names.firstIndex(of:)))
  }

  /// Without the axes nobody else has.
  private func summed(_ term: (tensor: Tensor, names: [Name]), keeping others: [Name]) -> (
    tensor: Tensor, names: [Name]
  ) {
    let gone = term.names.indices.filter {
      !others.contains(term.names[$0]) && !output.contains(term.names[$0])
    }
    if gone.isEmpty { return term }
    return (
      term.tensor.sum(axes: gone), term.names.indices.filter { !gone.contains($0) }.map { term.names[$0] }
    )
  }

  private func product(
    _ a: (tensor: Tensor, names: [Name]), _ b: (tensor: Tensor, names: [Name]), keeping kept: Set<Name>
  ) -> (tensor: Tensor, names: [Name]) {
    let shared = a.names.filter(b.names.contains)
    let (batch, contracted) = (shared.filter(kept.contains), shared.filter { !kept.contains($0) })
    let (left, right) = (a.names.filter { !shared.contains($0) }, b.names.filter { !shared.contains($0) })
    func extents(_ term: (tensor: Tensor, names: [Name]), _ names: [Name]) -> [Dim] {
      names.compactMap { name in term.names.firstIndex(of: name).map { term.tensor.shape[$0] } }
    }
    func ordered(_ term: (tensor: Tensor, names: [Name]), _ names: [Name]) -> Tensor {
      term.tensor.permuted(names.compactMap(term.names.firstIndex(of:)))
    }
    let (outer, m, n) = (extents(a, batch), extents(a, left), extents(b, right))
    let sums = extents(a, contracted)
    let result = Shape(outer + m + n)
    let names = batch + left + right
    if contracted.isEmpty || !a.tensor.dtype.isFloatingPoint {
      let ones = { (names: [Name]) in names.map { _ in Dim(1) } }
      let x = ordered(a, batch + left + contracted).withShape(Shape(outer + m + ones(right) + sums))
      let y = ordered(b, batch + right + contracted).withShape(Shape(outer + ones(left) + n + sums))
      let axes = Array(names.count..<names.count + sums.count)
      return (axes.isEmpty ? x * y : (x * y).sum(axes: axes), names)
    }
    func folded(_ extents: [Dim]) -> Dim { extents.reduce(Dim(1)) { $0 * $1 } }
    let x = ordered(a, batch + left + contracted).withShape(Shape(outer + [folded(m), folded(sums)]))
    let y = ordered(b, batch + contracted + right).withShape(Shape(outer + [folded(sums), folded(n)]))
    return (matmul(x, y).withShape(result), names)
  }
}

extension String {
  /// With one character for `...`; another dot is left for the check of letters.
  fileprivate func replacingDots() -> String {
    var result = ""
    var rest = self[...]
    while let letter = rest.first {
      if rest.hasPrefix("...") {
        result += "…"
        rest = rest.dropFirst(3)
      } else {
        result.append(letter)
        rest = rest.dropFirst()
      }
    }
    return result
  }
}
