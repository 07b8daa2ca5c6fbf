internal import FirnGraph
internal import FirnRuntime
internal import FirnTraining
internal import FirnWorlds

/// The examples of a file, to say of one that is at fault where it stands.
struct NamedExamples {
  private let file: DataFile
  private let data: DataSet

  init(_ file: DataFile, _ data: DataSet) { (self.file, self.data) = (file, data) }

  /// The first example with an index that is none, as an error with file and line; nil where there is none.
  ///
  /// - Parameter names: what is made of examples.
  /// - Complexity: a forward pass over the data, and over one batch of it example by example.
  func fault(in session: Session, fetching names: [String]) throws(FirnError) -> FirnError? {
    let program = try session.compile(fetching: names)
    func fault(_ rows: Range<Int>) -> FirnError? {
      do throws(FirnError) {
        _ = try session.run(program, feeding: data.feeds(rows))
        return nil
      } catch {
        return error.code == .indexOutOfRange ? error : nil
      }
    }
    for first in stride(from: 0, to: data.count, by: Self.size) {
      let rows = first..<min(first + Self.size, data.count)
      guard fault(rows) != nil else { continue }
      for row in rows {
        guard var found = fault(row..<row + 1) else { continue }
        let place = file.place(ofRow: row)
        found.message = "\(place.words): \(found.message)"
        found.place = place.short
        found.remedy = "correct the label or index there, or give the model as many classes or rows"
        return found
      }
    }
    return nil
  }

  private static let size = 256
}

extension [NamedExamples] {
  /// Does what runs examples; an error about an index in one of them gets its file and line.
  ///
  /// Members of a world have each some of the batches, and none runs them all to look.
  ///
  /// - Parameter names: what is made of examples.
  func locating<Result>(
    in session: Session, fetching names: [String], _ body: () throws(FirnError) -> Result
  ) throws(FirnError) -> Result {
    do {
      return try body()
    } catch {
      guard error.code == .indexOutOfRange, session.world.size == 1 else { throw error }
      for file in self {
        // What else may be wrong with a file is not what is looked for.
        if let found = try? file.fault(in: session, fetching: names) { throw found }
      }
      throw error
    }
  }
}
