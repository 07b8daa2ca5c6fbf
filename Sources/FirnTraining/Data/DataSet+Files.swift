internal import FirnFormats
public import FirnGraph
internal import FirnRuntime

/// Columns from NumPy's and other files of arrays.
extension DataSet {
  /// Columns from a file of named arrays: `.npz`, `.npy`, safetensors and what else ``Weights`` reads.
  ///
  ///     let data = try DataSet(contentsOf: "digits.npz", columns: [x: "images", y: "labels"])
  ///
  /// Whole numbers become `i32` and other numbers `f32`, or `f64` for a placeholder of that type that is given by its
  /// tensor, whatever the file holds. A `.npy` file has one array, called as the file without its ending.
  ///
  /// - Parameter columns: for each placeholder the name of its array.
  /// - Throws: `.file`, `.parse` where the file cannot be read; `.unknownName` for an array it has not; `.notFinite`
  ///   with row and element for NaN and infinities; `.shapeMismatch` where arrays have not as many rows.
  public init(contentsOf path: String, columns: KeyValuePairs<any TensorReference, String>) throws(FirnError)
  {
    let file = try Weights(contentsOf: path)
    var entries: [Feeds.Entry] = []
    for (reference, name) in columns {
      guard let entry = file[name] else {
        let names = file.entries.map(\.name)
        throw FirnError(
          .unknownName, "'\(path)' has no array '\(name)'",
          remedy: NearestNames(to: name, among: names).question
            ?? "it has " + names.prefix(12).joined(separator: ", "), place: path)
      }
      let stored = try entry.array()
      let wanted: DType = (reference as? Tensor)?.dtype == .f64 ? .f64 : .f32
      entries.append(
        (
          reference.tensorName, stored.dtype.isFloatingPoint ? stored.converted(to: wanted) : stored,
          reference.home
        ))
    }
    guard let count = entries.first?.array.shape.first, entries.allSatisfy({ $0.array.shape.first == count })
    else {
      throw FirnError(
        .shapeMismatch,
        "the arrays of '\(path)' have not as many rows: "
          + entries.map { "\($0.name) \($0.array.type)" }.joined(separator: ", "),
        remedy: "give arrays with one row an example", place: path)
    }
    self.init(columns: entries, count: count)
    do throws(FirnError) {
      try check()
    } catch {
      var error = error
      error.message = "'\(path)': " + error.message
      error.place = path
      throw error
    }
  }
}
