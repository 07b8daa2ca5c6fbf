import FirnGraph

/// Workers of a member whose world fails.
final class FailingWorkers: Workers, Collectives {
  let count = 1
  let rank = 0
  let size = 1
  let counts = true

  func split(_ count: Int, grain: Int, _ body: (Range<Int>, Int) -> Void) { body(0..<count, 0) }

  var world: (any Collectives)? { self }

  func startSum(_ values: UnsafeMutableRawPointer, count: Int, of dtype: DType) -> Int { 1 }

  func startSum(
    ofRows rows: UnsafeMutableRawPointer, at indices: UnsafeMutablePointer<Int32>, count: Int, width: Int,
    into table: UnsafeMutableRawPointer, size: Int, of dtype: DType
  ) -> Int { 1 }

  func finish(_ ticket: Int) throws(FirnError) { throw FirnError(.world, "a member is gone") }

  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws(FirnError) { try finish(1) }

  func gather(_ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) throws(FirnError) {
    try finish(1)
  }
}
