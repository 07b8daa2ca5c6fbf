import FirnGraph

/// Finds what a selection names, part by part in the order they are written.
///
/// Results are sparse and ascending, so that a long chain of `|` costs what its parts match.
struct SelectionResolver {
  struct Hit {
    var index: Int
    var region: Region
    /// A part that names it twice stands there twice, until all is resolved.
    var matchedBy: [String]
  }

  /// What can be named; empty where only paths are known.
  let variables: [Variable]
  private let form: Selection.Form
  /// Those of the variables, then the places that can be named besides.
  let paths: [String]
  let graph: GraphDef?
  let values: (loaded: Set<String>, trained: Set<String>)?
  /// Whether a dot in a path that is selected is a slash in `paths`.
  private(set) var countsDotsAsSlashes = false

  /// Found when first asked for: the paths in components, and where nodes stand.
  var components: [PathComponents]?
  var nodePositions: [String: Int]?
  private var below: [String: [Int]]?
  private var scans = 0
  /// How many atoms and blocks have been begun: the place of a fault.
  private var mark = 0

  init(_ form: Selection.Form, places: [String] = [], context: SelectionContext) {
    self.init(
      form, variables: context.graph.variables, places: places, graph: context.graph,
      values: (context.loaded, context.trained))
  }

  init(
    _ form: Selection.Form, variables: [Variable], places: [String] = [], graph: GraphDef? = nil,
    values: (loaded: Set<String>, trained: Set<String>)? = nil
  ) {
    self.form = form
    let hasSlots = variables.contains { $0.kind == .slot }
    self.variables = hasSlots ? variables.filter { $0.kind != .slot } : variables
    paths = self.variables.map(\.name) + places
    self.graph = graph
    self.values = values
  }

  init(_ form: Selection.Form, dottedNames: [String]) {
    self.init(form, variables: [], places: dottedNames.map { $0.replacing(".", with: "/") })
    countsDotsAsSlashes = true
  }

  mutating func resolve() throws(FirnError) -> [Hit] {
    var hits = try hits(form)
    for index in hits.indices where hits[index].matchedBy.count > 1 {
      hits[index].matchedBy = Self.distinct(hits[index].matchedBy)
    }
    return hits
  }

  // MARK: Operators

  private mutating func hits(_ form: Selection.Form) throws(FirnError) -> [Hit] {
    switch form {
    case .atom(let atom):
      mark += 1
      let text = [atom.text]
      return try indices(atom).map { Hit(index: $0, region: .whole, matchedBy: text) }
    case .block(let inner, let block):
      let inner = try hits(inner)
      mark += 1
      return try restrict(inner, to: block, text: SelectionPrinter(form).text)
    case .not(let inner):
      return complement(of: try hits(inner), text: SelectionPrinter(form).text)
    case .all(let parts):
      var named: [(hits: [Hit], mark: Int)] = []
      for part in parts { named.append((try hits(part), mark)) }
      // What some part does not name at all has no blocks that could not be combined, whatever the order.
      let common = named.dropFirst().reduce(named.first?.hits.map(\.index) ?? []) { Self.common($0, $1.hits) }
      let end = mark
      defer { mark = end }
      var result: [Hit]?
      for part in named {
        let next = Self.only(common, of: part.hits)
        mark = part.mark
        result = try result.map { known throws(FirnError) in try intersection(known, next) } ?? next
      }
      return result ?? []
    case .any(let parts):
      var slots = [Union?](repeating: nil, count: paths.count)
      for part in parts {
        for hit in try hits(part) {
          guard slots[hit.index] != nil else {
            slots[hit.index] = Union(hit)
            continue
          }
          if slots[hit.index]?.add(hit) == false, let known = slots[hit.index]?.hit(extents: []) {
            throw differentAxes(known, hit)
          }
        }
      }
      return slots.enumerated().compactMap { index, union in union?.hit(extents: extents(index)) }
    case .invalid(let error): throw error
    }
  }

  /// What several parts name of one thing, put together when all are known: one by one, many blocks would take the square
  /// of their number.
  private struct Union {
    private var first: Hit
    /// Nil where the whole is named.
    private var ranges: [Range<Int>]?
    private var others: [String] = []

    init(_ hit: Hit) {
      first = hit
      ranges = Self.ranges(hit)
    }

    private static func ranges(_ hit: Hit) -> [Range<Int>]? {
      if case .blocks(let blocks) = hit.region { blocks.map(\.range) } else { nil }
    }

    /// - Returns: false where blocks are along another axis than those before.
    mutating func add(_ hit: Hit) -> Bool {
      if let more = Self.ranges(hit) {
        if ranges != nil, hit.region.axis != first.region.axis { return false }
        ranges?.append(contentsOf: more)
      } else {
        ranges = nil
      }
      others += hit.matchedBy
      return true
    }

