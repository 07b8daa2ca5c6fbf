internal import FirnGraph
internal import FirnRuntime
internal import FirnTraining

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
        found.remedy = "correct the label or index there, or give the model as many classes"
        return found
      }
    }
    return nil
  }

  private static let size = 256
}
