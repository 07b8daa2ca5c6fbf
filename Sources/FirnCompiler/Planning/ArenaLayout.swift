import FirnGraph

/// Offsets for buffers with known lifetimes, such that no two that are alive together overlap.
///
/// Buffers are put down one after the other, in several orders, until one comes close to what is alive at once; else
/// the smallest arena of all counts. An order is tried again with what lay on top put down first. Each of the first
/// buffers, as many as `thorough`, gets the lowest gap that is free for its whole life; by size, the largest first, that
/// is Pisarchyk & Lee, "Efficient memory management for deep neural net inference", 2020. Those behind them are stacked:
/// each on the highest of what is alive with it. By the length of their lives, the longest first, buffers that lie in
/// one another like brackets, as the values of a forward pass that the backward pass reads do, are stacked without a gap.
/// Before all that, where there are more than `thorough`, each is put where one of its size has died, as it is born:
/// buffers of one size, such as all gradients of a hundred thousand numbers, need no more than is alive at once.
///
/// - Complexity: O(n log n) in the number of buffers.
package struct ArenaLayout: Sendable {
  /// A buffer and the steps during which its bytes matter, both ends included.
  package struct Request: Sendable {
    package var byteCount: Int
    package var first: Int
    package var last: Int

    package init(byteCount: Int, first: Int, last: Int) {
      self.byteCount = byteCount
      self.first = first
      self.last = last
    }

    /// Whether both are alive at some step.
    func meets(_ other: Request) -> Bool { first <= other.last && other.first <= last }
  }

  package static let alignment = 64

  /// In the order of the requests.
  package private(set) var offsets: [Int]
  package private(set) var byteCount = 0
  /// The largest sum of bytes alive at one step: no arena is smaller.
  package let leastByteCount: Int

  /// - Parameter thorough: how many buffers are looked at one by one; their pairs are what takes time.
  package init(_ requests: [Request], thorough: Int = 2048) {
    let sizes = requests.map { Self.aligned(max($0.byteCount, 1)) }
    leastByteCount = Self.leastByteCount(requests, sizes)
    offsets = []
    if requests.count > thorough {
      (offsets, byteCount) = Self.reusing(requests, sizes)
      if isCloseEnough { return }
    }
    // As many rounds as keep the pairs that are looked at to some millions.
    let pairs = min(requests.count, thorough) * min(requests.count, thorough)
    let rounds = requests.count > thorough ? 1 : max(1, min(Self.mostRounds, Self.mostPairs / max(pairs, 1)))
    for order in Order.allCases {
      var indices = order.indices(requests, sizes)
      for _ in 0..<rounds {
        let offsets = Self.offsets(requests, sizes, in: indices, thorough: thorough)
        let ends = requests.indices.map { offsets[$0].saturatingSum(sizes[$0]) }
        let end = ends.max() ?? 0
        if end < byteCount || self.offsets.isEmpty { (self.offsets, byteCount) = (offsets, end) }
        if isCloseEnough { return }
        indices = indices.filter { ends[$0] == end } + indices.filter { ends[$0] < end }
      }
    }
  }

  /// Whether what is left to gain is not worth another round.
  private var isCloseEnough: Bool { byteCount - leastByteCount <= leastByteCount / 64 }

  private static let mostRounds = 32
  private static let mostPairs = 1 << 22

  private static func aligned(_ size: Int) -> Int {
    size > .max - alignment ? .max : (size + alignment - 1) / alignment * alignment
  }

  private static func leastByteCount(_ requests: [Request], _ sizes: [Int]) -> Int {
    let births = requests.indices.sorted { requests[$0].first < requests[$1].first }
    let deaths = requests.indices.sorted { requests[$0].last < requests[$1].last }
    var (alive, most) = (0, 0)
    var dead = 0
    for birth in births {
      while requests[deaths[dead]].last < requests[birth].first {
        alive -= sizes[deaths[dead]]
        dead += 1
      }
      // A sum that is too large stays so: what dies is not taken from it.
      guard alive <= .max - sizes[birth] else { return .max }
      alive += sizes[birth]
      most = max(most, alive)
    }
    return most
  }

  /// Each where the last one of its size has died, or behind all others, in the order in which they are born.
  private static func reusing(_ requests: [Request], _ sizes: [Int]) -> (offsets: [Int], byteCount: Int) {
    let births = requests.indices.sorted { (requests[$0].first, $0) < (requests[$1].first, $1) }
    let deaths = requests.indices.sorted { (requests[$0].last, $0) < (requests[$1].last, $1) }
    var offsets = Array(repeating: 0, count: requests.count)
    var free: [Int: [Int]] = [:]
    var (end, dead) = (0, 0)
    for birth in births {
      while requests[deaths[dead]].last < requests[birth].first {
        free[sizes[deaths[dead]], default: []].append(offsets[deaths[dead]])
        dead += 1
      }
      if let place = free[sizes[birth]]?.popLast() {
        offsets[birth] = place
      } else {
        offsets[birth] = end
        end = end.saturatingSum(sizes[birth])
      }
    }
    return (offsets, end)
  }

  // MARK: Orders

  /// Which buffers come first; of equal ones those that were asked for first.
  private enum Order: CaseIterable {
    case size, life, area

    func indices(_ requests: [Request], _ sizes: [Int]) -> [Int] {
      let lives = requests.map { $0.last - $0.first }
      return requests.indices.sorted { a, b in
        switch self {
        case .size: (sizes[b], a) < (sizes[a], b)
        case .life: (lives[b], sizes[b], a) < (lives[a], sizes[a], b)
        case .area:
          (sizes[b].saturatingProduct(lives[b] + 1), a) < (sizes[a].saturatingProduct(lives[a] + 1), b)
        }
      }
    }
  }

  private static func offsets(
    _ requests: [Request], _ sizes: [Int], in indices: [Int], thorough: Int
  ) -> [Int] {
    var offsets = Array(repeating: 0, count: requests.count)
    let leading = indices.prefix(thorough)
    var placed: [(offset: Int, end: Int, request: Request)] = []
    for index in leading {
      var offset = 0
      for other in placed where other.request.meets(requests[index]) {
        if other.offset >= offset.saturatingSum(sizes[index]) { break }
        offset = max(offset, other.end)
      }
      offsets[index] = offset
      let place = placed.firstIndex { $0.offset > offset } ?? placed.endIndex
      placed.insert((offset, offset.saturatingSum(sizes[index]), requests[index]), at: place)
    }
    if indices.count == leading.count { return offsets }
    var stack = Stack(steps: 1 + requests.reduce(0) { max($0, $1.last) })
    for other in placed.sorted(by: { $0.end < $1.end }) {
      stack.raise(other.request.first, other.request.last, to: other.end)
    }
    for index in indices.dropFirst(thorough) {
      let request = requests[index]
      offsets[index] = stack.height(request.first, request.last)
      stack.raise(request.first, request.last, to: offsets[index].saturatingSum(sizes[index]))
    }
    return offsets
  }
}