    func hit(extents: [Int]) -> Hit {
      var result = first
      if let ranges {
        if let axis = first.region.axis, extents.indices.contains(axis), !others.isEmpty {
          result.region = Region.along(axis, ranges, extent: extents[axis]) ?? first.region
        }
      } else {
        result.region = .whole
      }
      result.matchedBy += others
      return result
    }
  }

  /// Both are in ascending order.
  private static func common(_ indices: [Int], _ hits: [Hit]) -> [Int] {
    var place = 0
    return indices.filter { index in
      while place < hits.count, hits[place].index < index { place += 1 }
      return place < hits.count && hits[place].index == index
    }
  }

  private static func only(_ indices: [Int], of hits: [Hit]) -> [Hit] {
    if indices.count == hits.count { return hits }
    var place = 0
    return hits.filter { hit in
      while place < indices.count, indices[place] < hit.index { place += 1 }
      return place < indices.count && indices[place] == hit.index
    }
  }

  private func intersection(_ a: [Hit], _ b: [Hit]) throws(FirnError) -> [Hit] {
    var result: [Hit] = []
    var (i, j) = (0, 0)
    while i < a.count, j < b.count {
      if a[i].index == b[j].index {
        if let both = try combined(.intersection, a[i], b[j]) { result.append(both) }
        i += 1
        j += 1
      } else if a[i].index < b[j].index {
        i += 1
      } else {
        j += 1
      }
    }
    return result
  }

  private func complement(of hits: [Hit], text: String) -> [Hit] {
    var result: [Hit] = []
    var next = 0
    for index in paths.indices {
      var region: Region? = .whole
      if next < hits.count, hits[next].index == index {
        region = Region.complement(of: hits[next].region, extents: extents(index))
        next += 1
      }
      if let region { result.append(Hit(index: index, region: region, matchedBy: [text])) }
    }
    return result
  }

  func combined(_ operation: Region.Operation, _ a: Hit, _ b: Hit) throws(FirnError) -> Hit? {
    guard let region = Region.combine(operation, a.region, b.region, extents: extents(a.index)) else {
      throw differentAxes(a, b)
    }
    guard let region else { return nil }
    var both = a
    both.region = region
    both.matchedBy += b.matchedBy
    return both
  }

  private func differentAxes(_ a: Hit, _ b: Hit) -> FirnError {
    let axes = [a.region.axis, b.region.axis].map { $0.map(String.init) ?? "?" }
    return fault(
      "`\(paths[a.index])` is named by blocks along axis \(axes[0]) and along axis \(axes[1])",
      "combine blocks along one axis of a variable only")
  }

  func extents(_ index: Int) -> [Int] {
    variables.indices.contains(index) ? variables[index].type.shape.extents ?? [] : []
  }

  // MARK: Names

  /// What has this path or lies below it.
  ///
  /// A few are found by comparing all paths, which is quicker than putting all of them into a table first.
  mutating func members(of scope: String) -> [Int] {
    guard below == nil, scans < Self.mostScans else { return scopes()[scope] ?? [] }
    scans += 1
    if scope.isEmpty { return [] }
    return paths.indices.filter { Path.isWithin(paths[$0], scope) }
  }

  private static let mostScans = 4

  /// For each variable's path and every scope, the variables of that path or below.
  mutating func scopes() -> [String: [Int]] {
    if let below { return below }
    var result: [String: [Int]] = [:]
    for (index, path) in paths.enumerated() {
      var end = path.startIndex
      while let slash = path.utf8[end...].firstIndex(of: UInt8(ascii: "/")) {
        result[String(path[..<slash]), default: []].append(index)
        end = path.utf8.index(after: slash)
      }
      result[path, default: []].append(index)
    }
    below = result
    return result
  }

  /// Scopes before what is in them, in creation order; capped, since these are only for a message.
  func scopeNames() -> [String] {
    Self.distinct(
      paths.lazy.prefix(Self.candidateLimit).flatMap { Path.ancestors(of: $0).reversed() + [$0] })
  }

  static func distinct(_ names: some Sequence<String>) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  /// How many names are compared with a mistyped one.
  static let candidateLimit = 4096

  // MARK: Faults

  func fault(_ message: String, _ remedy: String) -> FirnError {
    let printer = SelectionPrinter(form)
    let position = printer.marks.indices.contains(mark - 1) ? printer.marks[mark - 1] : 0
    return SelectionSyntax.fault(
      message, in: Array(printer.text.unicodeScalars), at: position, remedy: remedy)
  }
}
