import FirnGraph

/// The shapes and tilings of a graph by number: it has few, and thousands of nodes each.
struct Tilings {
  private var shapes: [Shape] = []
  private var ranks: [Int32] = []
  private var shapeNumbers: [Shape: Int32] = [:]
  /// Numbers of shapes asked for lately, at the places that their extents say; -1 for none.
  private var recent: [Int32]
  private var tilings: [Tiling] = []
  private var tilingNumbers: [Tiling: Int32] = [:]
  /// By shape, the tiling that is all of it.
  private var wholes: [Int32] = []
  private var ands: [UInt64: Int32] = [:]
  /// The last that was asked for, and its answer: neighbours ask the same.
  private var last: (pair: UInt64, number: Int32) = (.max, none)

  private static let none: Int32 = -1
  private static let remembered = 256

  init() { recent = Array(repeating: Self.none, count: Self.remembered) }

  mutating func number(of shape: Shape) -> Int32 {
    var place = shape.rank
    for dimension in shape { place = place &* 31 &+ (dimension.value ?? -1) }
    place &= Self.remembered - 1
    if recent[place] >= 0, shapes[Int(recent[place])] == shape { return recent[place] }
    recent[place] = shapeNumbers[shape] ?? add(shape)
    return recent[place]
  }

  private mutating func add(_ shape: Shape) -> Int32 {
    let number = Int32(shapes.count)
    shapeNumbers[shape] = number
    shapes.append(shape)
    ranks.append(Int32(shape.rank))
    wholes.append(add(Tiling(shape)))
    return number
  }

  private mutating func add(_ tiling: Tiling?) -> Int32 {
    guard let tiling else { return Self.none }
    if let known = tilingNumbers[tiling] { return known }
    tilingNumbers[tiling] = Int32(tilings.count)
    tilings.append(tiling)
    return Int32(tilings.count - 1)
  }

  func shape(_ number: Int32) -> Shape { shapes[Int(number)] }
  func rank(_ number: Int32) -> Int { Int(ranks[Int(number)]) }
  func tiling(_ number: Int32) -> Tiling { tilings[Int(number)] }

  /// What all of a shape goes through.
  func whole(_ shape: Int32) -> Int32 { wholes[Int(shape)] }

  /// What both can go through; -1 where that is nothing, or one of them is.
  mutating func and(_ a: Int32, _ b: Int32) -> Int32 {
    if a < 0 || b < 0 { return Self.none }
    if a == b, tilings[Int(a)].axis == nil { return a }
    let pair = UInt64(a) << 32 | UInt64(b)
    if last.pair == pair { return last.number }
    let number: Int32
    if let known = ands[pair] {
      number = known
    } else {
      number = add(tilings[Int(a)].and(tilings[Int(b)]))
      ands[pair] = number
    }
    last = (pair, number)
    return number
  }

  /// The same where tiles begin at `start` along `axis`, too; -1 where they cannot.
  mutating func beginning(_ tiling: Int32, at start: Dim, along axis: Int) -> Int32 {
    tiling < 0 ? Self.none : add(tilings[Int(tiling)].beginning(at: start, along: axis))
  }
}
