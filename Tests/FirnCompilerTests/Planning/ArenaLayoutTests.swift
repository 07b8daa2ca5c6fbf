import FirnCompiler
import FirnTestSupport
import Testing

/// The property that matters, on many random request sets; not the algorithm.
@Suite struct ArenaLayoutTests {
  private func requests(_ seed: Int) -> [ArenaLayout.Request] {
    var source = RandomSource(seed: seed)
    return (0..<source.below(40)).map { _ in
      let first = source.below(20)
      let size = source.chance(10) ? 0 : source.pick([1, 63, 64, 65, 100, 4096, 1 + source.below(10_000)])
      return .init(byteCount: size, first: first, last: first + source.below(source.chance(20) ? 20 : 4))
    }
  }

  /// The layout of some requests, of which few, some or all are looked at one by one.
  private func layout(_ requests: [ArenaLayout.Request], _ seed: Int) -> ArenaLayout {
    ArenaLayout(requests, thorough: [0, 1, 8, 2048][seed % 4])
  }

  private func aligned(_ size: Int) -> Int { (max(size, 1) + 63) / 64 * 64 }

  @Test(arguments: 0..<400) func whatIsAliveTogetherLiesApart(_ seed: Int) {
    let requests = requests(seed)
    let layout = layout(requests, seed)
    #expect(layout.offsets.count == requests.count)
    for (a, first) in requests.enumerated() {
      let end = layout.offsets[a] + first.byteCount
      #expect(layout.offsets[a] >= 0 && layout.offsets[a] % ArenaLayout.alignment == 0)
      #expect(end <= layout.byteCount)
      for (b, second) in requests.enumerated().dropFirst(a + 1) {
        guard first.first <= second.last, second.first <= first.last else { continue }
        #expect(
          end <= layout.offsets[b] || layout.offsets[b] + second.byteCount <= layout.offsets[a],
          "requests \(a) and \(b) overlap")
      }
    }
  }

  @Test(arguments: 0..<400) func sizeIsBetweenPeakAndSum(_ seed: Int) {
    let requests = requests(seed)
    let layout = layout(requests, seed)
    let peak =
      (0..<64).map { step in
        requests.reduce(0) { $0 + ($1.first...$1.last ~= step ? aligned($1.byteCount) : 0) }
      }.max() ?? 0
    #expect(layout.leastByteCount == peak)
    #expect(layout.byteCount >= peak)
    #expect(layout.byteCount <= requests.reduce(0) { $0 + aligned($1.byteCount) })
    #expect(layout.byteCount % ArenaLayout.alignment == 0)
  }

  /// However many buffers of one size there are, and whenever they live.
  @Test(arguments: 0..<20) func equalSizesWasteNothing(_ seed: Int) {
    var source = RandomSource(seed: seed)
    let requests = (0..<300).map { _ in
      let first = source.below(200)
      return ArenaLayout.Request(
        byteCount: 1 + source.below(64), first: first,
        last: first + source.below(source.chance(30) ? 300 : 9))
    }
    let layout = ArenaLayout(requests, thorough: 16)
    #expect(layout.byteCount == layout.leastByteCount)
  }

  @Test(arguments: 0..<20) func sameRequestsGiveTheSameOffsets(_ seed: Int) {
    let (a, b) = (layout(requests(seed), seed), layout(requests(seed), seed))
    #expect(a.offsets == b.offsets && a.byteCount == b.byteCount)
  }

  /// As a forward pass whose values the backward pass reads, the last made first: nothing is wasted, however many there
  /// are, and what lives shortly in between takes no room beneath what lives long.
  @Test(arguments: [0, 16, 2048]) func nestedLivesLieOnOneAnother(_ thorough: Int) {
    var source = RandomSource(seed: thorough)
    let count = 3000
    let requests = (0..<count).flatMap { step in
      [
        ArenaLayout.Request(byteCount: 64 * (1 + source.below(100)), first: step, last: 2 * count - step),
        .init(byteCount: 64, first: step, last: step),
      ]
    }
    let layout = ArenaLayout(requests, thorough: thorough)
    #expect(Double(layout.byteCount) <= 1.02 * Double(layout.leastByteCount))
  }

  /// Sums beyond `Int` are sums without end, and nothing traps.
  @Test func sizesWithoutEndStaySo() {
    let endless = ArenaLayout.Request(byteCount: .max - 10, first: 0, last: 2)
    let layout = ArenaLayout([endless, endless, .init(byteCount: 64, first: 1, last: 1)])
    #expect(layout.byteCount == .max && layout.leastByteCount == .max)
  }

  @Test func nothingNeedsNothing() {
    let layout = ArenaLayout([])
    #expect(layout.offsets.isEmpty && layout.byteCount == 0)
  }

  /// Lives end to end share one place; lives that touch do not.
  @Test func bytesAreUsedAgain() {
    let apart = ArenaLayout([
      .init(byteCount: 100, first: 0, last: 1), .init(byteCount: 100, first: 2, last: 3),
      .init(byteCount: 90, first: 4, last: 4),
    ])
    #expect(apart.offsets == [0, 0, 0] && apart.byteCount == 128)
    let touching = ArenaLayout([
      .init(byteCount: 100, first: 0, last: 2), .init(byteCount: 100, first: 2, last: 3),
    ])
    #expect(touching.offsets == [0, 128] && touching.byteCount == 256)
  }

  /// The gap between two long lives is found by a short one.
  @Test func gapsAreFilled() {
    let layout = ArenaLayout([
      .init(byteCount: 256, first: 0, last: 9), .init(byteCount: 192, first: 0, last: 2),
      .init(byteCount: 128, first: 0, last: 9), .init(byteCount: 64, first: 5, last: 9),
    ])
    #expect(layout.offsets == [0, 256, 448, 256] && layout.byteCount == 576)
  }
}
