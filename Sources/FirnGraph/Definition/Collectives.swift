/// What kernels ask of the members that compute one thing together: sums and copies between them.
///
/// Every member makes the same calls in the same order. What is summed is summed in the order of ranks, so that the
/// bits do not depend on who is first.
package protocol Collectives: AnyObject, Sendable {
  /// This member's number, from 0.
  var rank: Int { get }
  /// How many members there are.
  var size: Int { get }
  /// Whether what this member makes in the present run counts: where there are fewer examples than members, some run
  /// along.
  var counts: Bool { get }

  /// Begins to replace `count` numbers with their sums over all members; what to give to `finish`.
  ///
  /// The memory belongs to the world until then.
  func startSum(_ values: UnsafeMutableRawPointer, count: Int, of dtype: DType) -> Int

  /// Begins to make the table of which each member has some rows, the others being zero, summed over all members.
  ///
  /// - Parameters:
  ///   - rows: `count` of them, `width` numbers each, and no two of the same row of the table.
  ///   - indices: which row of the table each is.
  ///   - table: `size` rows, to be made.
  func startSum(
    ofRows rows: UnsafeMutableRawPointer, at indices: UnsafeMutablePointer<Int32>, count: Int, width: Int,
    into table: UnsafeMutableRawPointer, size: Int, of dtype: DType
  ) -> Int

  /// Waits for a sum that was begun, and for all before it.
  func finish(_ ticket: Int) throws(FirnError)

  /// Copies the bytes of member `root` over everyone's.
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws(FirnError)

  /// Collects every member's bytes, as many of each, in the order of ranks.
  func gather(_ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) throws(FirnError)
}
