internal import FirnFormats
internal import FirnGraph
internal import FirnTraining
internal import Foundation

/// What a file of weights says of how they were trained: in its metadata, or in the notes of a checkpoint.
struct SaidOfWeights {
  static let standardizationKey = "firn.standardization"

  let path: String
  let weights: Weights
  let notes: [String: String]

  /// How the data was scaled; nil where the file does not say.
  var standardization: Standardization? {
    get throws(FirnError) {
      try value(Self.standardizationKey, noted: Standardization.key, "how data was scaled")
    }
  }

  /// What is said under a key; nil where nothing is.
  ///
  /// - Parameters:
  ///   - noted: the key in a checkpoint's notes, if another.
  ///   - what: in words.
  func value<Value: Decodable>(
    _ key: String, noted: String? = nil, _ what: String
  ) throws(FirnError) -> Value? {
    guard let text = weights.metadata.first(where: { $0.key == key })?.value ?? notes[noted ?? key] else {
      return nil
    }
    guard let read = try? JSONDecoder().decode(Value.self, from: Data(text.utf8)) else {
      throw FirnError(
        .parse, "'\(path)' says \(what), and it cannot be read",
        remedy: "use the version of Firn that wrote it", place: path)
    }
    return read
  }
}
