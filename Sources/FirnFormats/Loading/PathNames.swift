/// Names of TensorFlow and Keras variables, which are paths but for two endings.
enum PathNames {
  /// The variable's path: `:0` goes, and `embeddings` is a `table`.
  static func variable(_ name: String) -> String {
    let path = name.hasSuffix(":0") ? String(name.dropLast(2)) : name
    guard path.hasSuffix("/embeddings") else { return path }
    return path.dropLast("embeddings".count) + "table"
  }

  /// The other way round.
  static func file(_ variable: String) -> String {
    variable.hasSuffix("/table") ? variable.dropLast("table".count) + "embeddings" : variable
  }
}
