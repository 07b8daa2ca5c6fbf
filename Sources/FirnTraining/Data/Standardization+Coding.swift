import FirnGraph

extension Standardization {
  private struct Written: Decodable {
    var columns: [Column]
  }

  /// Reads what was encoded.
  ///
  /// - Throws: `DecodingError`, also where a column is named twice, which would be scaled twice.
  public init(from decoder: any Decoder) throws {
    columns = try Written(from: decoder).columns
    var names: Set<String> = []
    if let twice = columns.first(where: { !names.insert($0.name).inserted }) {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: Self.twice(twice.name).message))
    }
  }

  static func twice(_ name: String) -> FirnError {
    FirnError(
      .duplicateName, "column `\(name)` is named twice, and would be scaled twice", remedy: "name it once",
      place: name)
  }
}