/// Where the highest buffer ends, step by step: a tree over the steps.
private struct Stack {
  private let size: Int
  /// Of each node of the tree the highest end at any of its steps, the first node being the root.
  private var most: [Int]
  /// Of each node the end that all of its steps have at least.
  private var least: [Int]

  init(steps: Int) {
    var size = 1
    while size < steps { size *= 2 }
    self.size = size
    most = Array(repeating: 0, count: 2 * size)
    least = most
  }

  /// The highest end at the steps from `first` to `last`.
  func height(_ first: Int, _ last: Int) -> Int {
    var (left, right) = (first + size, last + size)
    var result = max(most[left], most[right])
    // Below one parent nothing lies between.
    while left / 2 != right / 2 {
      if left % 2 == 0 { result = max(result, most[left + 1]) }
      if right % 2 == 1 { result = max(result, most[right - 1]) }
      (left, right) = (left / 2, right / 2)
      result = max(result, max(least[left], least[right]))
    }
    var parent = left / 2
    while parent > 0 {
      result = max(result, least[parent])
      parent /= 2
    }
    return result
  }

  /// The steps from `first` to `last` have something that ends at `end`.
  mutating func raise(_ first: Int, _ last: Int, to end: Int) {
    var (left, right) = (first + size, last + size)
    raise(left, to: end)
    raise(right, to: end)
    while left / 2 != right / 2 {
      if left % 2 == 0 { raise(left + 1, to: end) }
      if right % 2 == 1 { raise(right - 1, to: end) }
      (left, right) = (left / 2, right / 2)
      most[left] = max(most[left], max(most[2 * left], most[2 * left + 1]))
      most[right] = max(most[right], max(most[2 * right], most[2 * right + 1]))
    }
    var parent = left / 2
    while parent > 0 {
      most[parent] = max(most[parent], max(most[2 * parent], most[2 * parent + 1]))
      parent /= 2
    }
  }

  private mutating func raise(_ node: Int, to end: Int) {
    most[node] = max(most[node], end)
    least[node] = max(least[node], end)
  }
}
