import FirnGraph

/// Offsets for buffers with known lifetimes, such that no two that are alive together overlap.
///
/// Greedy by size (Pisarchyk & Lee, "Efficient memory management for deep neural net inference", 2020): the largest
/// first, each in the lowest gap that is free for its whole life.
///
/// - Complexity: O(n²) in the number of buffers.
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
  }

  package static let alignment = 64

  /// In the order of the requests.
  package private(set) var offsets: [Int]
  package private(set) var byteCount = 0

  package init(_ requests: [Request]) {
    offsets = Array(repeating: 0, count: requests.count)
    var placed: [(offset: Int, end: Int, request: Request)] = []
    let order = requests.indices.sorted {
      (requests[$1].byteCount, $0) < (requests[$0].byteCount, $1)
    }
    for index in order {
      let request = requests[index]
      let size = Self.aligned(max(request.byteCount, 1))
      var offset = 0
      for other in placed where other.request.first <= request.last && request.first <= other.request.last {
        if other.offset >= offset.saturatingSum(size) { break }
        offset = max(offset, other.end)
      }
      offsets[index] = offset
      let place = placed.firstIndex { $0.offset > offset } ?? placed.endIndex
      let end = offset.saturatingSum(size)
      placed.insert((offset, end, request), at: place)
      byteCount = max(byteCount, end)
    }
  }

  private static func aligned(_ size: Int) -> Int {
    size > .max - alignment ? .max : (size + alignment - 1) / alignment * alignment
  }
}
