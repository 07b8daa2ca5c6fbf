import FirnGraph
import FirnWorlds
internal import Synchronization

/// A world as kernels see it.
final class WorldLink: Collectives {
  let world: World
  private let isCounted = Atomic<Bool>(true)

  init(_ world: World) { self.world = world }

  var rank: Int { world.rank }
  var size: Int { world.size }

  /// Set before a run, by the thread that runs.
  var counts: Bool {
    get { isCounted.load(ordering: .relaxed) }
    set { isCounted.store(newValue, ordering: .relaxed) }
  }

  private static func element(_ dtype: DType) -> World.Element {
    switch dtype {
    case .f32: .f32
    case .f64: .f64
    case .i32: .i32
    case .bool: firnBug("world", "a sum of truths")
    }
  }

  func startSum(_ values: UnsafeMutableRawPointer, count: Int, of dtype: DType) -> Int {
    world.startSum(values, count: count, of: Self.element(dtype)).number
  }

  func startSum(
    ofRows rows: UnsafeMutableRawPointer, at indices: UnsafeMutablePointer<Int32>, count: Int, width: Int,
    into table: UnsafeMutableRawPointer, size: Int, of dtype: DType
  ) -> Int {
    world.startSum(
      ofRows: rows, at: indices, count: count, width: width, into: table, size: size,
      of: Self.element(dtype)
    ).number
  }

  func finish(_ ticket: Int) throws(FirnError) {
    try Self.translating { () throws(WorldError) in try world.finish(World.Ticket(number: ticket)) }
  }

  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws(FirnError) {
    try Self.translating { () throws(WorldError) in try world.broadcast(bytes, from: root) }
  }

  func gather(_ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) throws(FirnError) {
    try Self.translating { () throws(WorldError) in try world.gather(own, into: all) }
  }

  /// What a world throws, as everything else does.
  static func translating<Result>(
    _ body: () throws(WorldError) -> Result
  ) throws(FirnError) -> Result {
    do throws(WorldError) { return try body() } catch {
      let rank = error.rank.map { "rank \($0): " } ?? ""
      throw FirnError(.world, rank + error.message, remedy: error.remedy)
    }
  }
}
