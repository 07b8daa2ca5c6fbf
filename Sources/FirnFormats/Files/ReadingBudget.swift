import FirnGraph

/// The memory that what is described in a file may still take: a fixed sum, and as much as the file has bytes.
///
/// A few bytes can describe much: a deflated directory, a pickle that names one thing again and again, names that share
/// their beginnings. Whoever keeps something of a file takes its cost from here first, so that opening one needs no
/// more than its mapped bytes, as many again, and the fixed sum. What an array takes that is asked for is its own.
package struct ReadingBudget: Sendable {
  /// What any file may take: some twenty thousand tensors with all that is known of them.
  package static let fixed = 24 << 20
  /// A tensor with all that is made to read it, its name apart.
  static let entry = 1024
  /// A member of an archive or a row of a table, its name apart.
  static let member = 400
  /// A text beside its characters.
  static let text = 64

  private(set) var rest: Int
  private let fault: FileFault

  /// - Parameter byteCount: of the file as it lies on the disk, whatever it unpacks to.
  package init(_ byteCount: Int, fault: FileFault) {
    rest = Self.fixed + byteCount
    self.fault = fault
  }

  /// More of what belongs to the file, such as a shard.
  mutating func add(_ byteCount: Int) { rest += byteCount }

  /// - Parameter what: goes on after the file's name.
  /// - Throws: `.parse` where no more may be kept.
  mutating func take(
    _ cost: Int, _ what: String = "describes more than a file of its size can hold"
  ) throws(FirnError) {
    rest -= cost
    if rest < 0 { throw fault(what) }
  }

  /// The cost of a tensor under this name with so many axes.
  mutating func takeEntry(_ name: String, rank: Int) throws(FirnError) {
    try take(Self.entry + 4 * name.utf8.count + 32 * rank)
  }
}
