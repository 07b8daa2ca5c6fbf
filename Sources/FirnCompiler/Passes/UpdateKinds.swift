import FirnGraph

/// Which updates of a program are written out, and which are to be copies.
///
/// The first of a kind is written as always, and with it what all of its kind read: equal nodes become one. The second is
/// the model: it is written on stand-ins, which no pass looks through, so that what hangs on these, and nothing else, is
/// what copies have of their own.
struct UpdateKinds {
  /// What an update depends on besides the tensors that it is made of.
  struct Key: Hashable {
    var objective: Int
    var type: TensorType
    var settings: GroupSettings.Entry
    var isAveraged: Bool
  }

  enum Role {
    case written
    case model(Int)
    case copy(Int)
  }

  private struct Count {
    var all = 0
    var written = 0
    var kind: Int?
    /// Whether what was written of it can be copied.
    var isAlike = true
  }

  private var counts: [Key: Count] = [:]

  /// Counts one more variable of a kind.
  mutating func count(_ key: Key) { counts[key, default: Count()].all += 1 }

  /// What becomes of the next update of a kind.
  ///
  /// - Parameter kinds: how many models there are.
  mutating func next(_ key: Key, after kinds: Int) -> Role {
    guard var count = counts[key], count.all >= UpdateCopies.fewest, count.isAlike else { return .written }
    defer { counts[key] = count }
    count.written += 1
    if count.written == 1 { return .written }
    if let kind = count.kind { return .copy(kind) }
    count.kind = kinds
    return .model(kinds)
  }

  /// No further update of this kind is to be a copy.
  mutating func rule(out key: Key) { counts[key]?.isAlike = false }
}
