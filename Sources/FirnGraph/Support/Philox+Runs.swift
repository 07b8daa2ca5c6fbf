/// Numbers of many elements that follow each other: the bits are those of each by itself, but a block is made once for
/// its four elements, and radius and angle once for two.
extension Philox {
  /// What `uniform` says of the elements from `first` on.
  package func fillUniform(_ values: UnsafeMutableBufferPointer<Double>, from first: Int) {
    fill(values, from: first, each: { uniform($0) }) { draws in
      (
        Self.uniform(of: draws.0), Self.uniform(of: draws.1), Self.uniform(of: draws.2),
        Self.uniform(of: draws.3)
      )
    }
  }

  /// What `normal` says of the elements from `first` on.
  package func fillNormal(_ values: UnsafeMutableBufferPointer<Double>, from first: Int) {
    fill(values, from: first, each: { normal($0) }) { draws in
      let (a, b) = Self.normals(of: draws.0, draws.1)
      let (c, d) = Self.normals(of: draws.2, draws.3)
      return (a, b, c, d)
    }
  }

  /// - Parameters:
  ///   - each: the number of one element, for those at both ends whose block is not wholly wanted.
  ///   - block: the numbers of a block's elements.
  @inline(__always) private func fill(
    _ values: UnsafeMutableBufferPointer<Double>, from first: Int, each: (Int) -> Double,
    block numbers: ((UInt32, UInt32, UInt32, UInt32)) -> (Double, Double, Double, Double)
  ) {
    guard let start = values.baseAddress else { return }
    let count = values.count
    var done = 0
    while done < count, (first + done) % 4 != 0 {
      start[done] = each(first + done)
      done += 1
    }
    while count - done >= 4 {
      let four = numbers(block(UInt32(truncatingIfNeeded: (first + done) / 4), 0, 0, 0))
      let place = start + done
      (place[0], place[1], place[2], place[3]) = four
      done += 4
    }
    while done < count {
      start[done] = each(first + done)
      done += 1
    }
  }
}
