extension Selection {
  /// Parts in order, such that one more costs little however many there are: a chain of `|` grows one by one.
  ///
  /// They lie in pieces, each larger than the next one on either side of the largest; so each part is copied a number of
  /// times that is logarithmic in theirs.
  struct PartList: Sendable, Sequence, ExpressibleByArrayLiteral {
    private var pieces: [[Form]]

    init(_ parts: [Form]) { pieces = [parts] }

    init(arrayLiteral elements: Form...) { self.init(elements) }

    func makeIterator() -> FlattenSequence<[[Form]]>.Iterator { pieces.joined().makeIterator() }

    /// The parts of the first, then those of the second.
    static func + (a: PartList, b: PartList) -> PartList {
      var result = a
      if a.underestimated >= b.underestimated {
        for piece in b.pieces { result.append(piece) }
      } else {
        result = b
        for piece in a.pieces.reversed() { result.prepend(piece) }
      }
      return result
    }

    private var underestimated: Int { pieces.reduce(0) { $0 + $1.count } }

    private mutating func append(_ piece: [Form]) {
      pieces.append(piece)
      while pieces.count > 1, pieces[pieces.count - 1].count >= pieces[pieces.count - 2].count {
        let last = pieces.removeLast()
        pieces[pieces.count - 1] += last
      }
    }

    private mutating func prepend(_ piece: [Form]) {
      pieces.insert(piece, at: 0)
      while pieces.count > 1, pieces[0].count >= pieces[1].count {
        let first = pieces.removeFirst()
        pieces[0] = first + pieces[0]
      }
    }
  }
}

extension Selection.PartList: Hashable {
  static func == (a: Self, b: Self) -> Bool { a.elementsEqual(b) }

  func hash(into hasher: inout Hasher) { for part in self { hasher.combine(part) } }
}
