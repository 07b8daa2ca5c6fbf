import FirnFiles
public import FirnGraph

extension Weights {
  /// Writes all entries to a file at `path`, whole or not at all; a file there is replaced.
  ///
  /// Elements keep their stored types and bits, also those Firn does not compute with; see ``StoredType`` for what a
  /// format has.
  ///
  /// - Parameter format: by default what the path's ending says, else safetensors.
  /// - Throws: `.invalidArgument` where the format has not the type of an entry or is only read, `.parse` where an
  ///   entry cannot be read, `.file` where the file cannot be written; the old file is then unchanged.
  public func write(to path: String, as format: WeightFormat? = nil) throws(FirnError) {
    let format = format ?? WeightFormat(path: path) ?? .safetensors
    switch format {
    case .safetensors:
      try AtomicFile.write(to: path) { (file) throws(FirnError) in try SafetensorsWriter.write(self, to: file)
      }
    case .npy:
      guard entries.count == 1, let entry = entries.first else {
        throw FirnError(
          .invalidArgument, "a .npy file holds one array, not \(entries.count)",
          remedy: "write .npz or safetensors")
      }
      try AtomicFile.write(to: path) { (file) throws(FirnError) in
        try file.write(NumPyHeader.written(entry))
        try file.write(try entry.storedBytes())
      }
    case .npz:
      try AtomicFile.write(to: path) { (file) throws(FirnError) in try NumPyWriter.write(self, to: file) }
    case .pytorch, .tensorFlow:
      throw FirnError(
        .invalidArgument, "Firn reads \(format.rawValue) files but does not write them",
        remedy: "write safetensors, which every framework reads")
    }
  }
}
