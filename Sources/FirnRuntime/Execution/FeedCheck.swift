import FirnCompiler
import FirnGraph
import FirnOps

/// Holds feeds against the placeholders of a program, and finds what they bind.
struct FeedCheck: Sendable {
  let needed: [(name: String, type: TensorType)]
  private let known: [(name: String, type: TensorType)]
  private let dimensions: [String]
  private let home: GraphIdentity

  /// - Parameter home: the graph whose placeholders these are.
  init(_ graph: GraphDef, known: [(name: String, type: TensorType)], home: GraphIdentity) {
    self.home = home
    needed = graph.placeholders
    self.known = known
    dimensions = graph.dimensionNames
  }

  /// - Parameter members: how many train together; an extent of that name is so many, unless feeds say otherwise.
  /// - Throws: `.unknownName`, `.missingFeed`, `.invalidFeed`; the message has the mismatch in full.
  func binding(of feeds: Feeds, members: Int = 1) throws(FirnError) -> DimBinding {
    for feed in feeds.entries { try home.require(feed.name, of: feed.home) }
    for feed in feeds.entries where !known.contains(where: { $0.name == feed.name }) {
      let names = known.map(\.name)
      throw FirnError(
        .unknownName, "`\(feed.name)` is fed but is no placeholder of the graph",
        remedy: NearestNames(to: feed.name, among: names).question ?? "placeholders are "
          + names.joined(separator: ", "))
    }
    var binding = DimBinding()
    var binder: [String: String] = [:]
    for (name, type) in needed {
      guard let feed = feeds.entries.last(where: { $0.name == name }) else {
        throw FirnError(
          .missingFeed, "`\(name)` is not fed", remedy: "feed an array of type \(type)", place: name)
      }
      let array = feed.array
      guard array.dtype == type.dtype else {
        throw mismatch(
          name, type, array, "element types differ: \(array.dtype) is fed, \(type.dtype) is wanted",
          "convert with `converted(to: .\(type.dtype))`")
      }
      guard array.shape.count == type.shape.rank else {
        throw mismatch(
          name, type, array, "\(array.shape.count) axes are fed, \(type.shape.rank) are wanted",
          "reshape the array")
      }
      for (axis, dimension) in type.shape.enumerated() {
        guard dimension.value == nil, let only = dimension.names.first, dimension == Dim(named: only)
        else { continue }
        if let bound = binding[only] {
          guard bound == array.shape[axis] else {
            throw mismatch(
              name, type, array,
              "`\(only)` is \(array.shape[axis]) here but \(bound) in `\(binder[only] ?? "")`",
              "feed arrays that agree on `\(only)`")
          }
        } else {
          binding[only] = array.shape[axis]
          binder[only] = name
        }
      }
    }
    bind(&binding, by: feeds, of: needed)
    for (name, type) in needed {
      guard let array = feeds.entries.last(where: { $0.name == name })?.array else { continue }
      for (axis, dimension) in type.shape.bound(by: binding).enumerated()
      where dimension.value != array.shape[axis] {
        throw mismatch(
          name, type, array,
          "axis \(axis) is \(array.shape[axis]), wanted is \(type.shape[axis])\(dimension == type.shape[axis] ? "" : " = \(dimension)")",
          "feed an array of type \(type)")
      }
    }
    // Dimensions that no data needed here has (how long a loop is whose slices nobody reads) come from other feeds.
    bind(&binding, by: feeds, of: known)
    let world = Collective.members.description
    if binding[world] == nil, dimensions.contains(world) { binding[world] = members }
    if let open = dimensions.first(where: { binding[$0] == nil }) { throw unbound(open) }
    return binding
  }

  /// Binds names that are not bound yet by the first extent that tells them, such as that of `4*segments`.
  private func bind(
    _ binding: inout DimBinding, by feeds: Feeds, of placeholders: [(name: String, type: TensorType)]
  ) {
    if dimensions.allSatisfy({ binding[$0] != nil }) { return }
    for (name, type) in placeholders {
      guard let array = feeds.entries.last(where: { $0.name == name })?.array,
        array.shape.count == type.shape.rank
      else { continue }
      for (dimension, extent) in zip(type.shape, array.shape) {
        guard let (name, number) = dimension.solved(for: extent), dimensions.contains(name),
          binding[name] == nil
        else { continue }
        binding[name] = number
      }
    }
  }

  /// The order of axes that makes an array with channels behind the batch one that fits, where it does not as it is.
  private func channelsLast(_ shape: [Int], for wanted: Shape) -> [Int]? {
    guard shape.count == wanted.rank, shape.count >= 3 else { return nil }
    func fits(_ order: [Int]) -> Bool {
      var binding = DimBinding()
      for (dimension, axis) in zip(wanted, order) {
        guard let (name, number) = dimension.solved(for: shape[axis]), binding[name] == nil else { continue }
        binding[name] = number
      }
      return zip(wanted.bound(by: binding), order).allSatisfy { dimension, axis in
        dimension.value.map { $0 == shape[axis] } ?? true
      }
    }
    let order = [0] + Array(2..<shape.count) + [1]
    return fits(Array(shape.indices)) || !fits(order) ? nil : order
  }

  private func unbound(_ name: String) -> FirnError {
    let fed = known.flatMap { placeholder in
      placeholder.type.shape.flatMap(\.names).map { ($0, placeholder.name) }
    }
    let holders = fed.filter { $0.0 == name }.map(\.1)
    let names = fed.map(\.0).filter { $0 != name }
    let nearest = NearestNames(
      to: name, among: names.enumerated().filter { names.firstIndex(of: $1) == $0 }.map(\.1))
    return FirnError(
      .missingFeed, "nothing fed binds the dimension `\(name)`",
      remedy: holders.first.map { "feed `\($0)`, whose shape has it" } ?? nearest.question
        ?? "no placeholder has it: use a dimension of one that is fed, or a number", place: holders.first)
  }

  private func mismatch(
    _ name: String, _ type: TensorType, _ array: NDArray, _ message: String, _ remedy: String
  ) -> FirnError {
    let order = array.dtype == type.dtype ? channelsLast(array.shape, for: type.shape) : nil
    return FirnError(
      .invalidFeed,
      "feed of `\(name)`: \(message)"
        + (order == nil ? "" : "; its channels seem to come first, here they come last"),
      remedy: order.map { "transpose the array: `array.transposed(\($0))`" } ?? remedy, place: name,
      operands: [
        .init(label: "placeholder", name: name, type: type),
        .init(label: "fed", name: "array", type: TensorType(array.dtype, Shape(array.shape))),
      ])
  }
}
