import FirnGraph

extension DOTDrawing {
  /// The height of a row and the width of an item, roughly, in points.
  private static let (rowHeight, itemWidth) = (70.0, 200.0)
  /// With no more rows than this a drawing has one column.
  private static let rowLimit = 14
  /// What Graphviz is slow with anyway is not laid out here.
  private static let itemLimit = 20_000

  /// Breaks a long chain into columns that stand side by side, about as wide together as they are high.
  ///
  /// A column ends between outermost scopes, never inside one, whose frame would otherwise span both.
  mutating func layColumns() {
    guard items.count <= Self.itemLimit else { return }
    let rows = rows()
    guard let last = rows.max(), last >= Self.rowLimit else { return }
    let count = Double(last + 1)
    let perRow = Double(items.count) / count
    let columnCount = (count * Self.rowHeight / (Self.itemWidth * perRow)).squareRoot().rounded()
    guard columnCount > 1 else { return }
    let height = Int((count / columnCount).rounded(.up))
    let columnOfItem = columns(of: rows, height: height)
    let places = Dictionary(uniqueKeysWithValues: items.enumerated().map { ($1.id, $0) })
    for index in edges.indices {
      guard let from = places[edges[index].from], let to = places[edges[index].to] else { continue }
      edges[index].turns = columnOfItem[from] != columnOfItem[to]
    }
    columns = (0...(columnOfItem.max() ?? 0)).compactMap { column in
      let members = items.indices.filter { columnOfItem[$0] == column }
      return members.min { (rows[$0], $0) < (rows[$1], $1) }.map { items[$0].id }
    }
    if columns.count < 2 { columns = [] }
  }

  /// The column of each item, given its row: outermost scopes and lone items from above, as many as the height holds.
  private func columns(of rows: [Int], height: Int) -> [Int] {
    var units: [(rows: ClosedRange<Int>, members: [Int])] = []
    var numbers: [String: Int] = [:]
    for (index, item) in items.enumerated() {
      let key = item.scope.isEmpty ? item.id : "/" + item.scope.prefix { $0 != "/" }
      if let number = numbers[key] {
        let range = units[number].rows
        units[number].rows = min(range.lowerBound, rows[index])...max(range.upperBound, rows[index])
        units[number].members.append(index)
      } else {
        numbers[key] = units.count
        units.append((rows[index]...rows[index], [index]))
      }
    }
    let order = units.indices.sorted {
      (units[$0].rows.lowerBound, $0) < (units[$1].rows.lowerBound, $1)
    }
    // A little more than the height is better than one item in a column of its own.
    let limit = height + height / 6
    var result = [Int](repeating: 0, count: items.count)
    var (column, start) = (0, 0)
    for number in order {
      let range = units[number].rows
      if range.upperBound - start >= limit, range.lowerBound > start {
        (column, start) = (column + 1, range.lowerBound)
      }
      for member in units[number].members { result[member] = column }
    }
    return result
  }

  /// The row of each item as Graphviz would have it: below all that lead to it; what nothing leads to stands right
  /// above the first it leads to.
  private func rows() -> [Int] {
    let places = Dictionary(uniqueKeysWithValues: items.enumerated().map { ($1.id, $0) })
    var consumers = [[Int]](repeating: [], count: items.count)
    var pending = [Int](repeating: 0, count: items.count)
    for edge in edges where [.data, .boundary, .stored].contains(edge.line) {
      guard let from = places[edge.from], let to = places[edge.to], from != to else { continue }
      consumers[from].append(to)
      pending[to] += 1
    }
    let sources = items.indices.filter { pending[$0] == 0 }
    var rows = [Int](repeating: 0, count: items.count)
    var isDone = [Bool](repeating: false, count: items.count)
    var ready = sources
    var (next, first) = (0, 0)
    while true {
      if next == ready.count {
        // Boxes can lead to each other in a circle: it is entered at its first.
        while first < items.count, isDone[first] { first += 1 }
        guard first < items.count else { break }
        ready.append(first)
      }
      let item = ready[next]
      next += 1
      if isDone[item] { continue }
      isDone[item] = true
      for consumer in consumers[item] where !isDone[consumer] {
        rows[consumer] = max(rows[consumer], rows[item] + 1)
        pending[consumer] -= 1
        if pending[consumer] == 0 { ready.append(consumer) }
      }
    }
    for item in sources {
      if let above = consumers[item].map({ rows[$0] }).min() { rows[item] = max(0, above - 1) }
    }
    return rows
  }
}
