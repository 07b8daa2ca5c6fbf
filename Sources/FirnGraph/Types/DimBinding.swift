/// Numbers for named dimensions, as the feeds of one run fix them.
public struct DimBinding: Hashable, Sendable {
  /// Sorted by name.
  private(set) var entries: [Entry] = []

  struct Entry: Hashable, Sendable {
    var name: String
    var value: Int
  }

  /// No numbers.
  public init() {}

  /// Numbers by name; of two for one name the last counts.
  public init(_ values: KeyValuePairs<String, Int>) {
    for (name, value) in values { self[name] = value }
  }

  /// Whether it binds nothing.
  public var isEmpty: Bool { entries.isEmpty }

  /// The number bound to `name`, if any.
  public subscript(name: String) -> Int? {
    get { entries.first { $0.name == name }?.value }
    set {
      entries.removeAll { $0.name == name }
      guard let newValue else { return }
      let place = entries.firstIndex { $0.name > name } ?? entries.endIndex
      entries.insert(Entry(name: name, value: newValue), at: place)
    }
  }
}

extension DimBinding: ExpressibleByDictionaryLiteral, CustomStringConvertible {
  /// Numbers by name: `["batch": 32, "time": 10]`.
  public init(dictionaryLiteral elements: (String, Int)...) {
    for (name, value) in elements { self[name] = value }
  }

  /// By name: `batch=32, time=10`; empty where nothing is bound.
  public var description: String {
    entries.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")
  }
}
