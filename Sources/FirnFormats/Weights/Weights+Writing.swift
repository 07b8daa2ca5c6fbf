public import FirnGraph

extension Weights {
  /// Writes all entries to a file at `path`, whole or not at all; a file there is replaced.
  ///
  /// Elements are written in Firn's own types: what was `f16` in another file becomes `f32`.
  ///
  /// - Parameter format: by default what the path's ending says, else safetensors.
  /// - Throws: where an entry cannot be read, or the file not be written; the old file is then unchanged.
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
        let array = try entry.array()
        try file.write(NumPyHeader.written(array))
        try file.write(array)
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
