package import FirnGraph

/// The memory that what is described in a file may still take: a fixed sum, and as much as the file has bytes.
///
/// A few bytes can describe much: a deflated directory, a pickle that names one thing again and again, names that share
/// their beginnings. Whoever keeps something of a file takes its cost from here first, so that opening one needs no
/// more than its mapped bytes, as many again, and the fixed sum. What an array takes that is asked for is its own.
package struct ReadingBudget: Sendable {
  /// What any file may take.
  package static let fixed = 24 << 20
  /// A tensor that lies in the file as it is: what is read of the header, its entry, and its place by name; a longer
  /// name and its axes apart.
  static let entry = 304
  /// What is made beside it to read a tensor that lies in another way.
  static let making = 720
  /// A member of an archive or a row of a table, its name apart.
  static let member = 400
  /// A text beside its characters.
  static let text = 64

  private(set) var rest: Int
  private var fault: FileFault

  /// - Parameter byteCount: of the file as it lies on the disk, whatever it unpacks to.
  package init(_ byteCount: Int, fault: FileFault) {
    rest = Self.fixed
    self.fault = fault
    add(byteCount, of: fault)
  }

  /// More of what belongs to the file, such as a shard, or of what describes it at length; errors are from now on that one's.
  package mutating func add(_ byteCount: Int, of fault: FileFault) {
    // Both are bounded by what can be mapped.
    rest += byteCount
    self.fault = fault
  }

  /// - Parameter what: goes on after the file's name.
  /// - Throws: `.parse` where no more may be kept.
  package mutating func take(
    _ cost: Int, _ what: String = "describes more than a file of its size can hold"
  ) throws(FirnError) {
    rest -= cost
    if rest < 0 { throw fault(what) }
  }

  /// The cost of a tensor under this name with so many axes that lies in the file as it is.
  mutating func takeEntry(_ name: String, rank: Int) throws(FirnError) {
    try take(Self.entry + 2 * name.utf8.count + 32 * rank)
  }

  /// The cost of a tensor under this name with so many axes that is made of what lies in the file.
  mutating func takeMadeEntry(_ name: String, rank: Int) throws(FirnError) {
    try take(Self.making + 2 * name.utf8.count)
    try takeEntry(name, rank: rank)
  }
}
