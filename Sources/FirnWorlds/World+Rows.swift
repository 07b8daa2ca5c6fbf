extension World {
  /// Begins to make a table that is the sum over all members of tables of which each has some rows, the others being
  /// zero.
  ///
  /// Rows travel as rows where all of them together are less than tables would be; that is settled by their numbers,
  /// which everyone tells everyone first. Either way sums run in the order of ranks. The memory belongs to the world
  /// until ``finish(_:)`` has returned.
  ///
  /// - Parameters:
  ///   - rows: `count` of them, of `width` numbers each.
  ///   - indices: which row of the table each is, no two alike, each in `0..<size`.
  ///   - count: this member's; others may have more or fewer.
  ///   - table: `size` rows, to be made.
  public func startSum(
    ofRows rows: UnsafeMutableRawPointer, at indices: UnsafeMutablePointer<Int32>, count: Int, width: Int,
    into table: UnsafeMutableRawPointer, size: Int, of element: Element
  ) -> Ticket {
    let own = Rows(
      rows: UncheckedPointer(rows), indices: UncheckedPointer(UnsafeMutableRawPointer(indices)), count: count)
    let table = UncheckedPointer(table)
    return start { world throws(WorldError) in
      try world.sum(own, width: width, into: table.pointer, size: size, of: element)
    }
  }

  /// Rows of a member.
  private struct Rows: Sendable {
    var rows: UncheckedPointer
    var indices: UncheckedPointer
    var count: Int
  }

  private func sum(
    _ own: Rows, width: Int, into table: UnsafeMutableRawPointer, size tableRows: Int, of element: Element
  ) throws(WorldError) {
    let rowBytes = width * element.byteCount
    let tableBytes = tableRows * rowBytes
    // As they are told, in 64 bits each.
    let counts = UnsafeMutablePointer<Int64>.allocate(capacity: size)
    counts.initialize(repeating: 0, count: size)
    counts[rank] = Int64(own.count)
    let told = UnsafeMutableRawBufferPointer(start: counts, count: 8 * size)
    let others = (0..<size).filter { $0 != rank }
    try exchange(
      others.map { Message(rank: $0, bytes: told.part(8 * rank..<8 * (rank + 1))) },
      others.map { Message(rank: $0, bytes: told.part(8 * $0..<8 * ($0 + 1))) })
    let all = (0..<size).map { Int(counts[$0]) }
    counts.deallocate()
    let total = all.reduce(0, +)
    table.initializeMemory(as: UInt8.self, repeating: 0, count: tableBytes)
    func put(_ rows: UnsafeMutableRawPointer, _ indices: UnsafeMutableRawPointer, _ count: Int) {
      let indices = indices.assumingMemoryBound(to: Int32.self)
      for row in 0..<count {
        Self.add(rows + row * rowBytes, to: table + Int(indices[row]) * rowBytes, width, element)
      }
    }
    // A table is sent twice, but for the own part: to whoever sums, and from there.
    guard total * (rowBytes + 4) < 2 * tableBytes else {
      note(reduced: tableBytes)
      put(own.rows.pointer, own.indices.pointer, own.count)
      return try sum(table, count: tableRows * width, of: element)
    }
    note(reduced: own.count * (rowBytes + 4))
    // Where messages fail it is not given back: one may still be on its way there.
    let received = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, total * (rowBytes + 4)), alignment: 64)
    let starts = all.indices.map { all[..<$0].reduce(0, +) }
    let rowParts = all.indices.map {
      received.part(starts[$0] * rowBytes..<(starts[$0] + all[$0]) * rowBytes)
    }
    let indexParts = all.indices.map {
      received.part(total * rowBytes + starts[$0] * 4..<total * rowBytes + (starts[$0] + all[$0]) * 4)
    }
    if own.count > 0 {
      rowParts[rank].copyMemory(
        from: UnsafeRawBufferPointer(start: own.rows.pointer, count: own.count * rowBytes))
      indexParts[rank].copyMemory(
        from: UnsafeRawBufferPointer(start: own.indices.pointer, count: own.count * 4))
    }
    try exchange(
      others.flatMap {
        [Message(rank: $0, bytes: rowParts[rank]), Message(rank: $0, bytes: indexParts[rank])]
      },
      others.flatMap { [Message(rank: $0, bytes: rowParts[$0]), Message(rank: $0, bytes: indexParts[$0])] })
    for member in all.indices where all[member] > 0 {
      guard let rows = rowParts[member].baseAddress, let indices = indexParts[member].baseAddress else {
        continue
      }
      put(rows, indices, all[member])
    }
    received.deallocate()
  }
}
