import FirnGraph
import Testing

@Suite struct StridedElementsTests {
  private func gather<Element: BitwiseCopyable>(
    _ source: [Element], _ shape: [Int], _ strides: [Int], skipping bytes: Int = 0
  ) -> [Element] {
    let storage = source.withUnsafeBytes {
      StridedElements(shape, strides: strides).gathered(
        from: UnsafeRawBufferPointer(rebasing: $0[bytes...]), byteCount: MemoryLayout<Element>.size)
    }
    let result = UnsafeRawBufferPointer(start: storage.pointer, count: storage.byteCount)
    return result.bindMemory(to: Element.self).map { $0 }
  }

  private func check<Element: FixedWidthInteger & BitwiseCopyable>(_: Element.Type) {
    let source = (0..<24).map { Element($0) }
    #expect(gather(source, [3, 2], [1, 3]) == [0, 3, 1, 4, 2, 5])
    // Three axes turned, steps wider than the extents, a repeated axis, a scalar, nothing.
    #expect(gather(source, [2, 3, 2], [1, 8, 4]) == [0, 4, 8, 12, 16, 20, 1, 5, 9, 13, 17, 21])
    #expect(gather(source, [2, 2], [0, 5]) == [0, 5, 0, 5])
    #expect(gather(source, [], []) == [0])
    #expect(gather(source, [3, 0], [1, 1]) == [])
    #expect(gather([], [0, 1 << 62, 1 << 62] as [Int], [1, 1, 1]) == [Element]())
  }

  @Test func everyWidth() {
    check(UInt8.self)
    check(Int16.self)
    check(UInt32.self)
    check(Int64.self)
    let pairs = (0..<4).map { SIMD2<UInt64>(UInt64($0), 9) }
    #expect(gather(pairs, [2, 2], [1, 2]) == [pairs[0], pairs[2], pairs[1], pairs[3]])
  }

  @Test func sourcesNeedNotBeAligned() {
    #expect(gather([0x0201, 0x0403, 0x0605] as [UInt16], [2], [1], skipping: 1) == [0x0302, 0x0504])
  }
}
