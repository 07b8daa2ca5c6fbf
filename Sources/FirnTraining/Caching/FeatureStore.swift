import FirnGraph

/// Records of one size, one an example: what a prefix made of it.
protocol FeatureStore: AnyObject {
  /// Whether another process made the record, and none that it made was held against one that is computed here.
  func isDoubtful(_ record: Int) -> Bool

  /// From here on no record of the process that made this one is doubtful.
  func trustMaker(of record: Int)

  /// Forgets all records of the process that made this one, for good.
  func rejectMaker(of record: Int)

  /// Whether others that use the same place find what is kept here, having looked again.
  var isSeenByOthers: Bool { get }

  /// Takes in what others have kept since it was last looked.
  func lookAgain()

  /// The number of the record of this key; nil where there is none.
  func record(of key: FeatureKey) -> Int?

  /// Keeps records, one behind the other in `bytes`, each under its key.
  ///
  /// - Returns: their numbers; nil where they are not kept.
  func keep(_ bytes: UnsafeRawBufferPointer, under keys: [FeatureKey]) -> [Int]?

  /// Copies a record; false where it is damaged, and `buffer` then holds anything.
  func read(_ record: Int, into buffer: UnsafeMutableRawBufferPointer) -> Bool

  /// Where each of some records lies in memory, until records are discarded; nil where one has to be read, or is not
  /// there.
  func bytes(of records: [Int]) -> [UnsafeRawPointer]?
}
