/// What a call is for: members that do not make the same calls notice by it.
///
/// Messages of one purpose are matched with each other alone, so a mistake never takes one for another.
enum Purpose: Int32, CaseIterable, Sendable {
  // By their numbers MPI tells messages apart.
  case sums = 7
  case copies
  case collecting
  case comparing
  case meeting

  /// What a member does, in words.
  var words: String {
    switch self {
    case .sums: "adds up numbers, as a step does"
    case .copies: "takes another rank's numbers"
    case .collecting: "collects what all have"
    case .comparing: "compares what all hold, as after a load"
    case .meeting: "waits for all others"
    }
  }

  /// How long a member waits for messages of its own purpose before it looks whether there are others.
  ///
  /// Who compares knows best what went wrong, so it looks first.
  var secondsBeforeLooking: Double { self == .comparing ? 0.05 : 5 }

  var others: [Purpose] { Self.allCases.filter { $0 != self } }
}

extension WorldError {
  /// Two members make different calls.
  static func different(
    _ own: Purpose, at rank: Int, _ other: Purpose, at otherRank: Int
  ) -> WorldError {
    WorldError(
      rank: rank, "rank \(rank) \(own.words), but rank \(otherRank) \(other.words)",
      remedy:
        "let all ranks make the same calls in the same order: load, give values, compile, evaluate and run on all of them alike"
    )
  }
}
