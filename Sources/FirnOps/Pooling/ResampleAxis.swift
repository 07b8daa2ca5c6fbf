internal import CFirnKernels

/// One axis of a resampling: the nonzero weights of its matrix, or of the transposed one.
///
/// They are written into the workspace in each run. Tables kept from run to run would be memory that no plan accounts
/// for.
struct ResampleAxis: Sendable {
  let rule: ResampleRule
  let axis: Int
  /// Of the image, and of the results the rule makes of it.
  let image: Int
  let count: Int
  let isTransposed: Bool

  var resultCount: Int { isTransposed ? image : count }
  var extent: Int { isTransposed ? count : image }

  private var weightCount: Int {
    rule.isUniform ? count : rule.weightCount(axis, image: image, count: count)
  }

  /// Of the table, a multiple of 64.
  func byteCount<Element>(_ type: Element.Type) -> Int {
    let bytes =
      resultCount * MemoryLayout<FirnSpan>.stride + weightCount * MemoryLayout<Element>.stride
    return (bytes + 63) / 64 * 64
  }

  /// Writes the table to `memory`.
  ///
  /// - Complexity: linear in `image` and `count`, not in how far windows overlap.
  func table<Element: BinaryFloatingPoint>(
    at memory: UnsafeMutableRawPointer, _ type: Element.Type
  ) -> ResampleTable<Element> {
    let spans = memory.bindMemory(to: FirnSpan.self, capacity: resultCount)
    let weights = (memory + resultCount * MemoryLayout<FirnSpan>.stride)
      .bindMemory(to: Element.self, capacity: weightCount)
    func window(_ i: Int) -> ResampleRule.Window {
      rule.window(axis, of: i, image: image, count: count)
    }
    if rule.isUniform { for i in 0..<count { weights[i] = Element(window(i).weights[0]) } }
    var used = 0
    // The windows an element is in follow one another, as neither of their ends moves back.
    var (lower, upper) = (0, 0)
    for at in 0..<resultCount {
      if isTransposed {
        while lower < count, window(lower).elements.upperBound <= at { lower += 1 }
        while upper < count, window(upper).elements.lowerBound <= at { upper += 1 }
      }
      let seen = isTransposed ? lower..<upper : window(at).elements
      let start = !rule.isUniform ? used : isTransposed ? seen.lowerBound : at
      spans[at] = FirnSpan(first: seen.lowerBound, count: seen.count, weight: start)
      if rule.isUniform { continue }
      for other in seen {
        let (i, element) = isTransposed ? (other, at) : (at, other)
        weights[used] = Element(window(i).weight(of: element))
        used += 1
      }
    }
    return ResampleTable(spans: spans, weights: weights, step: rule.isUniform && !isTransposed ? 0 : 1)
  }
}

/// Where the weights of an axis are.
struct ResampleTable<Element> {
  let spans: UnsafePointer<FirnSpan>
  let weights: UnsafePointer<Element>
  /// From the weight of one element of a span to that of the next.
  let step: Int
}
